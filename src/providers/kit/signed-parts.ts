import { createHash } from "node:crypto";
import { ParseError } from "../../errors.ts";
import { type FormField, readUrlencoded } from "../../formats/form.ts";
import type { WebhookRequest } from "../../model.ts";

/** The headers that a template's `{timestamp}` and `{nonce}` stand for. */
interface PartHeaders {
  timestamp?: string | undefined;
  nonce?: string | undefined;
}

type Part = (request: WebhookRequest) => string | Buffer | undefined;

/** What can be signed of a webhook, besides its headers. */
const parts: Record<string, Part> = {
  "{body}": ({ body }) => body,
  /** The SHA-256 of the body, in bytes. */
  "{bodySha256}": ({ body }) => createHash("sha256").update(body).digest(),
  "{url}": ({ url }) => url,
  /** The fields of an urlencoded form, sorted. */
  "{fields}": ({ body }) => {
    const fields = formFields(body);
    return fields && sortedFields(fields);
  },
};

/**
 * Reads a template such as `{timestamp}.{body}`: names in braces, and what stands between them. Throws for a name that it
 * does not know, and for a header that is named and not signed, or signed and not named: such a recipe proves nothing. What
 * it gives is undefined for a request that lacks one of the parts.
 */
export function readTemplate(
  template: string,
  headers: PartHeaders,
): (request: WebhookRequest) => (string | Buffer)[] | undefined {
  const fromHeaders = Object.entries(headers)
    .filter(([, header]) => header !== undefined)
    .map(([name, header]): [string, Part] => [`{${name}}`, (request) => request.headers[header] || undefined]);
  const known = { ...parts, ...Object.fromEntries(fromHeaders) };
  const pieces = template.split(/(\{\w+\})/).filter((piece) => piece !== "");
  const unknown = pieces.find((piece) => /^\{\w+\}$/.test(piece) && !Object.hasOwn(known, piece));
  const unsigned = fromHeaders.find(([name]) => !pieces.includes(name))?.[0];
  if (unknown ?? unsigned) throw new Error(`${template}: ${unknown ?? unsigned} must be both named and signed`);
  return (request) => {
    const signed = pieces.map((piece) => (Object.hasOwn(known, piece) ? known[piece]?.(request) : piece));
    return signed.every((part) => part !== undefined) ? signed : undefined;
  };
}

/** Each name with its value, sorted by name; of a name with several values each different one, sorted. */
function sortedFields(fields: FormField[]): string {
  const valuesByName = new Map<string, Set<string>>();
  for (const { name, content } of fields) {
    const values = valuesByName.get(name) ?? new Set();
    valuesByName.set(name, values.add(content.toString("utf8")));
  }
  return [...valuesByName.keys()]
    .sort()
    .flatMap((name) => [...(valuesByName.get(name) ?? [])].sort().map((value) => name + value))
    .join("");
}

/** Undefined for a form that cannot be read. */
export function formFields(body: Buffer): FormField[] | undefined {
  try {
    return readUrlencoded(body);
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

/**
 * Does a name end in one of these, and sort behind it? Where names and values are signed without separators, a text that
 * holds `From+1500…FromA` and stands before the field From makes of that a field FromAFrom, and another From of its own.
 */
export function hasSwallowedName(names: Iterable<string>, swallowed: readonly string[]): boolean {
  return [...names].some((name) => swallowed.some((each) => name > each && name.endsWith(each)));
}
