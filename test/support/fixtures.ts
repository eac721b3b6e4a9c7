import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { WebhookRequest } from "../../src/model.ts";

/** One webhook of a provider, as test/fixtures/<provider>/<name>.json keeps it: what came, and what it means. */
export interface Fixture {
  /** What this sample shows, in a sentence. */
  about: string;
  request: Sample;
  /** The events that `parse` must give, as JSON (times in ISO 8601, absent fields left out). */
  means: unknown[];
}

/** A request before it is signed. */
export interface Sample {
  /** Without parameters: the signer adds a boundary. */
  contentType: string;
  /** Headers other than the content type and the signature. */
  headers?: Record<string, string>;
  /** A string as it is; an object is encoded by the signer in the way of the content type. */
  body: string | Record<string, unknown>;
  /** For multipart: the uploaded files. */
  files?: { field: string; filename: string; contentType: string; content: string }[];
}

/** What test/fixtures/<provider>/sign.ts exports: signs as the provider does, with the provider's own SDK where it has one. */
export interface Signer {
  credentials: unknown;
  /** Well-shaped credentials of somebody else. */
  foreignCredentials: unknown;
  /** Does the signature cover the body? Where it does not, a changed body cannot be noticed. */
  signsBody: boolean;
  /** Does it cover a timestamp? Then old webhooks are refused. */
  signsTime: boolean;
  sign(sample: Sample, options: { url: string; at: Date; credentials?: unknown }): WebhookRequest;
}

export function jsonBody(sample: Sample): Buffer {
  return Buffer.from(typeof sample.body === "string" ? sample.body : JSON.stringify(sample.body));
}

export function readFixtures(provider: string): { name: string; fixture: Fixture }[] {
  const folder = join(import.meta.dirname, "../fixtures", provider);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({
      name: file.slice(0, -5),
      fixture: JSON.parse(readFileSync(join(folder, file), "utf8")) as Fixture,
    }));
}
