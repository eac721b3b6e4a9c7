import type { WebhookRequest } from "../../../model.ts";
import type { Proof } from "../proofs.ts";
import { queryOf } from "../reference.ts";
import { hmac, type Signature } from "../signatures.ts";
import { formFields, hasSwallowedName } from "../signed-parts.ts";

const [own, ofMain, nonceHeader] = ["x-plivo-signature-v3", "x-plivo-signature-ma-v3", "x-plivo-signature-v3-nonce"];
/** Tokens that are being rotated sign side by side. */
const maxCandidates = 10;

/**
 * Plivo's third: HMAC-SHA256 over the URL with its query sorted, the sorted form fields and a nonce, by the token of the
 * account or of the main account. Messages are signed by the latter. The second, V2, does not cover what is posted.
 * https://plivo.com/docs/messaging/concepts/signature-validation
 */
export function plivoSignature<Given>(recipe: { key(credentials: Given): string }): Proof<Given> {
  return hmac({
    source: { headers: [nonceHeader], secrets: [own, ofMain, nonceHeader], find },
    ...{ hash: "sha256", encoding: "base64", key: recipe.key },
  });
}

function find({ url, headers, body }: WebhookRequest): Signature | undefined {
  const nonce = headers[nonceHeader];
  const query = [...queryOf(url)];
  const posted = formFields(body)?.map(({ name, content }): Pair => [name, content.toString("utf8")]);
  // A full stop stands before it: one that has more may have swallowed what was posted.
  if (!nonce || nonce.includes(".") || !posted || !isUncut([...query, ...posted])) return undefined;
  const candidates = [own, ofMain].flatMap((name) => headers[name]?.split(",", maxCandidates) ?? []);
  const base = url.replace(/[?#].*$/s, "");
  const mark = query.length > 0 || posted.length > 0 ? "?" : "";
  const dot = query.length > 0 && posted.length > 0 ? "." : "";
  const asked = sorted(query).map((pair) => pair.join("="));
  const told = sorted(posted).map((pair) => pair.join(""));
  const signed = [base, mark, asked.join("&"), dot, told.join(""), ".", nonce];
  return { candidates: candidates.filter((each) => each !== ""), signed };
}

type Pair = [name: string, value: string];

const sorted = (pairs: Pair[]) => pairs.toSorted(([a], [b]) => (a < b ? -1 : 1));

const fieldName = /^[A-Za-z]\w{0,50}$/;
/** A UUID; what does not begin like one is shorter than one that has swallowed its neighbours. */
const messageUuid = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?![0-9a-f]{8}-)[\w-]{1,35})$/i;
/** What a field begins with that another value has swallowed. */
const swallowed = /(From|To)=?\+?\d{7}|MessageUUID=?[0-9a-f]{8}-/i;

/**
 * Are these the fields that were signed? Nothing separates names from values there: the same letters can be cut into others,
 * such as a text that holds `To1500…`. What ends where it should not shows by a repeated or odd name, by an id of another
 * shape, or by the field that is in another's value then.
 */
function isUncut(pairs: Pair[]): boolean {
  const names = pairs.map(([name]) => name);
  if (new Set(names).size < names.length || hasSwallowedName(names, ["From", "To"])) return false;
  return pairs.every(([name, value]) => {
    if (!fieldName.test(name) || (name === "MessageUUID" && !messageUuid.test(value))) return false;
    return name === "Text" || name === "Body" || !swallowed.test(value);
  });
}
