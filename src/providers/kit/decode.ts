import type { z } from "zod";
import { type FormField, readForm } from "../../formats/form.ts";
import { decodeJson, parseValue } from "../../formats/parse-value.ts";
import type { WebhookRequest } from "../../model.ts";
import { referenceOf } from "./reference.ts";

/** A webhook whose body is decoded: once, however often it is read. */
export interface DecodedWebhook {
  isJson: boolean;
  /** The fields that fit a schema; throws a ParseError that names those that do not. Of a repeated field the last counts. */
  read<Output>(schema: z.ZodType<Output>): Output;
  /** The fields of a form in their order, files among them; none of JSON. */
  fields: readonly FormField[];
  /** The reference that a callback URL of ours holds. */
  reference: string | undefined;
}

/**
 * Decodes a body in the way of its content type: as a form, or as JSON. A request that names none of the provider's content
 * types is read as the first of them. Rejects with a ParseError.
 */
export async function decode(request: WebhookRequest, contentTypes: readonly string[]): Promise<DecodedWebhook> {
  const { headers, body, url } = request;
  const given = headers["content-type"] ?? "";
  const contentType = contentTypes.some((each) => isOfType(request, each)) ? given : (contentTypes[0] ?? given);
  const reference = referenceOf(url);
  if (!isForm(contentType)) {
    const value = decodeJson(body);
    return { isJson: true, read: (schema) => parseValue(schema, value), fields: [], reference };
  }
  const fields = await readForm(contentType, body);
  const texts = textsOf(fields);
  return { isJson: false, read: (schema) => parseValue(schema, texts), fields, reference };
}

/** Is it of this media type, whatever its parameters? */
export function isOfType({ headers }: WebhookRequest, mediaType: string): boolean {
  const [given = ""] = (headers["content-type"] ?? "").split(/[;,\s]/, 1);
  return given.toLowerCase() === mediaType;
}

const isForm = (contentType: string) => /^(multipart\/|application\/x-www-form-urlencoded\b)/i.test(contentType);

/** The fields by name, each turned into text only when it is read: some are files. */
function textsOf(fields: readonly FormField[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const { name, content } of fields) {
    Object.defineProperty(texts, name, { enumerable: true, configurable: true, get: () => content.toString("utf8") });
  }
  return texts;
}
