import { createHash, createHmac, type KeyObject, sign } from "node:crypto";
import { z } from "zod";
import type { WebhookRequest } from "../../model.ts";
import { isSame } from "../../secrets/compare.ts";
import { isFresh } from "./freshness.ts";
import { inOneHeader, type Proof } from "./proofs.ts";
import { withHeaders } from "./recipes/samples.ts";

/** What a token is bound to. A body's hash is hexadecimal digits in a claim: a token alone would fit any body. */
type Binding =
  | {
      payloadHash: string;
      /** The claim with the SHA-256 of the whole URL, where there is one: then a request without a body has no hash of it. */
      urlHash?: string;
    }
  /** To the URL alone, by `aud`, of a provider that says nothing of the body: until it ends, it opens as a password does. */
  | { audience: "url" };

/**
 * A JSON Web Token in a header, by HMAC-SHA256 (HS256) and nothing else, which must be in time, and bound to the request.
 * https://www.rfc-editor.org/rfc/rfc7519
 */
export function jwt<Given>(
  recipe: { header: string; prefix?: string; key(credentials: Given): string } & Binding,
): Proof<Given> {
  const { header, prefix = "" } = recipe;
  return {
    ...inOneHeader(header),
    ...("audience" in recipe || recipe.urlHash !== undefined ? { coversUrl: true } : {}),
    signedAt: async ({ headers }) => timeIn((headers[header] ?? "").slice(prefix.length)),
    sign(request, credentials) {
      const secret = recipe.key(credentials);
      if (secret === "") return undefined;
      const iat = Math.floor(request.receivedAt.getTime() / 1000);
      const given = { iat, exp: iat + lifetimeSeconds, ...claimsOf(request, recipe) };
      const signed = toSegments({ alg: "HS256", typ: "JWT" }, given);
      return withHeaders(request, { [header]: `${prefix}${signed}.${macOf(signed, secret)}` });
    },
    check(request, credentials) {
      const given = request.headers[header] ?? "";
      const secret = recipe.key(credentials);
      if (!given.startsWith(prefix) || secret === "") return false;
      const claims = readClaims(given.slice(prefix.length), secret);
      return claims !== undefined && isInTime(claims, request) && isBound(claims, request, recipe);
    },
  };
}

/** By which it is bound to a request. */
function claimsOf({ url, body }: WebhookRequest, binding: Binding): Record<string, string> {
  if ("audience" in binding) return { aud: url };
  const { payloadHash, urlHash } = binding;
  return { [payloadHash]: sha256(body), ...(urlHash === undefined ? {} : { [urlHash]: sha256(url) }) };
}

function isBound(claims: Claims, { url, body }: WebhookRequest, binding: Binding): boolean {
  if ("audience" in binding) return [claims["aud"]].flat().includes(url);
  const { payloadHash, urlHash } = binding;
  const isOf = (claim: string, content: string | Buffer) => isSame(String(claims[claim] ?? ""), sha256(content));
  const isOfUrl = urlHash === undefined || isOf(urlHash, url);
  // By GET the URL is all that there is.
  if (body.length === 0 && urlHash !== undefined) return isOfUrl && claims[payloadHash] === undefined;
  return isOfUrl && isOf(payloadHash, body);
}

/** Five minutes more than a slow clock may need. */
const lifetimeSeconds = 600;

/**
 * A token of ours by RS256, for calls to a provider. `purpose` is what the call is for: together with the time it makes the
 * token's id, which may not come twice.
 */
export function signJwt(claims: Record<string, string>, privateKey: KeyObject, purpose: string): string {
  const iat = Math.floor(Date.now() / 1000);
  const jti = createHash("sha256")
    .update(JSON.stringify([claims, iat, purpose]))
    .digest("hex")
    .slice(0, 32);
  const signed = toSegments({ alg: "RS256", typ: "JWT" }, { ...claims, iat, exp: iat + lifetimeSeconds, jti });
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
}

const toSegments = (...parts: object[]) =>
  parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
const macOf = (signed: string, secret: string) => createHmac("sha256", secret).update(signed).digest("base64url");

const head = z.object({ alg: z.literal("HS256") });
const times = z.object({ iat: z.number().optional(), nbf: z.number().optional(), exp: z.number().optional() });
const claims = z.looseObject(times.shape);
type Claims = z.infer<typeof claims>;

/** The claims of a token that the secret has signed. */
function readClaims(token: string, secret: string): Claims | undefined {
  const [first = "", second = "", signature = "", ...more] = token.split(".");
  const expected = macOf(`${first}.${second}`, secret);
  if (more.length > 0 || !isSame(signature, expected)) return undefined;
  if (!head.safeParse(readSegment(first)).success) return undefined;
  return claims.safeParse(readSegment(second)).data;
}

/** When one was made, or else when it ends; it may be by anybody. */
function timeIn(token: string): string | undefined {
  const { exp, iat } = claims.safeParse(readSegment(token.split(".")[1] ?? "")).data ?? {};
  const time = iat ?? exp;
  return time === undefined ? undefined : String(Math.floor(time));
}

function readSegment(base64url: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64url, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

/** How far two clocks may differ, and how far they may where nothing else says that a token is new. */
const skewSeconds = 5;
const maxAheadSeconds = 300;

/** One that says when it ends must not have ended; any other must have been made within five minutes. */
function isInTime({ iat, nbf, exp }: Claims, { receivedAt }: WebhookRequest): boolean {
  const now = receivedAt.getTime() / 1000;
  if (nbf !== undefined && nbf > now + skewSeconds) return false;
  if (iat !== undefined && iat > now + maxAheadSeconds) return false;
  if (exp !== undefined) return exp > now - skewSeconds;
  return iat !== undefined && isFresh(String(Math.floor(iat)), receivedAt);
}

const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");
