import type { Json } from "./schemas.ts";

/** A schema as people read it: `{ id: integer; name?: string | null }`, with each field in a line of its own. */
export function shapeOf(schema: unknown, indent = ""): string {
  if (!isJson(schema)) return "any";
  const { $ref, anyOf, type, enum: words } = schema;
  if (typeof $ref === "string") return $ref.split("/").at(-1) ?? "";
  if (Array.isArray(anyOf)) return anyOf.map((each) => shapeOf(each, indent)).join(" | ");
  if (Array.isArray(words)) return words.map((word) => JSON.stringify(word)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema["const"]);
  if (type === "array") return `list of ${shapeOf(schema["items"], indent)}`;
  if (type === "object") return objectShape(schema, indent);
  if (Array.isArray(type)) return type.join(" | ");
  const format = typeof schema["format"] === "string" ? ` (${schema["format"]})` : "";
  return typeof type === "string" ? `${type}${format}` : "any";
}

function objectShape({ properties, required, additionalProperties }: Json, indent: string): string {
  const fields = Object.entries(isJson(properties) ? properties : {});
  if (fields.length === 0) return isJson(additionalProperties) ? "object" : "{}";
  const isRequired = (name: string) => Array.isArray(required) && required.includes(name);
  const lines = fields.map(([name, field]) => {
    const note = isJson(field) && typeof field["description"] === "string" ? `  // ${field["description"]}` : "";
    return `${indent}  ${name}${isRequired(name) ? "" : "?"}: ${shapeOf(field, `${indent}  `)}${note}\n`;
  });
  return `{\n${lines.join("")}${indent}}`;
}

export const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
