/**
 * What is kept and shown of a webhook: all but what proves it. A signature that somebody reads can be posted again, with
 * another body where the provider does not sign the whole one.
 */
const provingHeader = /authorization|cookie|signature|token|secret|password|api-?key/i;
const provingField = /signature|token|secret|password|api_?key|^(key|sig|auth|pass|pwd)$/i;

export function withoutProvingHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !provingHeader.test(name)));
}

/** Each value that may open something becomes `***`; the rest of the URL stays as it came. */
export function withoutProvingQuery(url: string): string {
  return url.replace(/([?&])([^=&#]*)=([^&#]*)/g, (whole, before: string, name: string) =>
    provingField.test(unescapeName(name)) ? `${before}${name}=***` : whole,
  );
}

function unescapeName(name: string): string {
  return new URLSearchParams(`${name}=`).keys().next().value ?? name;
}

/** A body is kept as it came; shown, it has asterisks for each HMAC in a field `signature`, of a form or of JSON. */
export function withoutProvingFields(body: Buffer): Buffer {
  const shown = body
    .toString("latin1")
    .replace(/(signature[^0-9a-f]{1,20})[0-9a-f]{64}(?![0-9a-f])/gi, (_, before: string) => before + "*".repeat(64));
  return Buffer.from(shown, "latin1");
}
