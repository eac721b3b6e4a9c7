import { z } from "zod";

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe("Each wrong field."),
  })
  .meta({ id: "Problem", description: "Problem details, as in RFC 9457." });

/** What any operation may answer, by its status. */
export const problemResponses = {
  400: ["BadRequest", "The body is not JSON or holds what no database can store, or the URL holds a NUL."],
  401: ["Unauthorized", "No key, or another one."],
  403: ["Forbidden", "A write with a key for reading; a location that the key does not reach; or it is for operators."],
  404: ["NotFound", "Nothing there, or nothing that the key reaches."],
  413: ["TooLarge", "The body is too large."],
  415: ["UnsupportedMediaType", "The body is packed, or its Content-Type is another."],
  422: ["Unprocessable", "Fields, or parameters of the query, are missing, wrong or unknown: `errors` has each."],
  500: ["Broken", "A mistake of the bridge's own: its log says where."],
  503: ["Unavailable", "The database is away, or too much is being read; `Retry-After` says when to come again."],
} as const;
