import { createHash, createHmac } from "node:crypto";
import { z } from "zod";
import { ParseError } from "../../../errors.ts";
import { isSame } from "../../../secrets/compare.ts";
import type { DecodedWebhook } from "../decode.ts";
import { isFresh } from "../freshness.ts";
import type { Proof } from "../proofs.ts";

/** As the dashboard has them: a hash of parameters and secret, or an HMAC. */
export const vonageAlgorithms = ["md5hash", "md5", "sha1", "sha256", "sha512"] as const;
export type VonageAlgorithm = (typeof vonageAlgorithms)[number];

/** Nobody has said that a retry is signed anew, and Vonage tries for 24 hours: what comes again is known by its id. */
const maxAgeSeconds = 24 * 3600 + 300;

/**
 * Vonage's for its SMS API: all parameters sorted, each as `&name=value`, where & and = within become underscores. They
 * stand in a query, a form or JSON. https://developer.vonage.com/en/getting-started/concepts/signing-messages
 */
export function vonageSignature<Given>(recipe: {
  algorithm(credentials: Given): VonageAlgorithm;
  key(credentials: Given): string;
}): Proof<Given> {
  return {
    ...{ headers: [], secrets: ["sig"] },
    async check({ receivedAt }, credentials, decode) {
      const parameters = await readParameters(decode);
      const { sig, timestamp } = Object.fromEntries(parameters);
      const key = recipe.key(credentials);
      if (!sig || key === "" || !isFresh(timestamp, receivedAt, maxAgeSeconds)) return false;
      const signed = parameters.filter(([name]) => name !== "sig");
      // One of its own SDKs leaves empty ones out.
      const candidates = [signed, signed.filter(([, value]) => value.trim() !== "")];
      return candidates.some((each) => isSame(sig.toLowerCase(), macOf(each, recipe.algorithm(credentials), key)));
    },
  };
}

type Parameter = [name: string, value: string];

function macOf(parameters: Parameter[], algorithm: VonageAlgorithm, key: string): string {
  const sorted = parameters.toSorted(([a], [b]) => (a < b ? -1 : 1));
  const text = sorted.map((pair) => `&${pair.map((part) => part.replace(/[&=]/g, "_")).join("=")}`).join("");
  if (algorithm === "md5hash") return createHash("md5").update(`${text}${key}`).digest("hex");
  return createHmac(algorithm, key).update(text).digest("hex");
}

const anything = z.record(z.string(), z.unknown());

/** None of a body that cannot be read, that says something twice, or that holds more than texts and numbers. */
async function readParameters(decode: () => Promise<DecodedWebhook>): Promise<Parameter[]> {
  try {
    const webhook = await decode();
    const { fields, isJson } = webhook;
    const said = Object.entries(webhook.read(anything));
    // An object may have a `toString` of its own.
    if (said.some(([, value]) => typeof value === "object")) return [];
    const found = said.map(([name, value]): Parameter => [name, String(value)]);
    return isJson || fields.length === found.length ? found : [];
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}
