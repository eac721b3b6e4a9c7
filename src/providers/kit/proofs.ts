import type { WebhookRequest } from "../../model.ts";
import { isSame } from "../../secrets/compare.ts";
import type { DecodedWebhook } from "./decode.ts";
import { withHeaders } from "./recipes/samples.ts";
import { queryOf } from "./reference.ts";

/** Where a request holds what proves it. Names of headers are in lower case. */
export interface ProofPlaces {
  /** The headers of every genuine request: one that lacks any is refused before its body is read. */
  headers: readonly string[];
  /** The headers, parameters of the query or fields of the body that open something: they are neither kept nor shown. */
  secrets: readonly string[];
  /** What a request without those headers is told to come back with, in WWW-Authenticate: some bring them only then. */
  challenge?: string;
  /** By a private key that the provider alone has: nobody else can post what verifies. */
  isOfProviderAlone?: true;
  /** It covers the URL: where we know ourselves by another one than the provider calls, nothing verifies. */
  coversUrl?: true;
}

/** What proves that a webhook is from the provider: a recipe of the kit. */
export interface Proof<Given> extends ProofPlaces {
  /**
   * Fails closed: what is missing or malformed is `false`, never an exception. Secrets are compared in constant time.
   * `decode` is for signatures that stand in the body: everything else judges the bytes.
   */
  check(
    request: WebhookRequest,
    credentials: Given,
    decode: () => Promise<DecodedWebhook>,
    fetchCertificate?: FetchCertificate,
  ): boolean | Promise<boolean>;
  /**
   * The request with the proof that its provider would give it, for a test that posts as it does; undefined where these
   * credentials only verify. Absent where the provider signs by a key that it alone has.
   */
  sign?(request: WebhookRequest, credentials: Given): WebhookRequest | undefined;
  /**
   * For a request of whose body only the beginning is kept: judges it as the rest comes. Undefined, or absent, where what it
   * goes by is in the beginning, or is nowhere without the whole: then `check` judges the beginning.
   */
  begin?(request: WebhookRequest, credentials: Given): RunningProof | undefined;
  /** The Unix seconds that a proof which must be fresh says it is of: true only of a request that verifies at that time. */
  signedAt?: ReadSignedAt;
}

export interface RunningProof {
  /** Takes what follows of the body. */
  update(chunk: Buffer): void;
  /** Asked once, at its end. */
  isValid(): boolean;
}

/** The text of a certificate by its URL, for a proof that names one. Throws a Failure: then nobody knows who has signed. */
export type FetchCertificate = (url: string) => Promise<string>;

export type ReadSignedAt = (
  request: WebhookRequest,
  decode: () => Promise<DecodedWebhook>,
) => Promise<string | undefined>;

/** HTTP Basic, for a provider that signs nothing. `waits`: it brings the credentials only when it is asked for them. */
export function basicAuth<Given>(recipe: {
  pair(credentials: Given): [user: string, password: string];
  waits?: true;
}): Proof<Given> {
  return {
    ...inOneHeader("authorization"),
    ...(recipe.waits ? { challenge: 'Basic realm="webhooks"' } : {}),
    sign: (request, credentials) => withHeaders(request, basic(...recipe.pair(credentials))),
    check({ headers }, credentials) {
      const [user, password] = recipe.pair(credentials);
      return password !== "" && isSame(headers["authorization"] ?? "", basic(user, password).authorization);
    },
  };
}

/** One of several proofs: which one, only the credentials say. */
export function chosenProof<Given, Name extends string>(
  choose: (credentials: Given) => Name,
  proofs: Record<Name, Proof<Given>>,
): Proof<Given> {
  const all = Object.values<Proof<Given>>(proofs);
  const [first, ...others] = all.map(({ headers }) => headers);
  return {
    headers: (first ?? []).filter((name) => others.every((headers) => headers.includes(name))),
    secrets: [...new Set(all.flatMap(({ secrets }) => secrets))],
    sign: (request, credentials) => proofs[choose(credentials)].sign?.(request, credentials),
    begin: (request, credentials) => proofs[choose(credentials)].begin?.(request, credentials),
    check: (request, credentials, ...rest) => proofs[choose(credentials)].check(request, credentials, ...rest),
  };
}

/** Any one of several proofs, of a provider that proves different webhooks by different ones. */
export function anyProof<Given>(...proofs: Proof<Given>[]): Proof<Given> {
  return {
    headers: [],
    secrets: [...new Set(proofs.flatMap(({ secrets }) => secrets))],
    sign: (request, credentials) => proofs.find(({ sign }) => sign)?.sign?.(request, credentials),
    async check(...given) {
      for (const { check } of proofs) if (await check(...given)) return true;
      return false;
    },
  };
}

export const inOneHeader = (name: string): ProofPlaces => ({ headers: [name], secrets: [name] });

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

interface UrlLogin {
  username: string;
  password: string;
}

/** Basic credentials in the URL, by the fields of `urlLogin`. */
export const byUrlLogin = {
  proof: basicAuth<UrlLogin>({ pair: ({ username, password }) => [username, password] }),
  pastedUrl: (url: string, { username, password }: UrlLogin) => withBasic(url, username, password),
};

/** A shared secret that comes along as it is, in a header or in the query, for a provider that signs nothing. */
export function token<Given>(
  recipe: ({ header: string; prefix?: string } | { query: string }) & { key(credentials: Given): string },
): Proof<Given> {
  return {
    ...("query" in recipe ? { headers: [], secrets: [recipe.query] } : inOneHeader(recipe.header)),
    sign(request, credentials) {
      const secret = recipe.key(credentials);
      if ("header" in recipe) return withHeaders(request, { [recipe.header]: `${recipe.prefix ?? ""}${secret}` });
      const url = new URL(request.url);
      url.searchParams.set(recipe.query, secret);
      return { ...request, url: url.href };
    },
    check({ headers, url }, credentials) {
      const secret = recipe.key(credentials);
      if (secret === "") return false;
      if ("query" in recipe) return isSame(queryOf(url).get(recipe.query) ?? "", secret);
      return isSame(headers[recipe.header] ?? "", `${recipe.prefix ?? ""}${secret}`);
    },
  };
}

/** How a provider asks by GET, before it posts anything, whether a URL is that of somebody who expects it. */
export interface Handshake<Given> {
  /** The answer to such a question, as plain text; undefined for what is none, or is not asked with the right secret. */
  answer(url: string, credentials: Given): string | undefined;
}

/** Meta's: a secret stands in the query, and a challenge that is to be said back. */
export function challenge<Given>(recipe: {
  /** What else the query says, such as `hub.mode=subscribe`. */
  mode: [parameter: string, value: string];
  token: string;
  challenge: string;
  key(credentials: Given): string;
}): Handshake<Given> {
  return {
    answer(url, credentials) {
      const query = queryOf(url);
      const [secret, said] = [recipe.key(credentials), query.get(recipe.challenge) ?? ""];
      // What stands there is anybody's choice who knows the secret: nothing that a browser would take for a page.
      if (secret === "" || query.get(recipe.mode[0]) !== recipe.mode[1] || !/^[\w-]{1,128}$/.test(said))
        return undefined;
      return isSame(query.get(recipe.token) ?? "", secret) ? said : undefined;
    },
  };
}
