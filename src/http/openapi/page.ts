import { escapeHtml } from "../../formats/escape-html.ts";
import { type Described, describe } from "./describe.ts";
import { apiOperations } from "./document.ts";
import { createSchemas, type Schemas } from "./schemas.ts";
import { isJson, shapeOf } from "./shape.ts";
import { tags } from "./tags.ts";

export const stylesheet = `:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
nav a{margin-right:1rem}code,pre{font:14px/1.5 ui-monospace,monospace}pre{overflow-x:auto;white-space:pre-wrap}
details{border-top:1px solid color-mix(in srgb,currentcolor 20%,transparent);padding:.4rem 0}
summary{cursor:pointer}summary b{display:inline-block;min-width:4.5rem}dd{margin-left:1.5rem}`;

/** The same as the document, to be read: it works without scripts. */
export function renderPage(): string {
  const schemas = createSchemas(false);
  const sections = Object.entries(tags).map(([tag, description]) => {
    const own = Object.entries(apiOperations).filter(([, operation]) => operation.tag === tag);
    const shown = own.map(([id, operation]) => renderOperation(schemas, id, operation));
    return `<h2 id="${anchor(tag)}">${escapeHtml(tag)}</h2>\n<p>${prose(description)}</p>\n${shown.join("\n")}`;
  });
  const links = Object.keys(tags).map((tag) => `<a href="#${anchor(tag)}">${escapeHtml(tag)}</a>`);
  const named = Object.entries(schemas.named).map(
    ([name, schema]) =>
      `<details id="schema-${name}"><summary><code>${name}</code></summary><pre>${escapeHtml(shapeOf(schema))}</pre></details>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>API of Conversation Bridge</title><style>${stylesheet}</style></head><body>
<h1>API of Conversation Bridge</h1>
<p>With <code>Authorization: Bearer</code> and <code>ADMIN_API_KEY</code>, or an integrator's key. The same for programs:
<a href="/openapi.json">openapi.json</a>, in OpenAPI 3.1.</p>
<nav>${[...links, `<a href="#schemas">Schemas</a>`].join("\n")}</nav>
${sections.join("\n")}
<h2 id="schemas">Schemas</h2>
${named.join("\n")}
</body></html>`;
}

function renderOperation(schemas: Schemas, id: string, operation: Described): string {
  const { method, path, summary, description, by } = operation;
  const { parameters, requestBody, responses } = describe(schemas, id, operation);
  const who = by === "operator" ? "<p>For the holder of ADMIN_API_KEY alone.</p>" : "";
  return `<details id="${id}"><summary><b>${method}</b> <code>${escapeHtml(path)}</code> ${prose(summary)}</summary>
${who}${description === undefined ? "" : `<p>${prose(description)}</p>`}
${renderParameters(parameters)}${renderContent("Body", requestBody)}<dl>${renderResponses(responses)}</dl></details>`;
}

function renderParameters(parameters: unknown): string {
  const rows = (Array.isArray(parameters) ? parameters : []).map(({ name, in: place, description = "", schema }) => {
    const what = `${place}, ${shapeOf(schema)}. ${description}`;
    return `<dt><code>${escapeHtml(name)}</code></dt><dd>${prose(what)}</dd>`;
  });
  return rows.length > 0 ? `<dl>${rows.join("")}</dl>` : "";
}

function renderResponses(responses: unknown): string {
  const entries = Object.entries(isJson(responses) ? responses : {});
  return entries.map(([status, response]) => renderResponse(status, response)).join("\n");
}

/** What any operation may answer is not said again. */
function renderResponse(status: string, response: unknown): string {
  if (!isJson(response) || "$ref" in response) return "";
  const said = Number(status) < 300 ? renderContent("", response) : prose(String(response["description"]));
  return `<dt>${status}</dt><dd>${said}</dd>`;
}

function renderContent(label: string, given: unknown): string {
  const { content } = isJson(given) ? given : { content: undefined };
  const first = Object.entries(isJson(content) ? content : {})[0];
  if (!first) return "";
  const [type, media] = first;
  const shape = isJson(media) ? shapeOf(media["schema"]) : "";
  return `${label} <code>${escapeHtml(type)}</code><pre>${escapeHtml(shape)}</pre>`;
}

/** What stands between backticks is code. */
const prose = (text: string) => escapeHtml(text).replace(/`([^`]+)`/g, "<code>$1</code>");
const anchor = (tag: string) => tag.toLowerCase();
