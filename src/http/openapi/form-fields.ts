import type { Operation } from "../operations/operation.ts";
import { Problem } from "../problem.ts";
import { createSchemas, type Json } from "./schemas.ts";
import { isJson } from "./shape.ts";

/** A field of a form, as the operation's schema has it. */
export interface FormField {
  name: string;
  /** `words`: some of a set. `long`: a text of lines. `csv`: the same, in place of a list. `json`: what has no fields of its own. */
  kind: "text" | "long" | "word" | "words" | "flag" | "number" | "list" | "csv" | "json";
  label: string;
  help: string | undefined;
  words: readonly string[] | undefined;
  isSecret: boolean;
  isRequired: boolean;
  isNullable: boolean;
  /** It is the body itself, not a field in it. */
  isWhole?: true;
}

/** What an operation asks for in its body, a field each; or one field `body`, where the schema has none. */
export function fieldsOf({ body, csvLimit }: Pick<Operation<never>, "body" | "csvLimit">): FormField[] {
  if (!body) return [];
  const schemas = createSchemas(false);
  const { properties, required = [], description } = schemas.of(body, "input");
  if (!isJson(properties)) return [{ ...fieldOf("body", { description }, { isRequired: true }), isWhole: true }];
  return Object.entries(properties).map(([name, given]) => {
    const isRequired = Array.isArray(required) && required.includes(name);
    const field = fieldOf(name, resolve(given, schemas.named), { isRequired });
    return csvLimit !== undefined && field.kind === "json" ? { ...field, kind: "csv" } : field;
  });
}

function fieldOf(name: string, schema: Json, { isRequired }: { isRequired: boolean }): FormField {
  const { format, title, description } = schema;
  const words = wordsOf(schema) ?? (isJson(schema["items"]) ? wordsOf(schema["items"]) : undefined);
  return {
    ...{ name, words, isRequired, kind: kindOf(schema), label: typeof title === "string" ? title : labelOf(name) },
    help: typeof description === "string" ? description : undefined,
    ...{ isSecret: format === "password", isNullable: schema["isNullable"] === true },
  };
}

function kindOf(schema: Json): FormField["kind"] {
  const { type, items } = schema;
  if (type === "array") {
    if (!isJson(items) || items["type"] !== "string") return "json";
    return wordsOf(items) ? "words" : "list";
  }
  if (type === "boolean") return "flag";
  if (type === "integer" || type === "number") return "number";
  if (type !== "string") return "json";
  if (schema["format"] === "lines") return "long";
  return wordsOf(schema) ? "word" : "text";
}

const wordsOf = ({ enum: words }: Json) => (Array.isArray(words) ? words.map(String) : undefined);

/** What is meant by a name, and what else than null it may be. */
function resolve(schema: unknown, named: Json): Json {
  if (!isJson(schema)) return {};
  const { anyOf, $ref, ...rest } = schema;
  if (typeof $ref === "string") return { ...resolve(named[$ref.split("/").at(-1) ?? ""], named), ...rest };
  if (!Array.isArray(anyOf)) return schema;
  if (anyOf.length > 2) return { type: "string", format: "lines", ...rest };
  const isNull = (each: unknown) => isJson(each) && each["type"] === "null";
  return {
    ...resolve(
      anyOf.find((each) => !isNull(each)),
      named,
    ),
    ...rest,
    isNullable: anyOf.some(isNull),
  };
}

/** As in `Conversation provider id`, or `Webhook URL`. */
export const labelOf = (name: string) =>
  (name.charAt(0).toUpperCase() + name.slice(1).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)).replace(
    /\b(url|dmarc)\b/i,
    (word) => word.toUpperCase(),
  );

/** A value as it stands in a field. */
export function asWritten(value: unknown): string {
  const isObject = (each: unknown) => typeof each === "object" && each !== null;
  if (Array.isArray(value) && !value.some(isObject)) return value.join(", ");
  return isObject(value) ? JSON.stringify(value, null, 2) : String(value ?? "");
}

/** The same, read from what stands in the field. Emptied it is null, where that can be, or nothing. */
export function readField({ name, kind, isNullable }: FormField, written: string): unknown {
  const isList = kind === "list" || kind === "words";
  if (written === "" && isNullable) return null;
  if (isList) return written.split(/[,\s]+/).filter(Boolean);
  if (written === "") return "";
  if (kind === "flag") return written === "true";
  if (kind === "number") return Number(written);
  if (kind !== "json") return written;
  try {
    return JSON.parse(written);
  } catch {
    throw new Problem(422, "some fields are missing or wrong", { errors: [{ path: name, message: "must be JSON" }] });
  }
}
