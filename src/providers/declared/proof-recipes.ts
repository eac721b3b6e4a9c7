import { z } from "zod";
import { jwt } from "../kit/jwt.ts";
import { basicAuth, type Proof, token, withBasic } from "../kit/proofs.ts";
import { type HeaderPlace, hmac, inHeader, publicKeySignature } from "../kit/signatures.ts";
import { twilioSignature } from "../kit/twilio/signature.ts";
import { type Given, headerName } from "./document/credential-form.ts";

/** How webhooks prove where they are from: each is a recipe of the kit. There is none that proves nothing. */

const name = z.string().max(40);
const encoding = z.enum(["hex", "base64"]);

const claim = z.string().regex(/^\w{1,40}$/, "must be a claim's name");

const place = {
  header: headerName,
  prefix: z.string().min(1).max(40).optional(),
  separator: z.enum([" ", ","]).optional(),
  timestamp: headerName.optional(),
  nonce: headerName.optional(),
  /** What is signed: a template of {body}, {bodySha256}, {url}, {fields}, {timestamp} and {nonce}. */
  over: z.string().min(1).max(200).default("{body}"),
};

export const proof = z
  .strictObject({
    hmac: z
      .strictObject({
        ...place,
        key: name,
        keyIs: z.enum(["text", "hex", "base64"]).default("text"),
        hash: z.enum(["sha1", "sha256", "sha512"]),
        encoding,
      })
      .optional(),
    ed25519: z.strictObject({ ...place, key: name, encoding: encoding.default("base64") }).optional(),
    jwt: z
      .strictObject({
        ...{ header: headerName, prefix: z.string().max(40).default("Bearer "), key: name },
        /** The claim with the body's SHA-256, and the one with the URL's. Without the first, `aud` must be the URL. */
        ...{ payloadHash: claim.optional(), urlHash: claim.optional() },
      })
      .optional(),
    twilio: z.strictObject({ header: headerName, account: name, key: name }).optional(),
    basic: z.strictObject({ user: name, password: name }).optional(),
    header: z.strictObject({ header: headerName, prefix: z.string().max(40).default(""), key: name }).optional(),
    url: z
      .strictObject({ parameter: z.string().regex(/^[a-zA-Z][\w-]{0,39}$/, "must be a name"), key: name })
      .optional(),
  })
  .refine((given) => Object.values(given).filter((each) => each !== undefined).length === 1, {
    message: "must have one of hmac, ed25519, jwt, twilio, basic, header and url: what proves nothing is not taken",
  });
export type DeclaredProof = z.infer<typeof proof>;

export interface ProofFacts {
  proof: Proof<Given>;
  /** Is what stands in the body signed; and what stands in the URL? */
  signs: { body: boolean; url: boolean };
  /** What to paste at the provider, and to give as a callback, where the URL alone proves nothing. */
  pastedUrl?(url: string, given: Given): string;
}

export function readProof(declared: DeclaredProof): ProofFacts {
  const { hmac: mac, ed25519, jwt: webToken, twilio, basic, header: inOne, url } = declared;
  if (mac) {
    const { key, keyIs, hash, encoding: signedAs } = mac;
    const keyOf = (given: Given) => (keyIs === "text" ? given[key] : Buffer.from(given[key] ?? "", keyIs));
    return { proof: hmac({ source: sourceOf(mac), hash, encoding: signedAs, key: keyOf }), signs: signedBy(mac) };
  }
  if (ed25519) {
    const { key, encoding: signedAs } = ed25519;
    const recipe = { type: "ed25519" as const, encoding: signedAs, key: (given: Given) => given[key] ?? "" };
    return { proof: publicKeySignature({ ...recipe, source: sourceOf(ed25519) }), signs: signedBy(ed25519) };
  }
  if (webToken) {
    const { payloadHash, urlHash, key, ...at } = webToken;
    const bound =
      payloadHash === undefined ? { audience: "url" as const } : { payloadHash, ...(urlHash ? { urlHash } : {}) };
    const signs = { body: payloadHash !== undefined, url: payloadHash === undefined || urlHash !== undefined };
    return { proof: jwt({ ...at, ...bound, key: (given: Given) => given[key] ?? "" }), signs };
  }
  if (twilio) {
    const pair = (given: Given): [string, string] => [given[twilio.account] ?? "", given[twilio.key] ?? ""];
    return { proof: twilioSignature({ header: twilio.header, pair }), signs: { body: true, url: true } };
  }
  const signs = { body: false, url: false };
  if (basic) {
    const pair = (given: Given): [string, string] => [given[basic.user] ?? "", given[basic.password] ?? ""];
    return { proof: basicAuth({ pair }), signs, pastedUrl: (plain, given) => withBasic(plain, ...pair(given)) };
  }
  if (inOne) {
    return { proof: token({ ...inOne, key: (given: Given) => given[inOne.key] ?? "" }), signs };
  }
  if (!url) throw new Error("a document without a proof");
  const { parameter, key } = url;
  return {
    proof: token({ query: parameter, key: (given: Given) => given[key] ?? "" }),
    signs,
    pastedUrl: (plain, given) =>
      `${plain}${plain.includes("?") ? "&" : "?"}${parameter}=${encodeURIComponent(given[key] ?? "")}`,
  };
}

export type Place = Pick<NonNullable<DeclaredProof["ed25519"]>, keyof typeof place>;

/** Throws for a template that names what there is not, or a header that is not signed. */
export function sourceOf({ header: name, prefix, separator, timestamp, nonce, over }: Place) {
  const given = { prefix, separator, timestamp, nonce, over };
  const there = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as HeaderPlace;
  return inHeader(name, there);
}

const signedBy = ({ over }: Place) => ({ body: true, url: over.includes("{url}") });
