import { type DeclaredProof, type Place, sourceOf } from "../proof-recipes.ts";
import type { DeclaredCredential, DocumentIssue } from "./credential-form.ts";
import type { ProviderDocument } from "./document.ts";

/** What is wrong with a recipe, beside its form. */
export function checkProof({
  credentials,
  receives: { proof },
}: Pick<ProviderDocument, "credentials"> & { receives: { proof: DeclaredProof } }): DocumentIssue[] {
  const { hmac, ed25519, jwt, twilio, basic, header, url } = proof;
  const needed: [recipe: keyof DeclaredProof, field: string, name: string | undefined, isOpen?: "open"][] = [
    ["hmac", "key", hmac?.key],
    ["ed25519", "key", ed25519?.key, "open"],
    ["jwt", "key", jwt?.key],
    ["twilio", "account", twilio?.account, "open"],
    ["twilio", "key", twilio?.key],
    ["basic", "user", basic?.user, "open"],
    ["basic", "password", basic?.password],
    ["header", "key", header?.key],
    ["url", "key", url?.key],
  ];
  const issues = needed.flatMap(([recipe, field, name, isOpen]): DocumentIssue[] => {
    const message = name === undefined ? undefined : checkKey(credentials, name, isOpen);
    return message === undefined ? [] : [{ path: ["receives", "proof", recipe, field], message }];
  });
  if (ed25519 && credentials[ed25519.key]?.shape !== "ed25519 key") {
    const message = 'must be a credential of shape "ed25519 key"';
    issues.push({ path: ["receives", "proof", "ed25519", "key"], message });
  }
  if (jwt?.urlHash !== undefined && jwt.payloadHash === undefined) {
    const message = "goes with payloadHash: a token of the URL alone says so by aud";
    issues.push({ path: ["receives", "proof", "jwt", "urlHash"], message });
  }
  return [...issues, ...(hmac ? checkSigned("hmac", hmac) : []), ...(ed25519 ? checkSigned("ed25519", ed25519) : [])];
}

function checkKey(
  credentials: Record<string, DeclaredCredential>,
  name: string,
  isOpen: "open" | undefined,
): string | undefined {
  const credential = Object.hasOwn(credentials, name) ? credentials[name] : undefined;
  if (!credential) return `there is no credential ${name}`;
  if (credential.need !== "always") return `credential ${name} must be needed always: without it nothing is proved`;
  return credential.secret || isOpen ? undefined : `credential ${name} must be secret: who knows it gets in`;
}

function checkSigned(recipe: "hmac" | "ed25519", place: Place): DocumentIssue[] {
  const path = ["receives", "proof", recipe, "over"];
  if (!/\{(body|bodySha256|fields)\}/.test(place.over)) {
    return [{ path, message: "must sign {body}, {bodySha256} or {fields}: else a recorded signature fits any text" }];
  }
  try {
    sourceOf(place);
    return [];
  } catch (error) {
    return [{ path, message: (error as Error).message }];
  }
}
