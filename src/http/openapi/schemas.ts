import { z } from "zod";

export type Json = Record<string, unknown>;

/** What makes schemas for a document, of which the named ones are gathered in `named`. */
export interface Schemas {
  of(schema: z.ZodType, io: "input" | "output"): Json;
  named: Json;
}

/** `isStrict`: an answer holds nothing that the document does not name. Clients must bear what a later version adds. */
export function createSchemas(isStrict: boolean): Schemas {
  const named: Json = {};
  return {
    named,
    of(schema, io) {
      const within = z.toJSONSchema(z.object({ schema }), {
        io,
        unrepresentable: "any",
        override: ({ jsonSchema }) => {
          if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
          if (io === "output" && !isStrict && jsonSchema.additionalProperties === false)
            delete jsonSchema.additionalProperties;
        },
      });
      const { properties = {}, $defs = {} } = JSON.parse(
        JSON.stringify(within).replaceAll('"#/$defs/', '"#/components/schemas/'),
      );
      for (const [name, { id: _id, ...definition }] of Object.entries<Json>($defs)) named[name] = definition;
      return properties.schema;
    },
  };
}
