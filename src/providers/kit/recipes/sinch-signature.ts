import type { Proof } from "../proofs.ts";
import { hmac, inHeader } from "../signatures.ts";

/** Whether Sinch signs a retry anew it does not say, and it tries for a day: what comes again is known by its id. */
const maxAgeSeconds = 24 * 60 * 60;

/**
 * HMAC-SHA256 over the body, a nonce and a time, by all of Sinch's messaging APIs:
 * https://developers.sinch.com/docs/conversation/callbacks#validating-callbacks
 */
export function sinchSignature<Given>(recipe: { key(credentials: Given): string }): Proof<Given> {
  const header = "x-sinch-webhook-signature";
  const parts = { nonce: `${header}-nonce`, timestamp: `${header}-timestamp`, over: "{body}.{nonce}.{timestamp}" };
  return hmac({
    source: inHeader(header, { ...parts, maxAgeSeconds }),
    ...{ hash: "sha256", encoding: "base64", key: recipe.key },
  });
}
