import {
  atLeast,
  type Credentials,
  credentials,
  type FieldType,
  printable,
  type Shape,
  secret,
  setting,
  shape,
  uuid,
} from "../kit/credentials.ts";
import { ed25519Key } from "../kit/public-keys.ts";
import type { DeclaredCredential, Given } from "./document/credential-form.ts";
import type { ProviderDocument } from "./document/document.ts";

/** The base of a URL of one's own, as of a phone's or a server's API. */
const httpsUrl = shape(isHttpsBase, "must be a URL that begins with https:// and has no query, user or fragment");

const shapes: Record<DeclaredCredential["shape"], Shape> = {
  printable,
  any: shape(() => true, "must not be empty"),
  uuid,
  "https url": httpsUrl,
  "ed25519 key": ed25519Key,
};

/** A secret that the operator makes up must not be guessed. */
const chosen = atLeast(16);

export function credentialsOf(document: Pick<ProviderDocument, "credentials" | "receives">): Credentials<Given, Given> {
  const { basic, url } = document.receives.proof;
  const chosenNames = [basic?.password, url?.key];
  const typesOf = (need: DeclaredCredential["need"]): Record<string, FieldType<string>> =>
    Object.fromEntries(
      Object.entries(document.credentials)
        .filter(([, credential]) => credential.need === need)
        .map(([name, credential]) => [name, typeOf(credential, { isChosen: chosenNames.includes(name) })]),
    );
  return credentials({ always: typesOf("always"), toSend: typesOf("to send"), ifWanted: typesOf("if wanted") });
}

function typeOf(credential: DeclaredCredential, { isChosen }: { isChosen: boolean }): FieldType<string> {
  const { label, help, secret: isSecret, shape: named } = credential;
  const form = isChosen ? both(shapes[named], chosen) : shapes[named];
  return isSecret ? secret(label, help, form) : setting(label, help, form);
}

const both = (one: Shape, other: Shape) =>
  shape((value) => one.isFit(value) && other.isFit(value), `${one.fits}, and ${other.fits}`);

function isHttpsBase(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password, search, hash } = new URL(value);
  return protocol === "https:" && `${username}${password}${search}${hash}` === "" && !/[?#\s\\]/.test(value);
}

/** Made-up credentials, with which samples are tried: a document holds none. */
export function sampleCredentials(
  document: Pick<ProviderDocument, "credentials">,
  wanted: readonly string[] = [],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(document.credentials)
      .filter(([name, { need }]) => need !== "if wanted" || wanted.includes(name))
      .map(([name, credential]) => [name, sampleOf(name, credential.shape)]),
  );
}

function sampleOf(name: string, shape: DeclaredCredential["shape"]): string {
  if (shape === "uuid") return "00000000-0000-4000-8000-000000000000";
  if (shape === "https url") return `https://${name.toLowerCase().replaceAll("_", "-")}.example`;
  if (shape === "ed25519 key") return sampleKey;
  return `sample-${name}-for-tests`;
}

/** Of https://www.rfc-editor.org/rfc/rfc8032#section-7.1, the first: anybody has its private part. */
const sampleKey = Buffer.from("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "hex").toString(
  "base64",
);
