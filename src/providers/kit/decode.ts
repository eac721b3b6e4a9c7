import type { z } from "zod";
import { type FormField, readForm, readUrlencoded } from "../../formats/form.ts";
import { decodeJson, parseValue } from "../../formats/parse-value.ts";
import type { WebhookRequest } from "../../model.ts";
import { closeJson } from "./email/close-json.ts";
import { wholeBytesOf } from "./email/cut.ts";
import { referenceOf } from "./reference.ts";

/** Of what was fetched from a mailbox: the `verifiedBy` of the mailbox. */
export const verifiedByHeader = "x-mailbox-verified-by";

/** A webhook whose body is decoded: once, however often it is read. */
export interface DecodedWebhook {
  isJson: boolean;
  /** The fields that fit a schema; throws a ParseError that names those that do not. Of a repeated field the last counts. */
  read<Output>(schema: z.ZodType<Output>): Output;
  /** The fields of a form in their order, files among them; none of JSON. */
  fields: readonly FormField[];
  /** The bytes as they came, for what is a whole mail. */
  body: Buffer;
  /** The reference that a callback URL of ours holds. */
  reference: string | undefined;
  /** What was fetched for it, after an `incompleteMail`; JSON of it that was cut is closed. */
  fetched: Buffer | undefined;
  /** Of a mail that was fetched from a mailbox: the server whose Authentication-Results are believed. */
  verifiedBy: string | undefined;
}

/**
 * Decodes a body in the way of its content type: as a form, or as JSON; a mail is left as it is. A request that names none
 * of the provider's content types is read as the first of them; one by GET, as which one without a body is known, by its
 * query. Of a body that was cut so much is read as is there. Rejects with a ParseError.
 */
export async function decode(
  request: WebhookRequest,
  contentTypes: readonly string[],
  { takesGet }: { takesGet?: true | undefined } = {},
): Promise<DecodedWebhook> {
  const { headers, url } = request;
  const { body, fetched } = partsOf(request);
  const isCut = fetched === undefined && wholeBytesOf(request) !== undefined;
  const about = { reference: referenceOf(url), body, fetched, verifiedBy: headers[verifiedByHeader] };
  if (takesGet && body.length === 0) return readFields(readUrlencoded(queryBytes(url)), about);
  const given = headers["content-type"] ?? "";
  const contentType = contentTypes.some((each) => isOfType(request, each)) ? given : (contentTypes[0] ?? given);
  if (isMail(contentType)) return readFields([], about);
  if (!isForm(contentType)) {
    const value = decodeJson(isCut ? closeJson(body) : body);
    return { isJson: true, read: (schema) => parseValue(schema, value), fields: [], ...about };
  }
  return readFields(await readForm(contentType, body, { isCut }), about);
}

function readFields(
  fields: readonly FormField[],
  about: Pick<DecodedWebhook, "reference" | "body" | "fetched" | "verifiedBy">,
): DecodedWebhook {
  const texts = textsOf(fields);
  return { isJson: false, read: (schema) => parseValue(schema, texts), fields, ...about };
}

function partsOf(request: WebhookRequest): { body: Buffer; fetched: Buffer | undefined } {
  const { body, fetchedFrom } = request;
  if (fetchedFrom == null) return { body, fetched: undefined };
  const fetched = body.subarray(fetchedFrom);
  const isCutJson = wholeBytesOf(request) !== undefined && fetched[0] === 0x7b;
  return { body: body.subarray(0, fetchedFrom), fetched: isCutJson ? closeJson(fetched) : fetched };
}

const queryBytes = (url: string) => Buffer.from(/\?([^#]*)/s.exec(url)?.[1] ?? "");

/** Is it of this media type, whatever its parameters? */
export function isOfType({ headers }: WebhookRequest, mediaType: string): boolean {
  const [given = ""] = (headers["content-type"] ?? "").split(/[;,\s]/, 1);
  return given.toLowerCase() === mediaType;
}

const isMail = (contentType: string) => /^message\/rfc822\b/i.test(contentType);
const isForm = (contentType: string) => /^(multipart\/|application\/x-www-form-urlencoded\b)/i.test(contentType);

/** What is larger may be a file, or a raw mail of which only the bytes are read. */
const smallBytes = 10_000;

/** The texts by name; what is large is turned into text only when it is read. */
function textsOf(fields: readonly FormField[]): Record<string, string> {
  const contents = new Map(fields.map(({ name, content }) => [name, content]));
  const texts: Record<string, string> = Object.create(null);
  for (const [name, content] of contents) {
    if (content.length <= smallBytes) texts[name] = content.toString("utf8");
    else Object.defineProperty(texts, name, { enumerable: true, get: () => content.toString("utf8") });
  }
  return texts;
}
