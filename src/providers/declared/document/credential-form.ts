import { z } from "zod";

/** What other parts of a document are made of. */

export const words = (max: number) =>
  z.string().trim().min(1, "must not be empty").max(max, `must have up to ${max} characters`);

export const credentialName = z
  .string()
  .regex(/^[a-zA-Z][a-zA-Z0-9_]{0,39}$/, "must be a name of letters, digits and _");

export const headerName = z.string().regex(/^[a-z0-9-]{1,80}$/, "must be a header's name in lower case");

export const credential = z.strictObject({
  label: words(80),
  help: words(300),
  need: z.enum(["always", "to send", "if wanted"]),
  secret: z.boolean().default(true),
  shape: z.enum(["printable", "any", "uuid", "https url", "ed25519 key"]).default("printable"),
});
export type DeclaredCredential = z.infer<typeof credential>;

/** An account's credentials by their names. */
export type Given = Record<string, string | undefined>;

export interface DocumentIssue {
  path: (string | number)[];
  message: string;
}
