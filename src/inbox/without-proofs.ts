import { adapterOf } from "../providers/registry.ts";

/**
 * What is kept and shown of a webhook: all but what proves it. A signature that somebody reads can be posted again, with
 * another body where the provider does not sign the whole one. `secrets` are the names that the provider's proof gives;
 * the patterns are for what no proof names, such as a proxy's cookie, and for providers that this version lacks.
 */
const provingHeader = /authorization|cookie|signature|hmac|token|secret|password|api-?key/i;
const provingField = /signature|token|secret|password|api_?key|^(key|sig|auth|pass|pwd)$/i;

/** The names that a provider's proof gives. */
export const secretsOf = (provider: string): readonly string[] => adapterOf(provider)?.proof.secrets ?? [];

export function withoutProvingHeaders(
  headers: Readonly<Record<string, string>>,
  secrets: readonly string[] = [],
): Record<string, string> {
  const isKept = (name: string) => !provingHeader.test(name) && !secrets.includes(name);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isKept(name)));
}

/** Each value that may open something becomes `***`; the rest of the URL stays as it came. */
export function withoutProvingQuery(url: string, secrets: readonly string[] = []): string {
  const isProving = (name: string) => provingField.test(name) || secrets.includes(name);
  return url.replace(/([?&])([^=&#]*)=([^&#]*)/g, (whole, before: string, name: string) =>
    isProving(unescapeName(name)) ? `${before}${name}=***` : whole,
  );
}

function unescapeName(name: string): string {
  return new URLSearchParams(`${name}=`).keys().next().value ?? name;
}

/**
 * A body is kept as it came. Shown, it has asterisks for what stands in the fields that prove it, and for an HMAC in any
 * field `signature` or `sig`, as for base64 in one of JSON; and for what proves our links to unsubscribe, which a bounce quotes.
 */
export function withoutProvingFields(
  body: Buffer,
  contentType: string | undefined,
  secrets: readonly string[] = [],
): Buffer {
  const proving = [...secrets.map((name) => fieldOf(contentType ?? "", name)), anyHmac, anyBase64, anyUnsubscribeToken];
  const shown = proving.reduce(
    (text, field) => text.replace(field, (_, before: string, value: string) => before + "*".repeat(value.length)),
    body.toString("latin1"),
  );
  return Buffer.from(shown, "latin1");
}

/** In JSON, as that of RSA is. */
const anyBase64 = /("signature"\s*:\s*")([0-9a-z+/=_-]{32,1000})(?=")/gi;
const anyHmac = /((?:signature|\bsig)[^0-9a-f]{1,20})([0-9a-f]{32,128})(?![0-9a-f])/gi;
/** Also with a slash that is escaped, and over the ends of lines that quoted-printable has within words. */
const anyUnsubscribeToken =
  /((?:\/|%2f)unsubscribe(?:\\?\/|%2f)[0-9a-z]{1,11}\.)((?:[\w-](?:=\r?\n|=(?:\\r)?\\n|%3d%0d%0a)?){22})/gi;

/** What stands before a field's value in a body of this type, and the value. */
function fieldOf(contentType: string, field: string): RegExp {
  const name = field.replace(/[^\w-]/g, "\\$&");
  if (/^application\/x-www-form-urlencoded/i.test(contentType)) return new RegExp(`((?:^|&)${name}=)([^&]*)`, "g");
  if (/^multipart\//i.test(contentType)) {
    return new RegExp(String.raw`(; *name="?${name}"?\r?\n(?:[\w-]+:[^\n]*\n)*\r?\n)([^\r\n]*)`, "gi");
  }
  return new RegExp(String.raw`("${name}"\s*:\s*")((?:[^"\\]|\\.)*)`, "g");
}
