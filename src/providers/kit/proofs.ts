import type { WebhookRequest } from "../../model.ts";
import { isSame } from "../../secrets/compare.ts";
import type { DecodedWebhook } from "./decode.ts";
import { queryOf } from "./reference.ts";

/**
 * Is a webhook from the provider? Fails closed: what is missing or malformed is `false`, never an exception. Secrets are
 * compared in constant time. `decode` is for signatures that stand in the body: everything else judges the bytes.
 */
export type Proof<Given> = (
  request: WebhookRequest,
  credentials: Given,
  decode: () => Promise<DecodedWebhook>,
) => boolean | Promise<boolean>;

/** HTTP Basic, for a provider that signs nothing. */
export function basicAuth<Given>(pairOf: (credentials: Given) => [user: string, password: string]): Proof<Given> {
  return ({ headers }, credentials) => {
    const [user, password] = pairOf(credentials);
    return password !== "" && isSame(headers["authorization"] ?? "", basic(user, password).authorization);
  };
}

/** The header of https://www.rfc-editor.org/rfc/rfc7617 */
export function basic(user: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

/** The header of https://www.rfc-editor.org/rfc/rfc6750 */
export const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

/** The URL with Basic credentials in it, which a provider that calls it turns into an Authorization header. */
export function withBasic(url: string, user: string, password: string): string {
  return url.replace("://", `://${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);
}

/** A shared secret that comes along as it is, in a header or in the query, for a provider that signs nothing. */
export function token<Given>(
  place: { header: string; prefix?: string } | { query: string },
  secretOf: (credentials: Given) => string,
): Proof<Given> {
  return ({ headers, url }, credentials) => {
    const secret = secretOf(credentials);
    if (secret === "") return false;
    if ("query" in place) return isSame(queryOf(url).get(place.query) ?? "", secret);
    return isSame(headers[place.header] ?? "", `${place.prefix ?? ""}${secret}`);
  };
}
