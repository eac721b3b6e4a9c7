import { asWritten, labelOf } from "../../http/openapi/form-fields.ts";
import type { Json } from "../../http/openapi/schemas.ts";
import { isJson } from "../../http/openapi/shape.ts";
import type { Finding } from "../../model.ts";
import { adapterOf, labelOf as labelOfProvider } from "../../providers/registry.ts";
import { Facts, Id, Said, Time, Ways, Words } from "../frame/parts.tsx";
import { Findings } from "../frame/story.tsx";

/** What the API answered: some of it is shown this once. */
export function Outcome(outcome: { body: Json; back: string; isNew: boolean }) {
  const { body, back, isNew } = outcome;
  const { checks, ...rest } = body;
  const { provider, id } = rest;
  const pasteAt =
    isNew && typeof provider === "string" && rest["webhookUrl"] ? adapterOf(provider)?.pasteAt : undefined;
  const to = back === "/console/mappings" && typeof id === "string" ? `${back}/${id}` : back;
  const isFirst = ([name]: [string, unknown]) => rest["webhookUrl"] === undefined || shownFirst.test(name);
  const facts = Object.entries(rest);
  return (
    <>
      {(rest["key"] ?? rest["secret"]) !== undefined && <p>What is secret is shown now, and never again.</p>}
      {pasteAt && (
        <p>
          Paste the webhook URL at {labelOfProvider(provider as string)}: <Words>{pasteAt}</Words>.
        </p>
      )}
      {Array.isArray(checks) && <Findings checks={checks as Finding[]} />}
      <Fields of={facts.filter(isFirst)} />
      {!facts.every(isFirst) && (
        <details>
          <summary>All of it</summary>
          <Fields of={facts.filter((fact) => !isFirst(fact))} />
        </details>
      )}
      <Ways primary="Go on" to={{ "Go on": to, "First steps": pasteAt !== undefined && "/console/first-steps" }} />
    </>
  );
}

/** Of what has a URL to paste. */
const shownFirst = /url$|^address$|^name$|^provider$|^locationId$/i;
const copied = /id$|url$|^key$|^secret$/i;

/** Fields of what the API answers. */
export function Fields({ of }: { of: [name: string, value: unknown][] }) {
  const shown = of.map(([name, value]) => [labelOf(name), <Value key={name} {...{ name, value }} />]);
  return <Facts facts={Object.fromEntries(shown)} />;
}

/** A value of the API, as people read it. */
export function Value({ name, value }: { name: string; value: unknown }) {
  if (value === null || value === undefined) return <span class="faint">none</span>;
  if (value instanceof Date) return <Time at={value} />;
  if (copied.test(name)) return <Id id={String(value)} />;
  const isFlat = isJson(value) && !Object.values(value).some((each) => typeof each === "object");
  const written = asWritten(isFlat ? Object.entries(value).map((each) => each.join(" ")) : value);
  return /^[[{]\n/.test(written) ? <pre tabIndex={0}>{written}</pre> : <Said>{written}</Said>;
}
