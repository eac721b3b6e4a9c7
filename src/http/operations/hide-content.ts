import { z } from "zod";

/** In the schema of an answer: what people wrote, their names and addresses. The document says so by `x-content`. */
export const content = <Schema extends z.ZodType>(schema: Schema): Schema =>
  schema.meta({ ...schema.meta(), "x-content": true }) as Schema;

export const isContent = (schema: z.ZodType | undefined): boolean => schema?.meta()?.["x-content"] === true;

/**
 * An answer without what people wrote, as its schema tells: instead stands null, or where the schema has none, `hidden`, or
 * what is empty. What the schema does not name, or leaves open, is not shown either.
 */
export function hideContent(schema: z.ZodType, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (isContent(schema) || isOpen(schema)) return nothingOf(schema);
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional)
    return hideContent(schema.unwrap() as z.ZodType, value);
  if (schema instanceof z.ZodUnion) return hideContent(chooseOf(schema.options as z.ZodType[], value), value);
  if (schema instanceof z.ZodArray && Array.isArray(value))
    return value.map((each) => hideContent(schema.element as z.ZodType, each));
  if (schema instanceof z.ZodRecord) return mapFields(value, () => schema.valueType as z.ZodType);
  if (schema instanceof z.ZodObject) return mapFields(value, (name) => (schema.shape as z.ZodRawShape)[name]);
  return value;
}

/** Whatever may stand there. */
function isOpen(schema: unknown): boolean {
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) return isOpen(schema.unwrap());
  return schema instanceof z.ZodUnknown || (schema instanceof z.ZodRecord && isOpen(schema.valueType));
}

const nothingOf = (schema: z.ZodType) =>
  [null, "hidden", [], {}].find((nothing) => schema.safeParse(nothing).success) ?? null;

function mapFields(value: unknown, schemaOf: (name: string) => z.core.$ZodType | undefined): Record<string, unknown> {
  const shown = Object.entries(value as object).flatMap(([name, field]) => {
    const schema = schemaOf(name) as z.ZodType | undefined;
    return schema ? [[name, hideContent(schema, field)]] : [];
  });
  return Object.fromEntries(shown);
}

/** Of several that which has the value's fields; of what has none the first that is content. */
function chooseOf(options: z.ZodType[], value: unknown): z.ZodType {
  const fits = (option: z.ZodType) =>
    option instanceof z.ZodObject &&
    typeof value === "object" &&
    Object.entries(option.shape as Record<string, z.ZodType>).every(([name, field]) => {
      const given = (value as Record<string, unknown>)[name];
      return field instanceof z.ZodLiteral ? field.safeParse(given).success : given !== undefined || isOptional(field);
    });
  return options.find(fits) ?? options.find(isContent) ?? z.string();
}

const isOptional = (schema: z.ZodType) => schema.safeParse(undefined).success;
