import { createHmac, createVerify, randomUUID, verify } from "node:crypto";
import { ParseError } from "../../errors.ts";
import type { WebhookRequest } from "../../model.ts";
import { isSame } from "../../secrets/compare.ts";
import type { DecodedWebhook } from "./decode.ts";
import { isFresh } from "./freshness.ts";
import type { Proof, ProofPlaces, ReadSignedAt, RunningProof } from "./proofs.ts";
import { decodePublicKey, type KeyType } from "./public-keys.ts";
import { withHeaders } from "./recipes/samples.ts";
import { readTemplate } from "./signed-parts.ts";

/** A signature as a webhook carries it, and what it must cover. */
export interface Signature {
  /** Any of them may be the one, as while a secret is rotated. */
  candidates: string[];
  signed: readonly (string | Buffer)[];
}

/** Where a signature is found. */
export interface SignatureSource extends ProofPlaces {
  /** `undefined` when it is missing, malformed or stale. */
  find(
    request: WebhookRequest,
    decode: () => Promise<DecodedWebhook>,
  ): Signature | undefined | Promise<Signature | undefined>;
  signedAt?: ReadSignedAt;
  /** The body is what is signed last: of one that is longer than what is at hand the rest can follow. */
  endsWithBody?: true;
  /** Puts there what `sign` makes of what is signed; absent where that stands in the body. */
  put?(request: WebhookRequest, sign: (signed: Signature["signed"]) => string): WebhookRequest | undefined;
}

/** An HMAC, by a secret that both sides know, or by any of several. */
export function hmac<Given>(recipe: {
  source: SignatureSource;
  hash: "sha1" | "sha256" | "sha512";
  encoding: "hex" | "base64";
  key(credentials: Given): string | Buffer | undefined | readonly (string | undefined)[];
}): Proof<Given> {
  const { source, hash, encoding } = recipe;
  const { put } = source;
  const keysOf = (credentials: Given) =>
    [recipe.key(credentials)].flat().filter((key): key is string | Buffer => key !== undefined && key.length > 0);
  const beginMac = (key: string | Buffer, signed: Signature["signed"]) => {
    const mac = createHmac(hash, key);
    for (const part of signed) mac.update(part);
    return mac;
  };
  const macOf = (key: string | Buffer, signed: Signature["signed"]) => beginMac(key, signed).digest(encoding);
  const sign = (request: WebhookRequest, credentials: Given) => {
    const [key] = keysOf(credentials);
    return key === undefined ? undefined : put?.(request, (signed) => macOf(key, signed));
  };
  const proof = checkSignature<Given>(source, (credentials, { candidates, signed }) =>
    keysOf(credentials).some((key) => {
      const expected = macOf(key, signed);
      return candidates.some((candidate) => isSame(candidate, expected));
    }),
  );
  const begin = beginBy<Given>(source, (credentials, { candidates, signed }) =>
    keysOf(credentials).map((key) => {
      const mac = beginMac(key, signed);
      const isValid = () => {
        const expected = mac.digest(encoding);
        return candidates.some((candidate) => isSame(candidate, expected));
      };
      return { update: (chunk) => void mac.update(chunk), isValid };
    }),
  );
  return { ...proof, ...begin, ...(put ? { sign } : {}) };
}

/**
 * A signature by a private key that only the provider has. Ed25519 needs no hash; RSA is by PKCS #1 v1.5, ECDSA in DER.
 * The key's type is the recipe's choice, never the sender's.
 */
export function publicKeySignature<Given>(
  recipe: ({ type: "ed25519" } | { type: Exclude<KeyType, "ed25519">; hash: "sha1" | "sha256" }) & {
    source: SignatureSource;
    encoding?: "hex" | "base64";
    key(credentials: Given): string;
  },
): Proof<Given> {
  const { source, type, encoding = "base64" } = recipe;
  const hash = "hash" in recipe ? recipe.hash : undefined;
  const proof = checkSignature<Given>(source, (credentials, { candidates, signed }) => {
    const key = decodePublicKey(type, recipe.key(credentials));
    if (!key) return false;
    const bytes = Buffer.concat(signed.map((part) => Buffer.from(part)));
    return candidates.some((candidate) => verify(hash, bytes, key, Buffer.from(candidate, encoding)));
  });
  const begin = beginBy<Given>(source, (credentials, { candidates, signed }) => {
    const key = decodePublicKey(type, recipe.key(credentials));
    // Ed25519 is of a message that is at hand whole.
    if (!key || hash === undefined) return [];
    return candidates.map((candidate) => {
      const verifier = createVerify(hash);
      for (const part of signed) verifier.update(part);
      const isValid = () => verifier.verify(key, Buffer.from(candidate, encoding));
      return { update: (chunk) => void verifier.update(chunk), isValid };
    });
  });
  return { ...proof, ...begin, isOfProviderAlone: true };
}

/** Nothing of a signature that covers the body otherwise than at its end. */
function beginBy<Given>(
  { find, endsWithBody }: SignatureSource,
  all: (credentials: Given, signature: Signature) => RunningProof[],
): Pick<Proof<Given>, "begin"> {
  if (!endsWithBody) return {};
  return {
    begin(request, credentials) {
      const found = find(request, () => Promise.reject(new Error("such a signature needs no field of the body")));
      const running = found && !(found instanceof Promise) ? all(credentials, found) : [];
      return {
        update(chunk) {
          for (const each of running) each.update(chunk);
        },
        isValid: () => running.some((each) => each.isValid()),
      };
    },
  };
}

/** Awaits only what must be: a signature in a header is judged at once. */
function checkSignature<Given>(
  { find, put: _put, endsWithBody: _endsWithBody, ...places }: SignatureSource,
  isValid: (credentials: Given, signature: Signature) => boolean,
): Proof<Given> {
  return {
    ...places,
    check(request, credentials, decode) {
      const found = find(request, decode);
      if (found instanceof Promise) return found.then((signature) => !!signature && isValid(credentials, signature));
      return found !== undefined && isValid(credentials, found);
    },
  };
}

/** Each costs a check of the whole body, before we know who asks for it. */
const maxCandidates = 10;

export interface HeaderPlace {
  /** What stands before the signature; a candidate without it is none. */
  prefix?: string;
  /** Where the header may hold several. */
  separator?: " " | ",";
  /** The header with the Unix seconds of the signature: five minutes are allowed, before and after. */
  timestamp?: string;
  /** So old it may be instead, for a provider of which nobody knows whether its retries are signed anew. */
  maxAgeSeconds?: number;
  /** The header with what makes each webhook another one, such as its id. */
  nonce?: string;
  /** What is signed, such as `{timestamp}.{body}`; else the body alone. */
  over?: string;
}

/** A signature in a header. Names of headers are in lower case. */
export function inHeader(header: string, place: HeaderPlace = {}): SignatureSource {
  const { timestamp, maxAgeSeconds, nonce, over = "{body}" } = place;
  const partsOf = readTemplate(over, { timestamp, nonce });
  return {
    headers: [header, timestamp, nonce].filter((name) => name !== undefined),
    secrets: [header],
    ...(/\{url\}/.test(over) ? { coversUrl: true } : {}),
    ...(over.endsWith("{body}") ? { endsWithBody: true } : {}),
    ...(timestamp === undefined ? {} : { signedAt: async ({ headers }) => headers[timestamp] }),
    find(request) {
      const isStale = timestamp && !isFresh(request.headers[timestamp], request.receivedAt, maxAgeSeconds);
      if (isStale) return undefined;
      const candidates = candidatesIn(request.headers[header] ?? "", place);
      const signed = candidates.length > 0 ? partsOf(request) : undefined;
      return signed && { candidates, signed };
    },
    put(request, sign) {
      const at = String(Math.floor(request.receivedAt.getTime() / 1000));
      const prepared = withHeaders(request, {
        ...(timestamp === undefined ? {} : { [timestamp]: at }),
        ...(nonce === undefined ? {} : { [nonce]: randomUUID() }),
      });
      const signed = partsOf(prepared);
      return signed && withHeaders(prepared, { [header]: `${place.prefix ?? ""}${sign(signed)}` });
    },
  };
}

function candidatesIn(value: string, { prefix = "", separator }: HeaderPlace): string[] {
  return (separator === undefined ? [value] : value.split(separator, maxCandidates))
    .filter((each) => each.startsWith(prefix) && each.length > prefix.length)
    .map((each) => each.slice(prefix.length));
}

/** What a body says of its own signature. */
export interface BodySignature {
  signature: string;
  /** In Unix seconds, for a signature that must be fresh. */
  timestamp?: string;
  /** Five minutes where it is not given; for a provider whose retries keep the first signature, as long as it tries. */
  maxAgeSeconds?: number;
  signed: (string | Buffer)[];
}

/** A signature in a field of the body, which is decoded for it; a body that cannot be read carries none. */
export function inBody(field: string, read: (webhook: DecodedWebhook) => BodySignature): SignatureSource {
  const readOnly = async (decode: () => Promise<DecodedWebhook>): Promise<BodySignature | undefined> => {
    try {
      return read(await decode());
    } catch (error) {
      if (error instanceof ParseError) return undefined;
      throw error;
    }
  };
  return {
    headers: [],
    secrets: [field],
    signedAt: async (_request, decode) => (await readOnly(decode))?.timestamp,
    async find({ receivedAt }, decode) {
      const found = await readOnly(decode);
      if (!found || (found.timestamp !== undefined && !isFresh(found.timestamp, receivedAt, found.maxAgeSeconds)))
        return undefined;
      return { candidates: [found.signature], signed: found.signed };
    },
  };
}
