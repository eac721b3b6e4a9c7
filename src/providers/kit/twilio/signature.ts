import { createHash, createHmac } from "node:crypto";
import type { WebhookRequest } from "../../../model.ts";
import { isSame } from "../../../secrets/compare.ts";
import { isOfType } from "../decode.ts";
import { inOneHeader, type Proof } from "../proofs.ts";
import { withHeaders } from "../recipes/samples.ts";
import { queryOf } from "../reference.ts";
import { formFields, hasSwallowedName } from "../signed-parts.ts";

/**
 * Twilio's, which others have taken over: HMAC-SHA1 over the public URL and the sorted form fields, or for JSON over the URL
 * alone, whose query then holds the body's SHA-256. Whether the signed URL has its default port differs from sender to
 * sender. https://www.twilio.com/docs/usage/security#validating-requests
 */
export function twilioSignature<Given>(recipe: {
  header: string;
  /** Another name that the header sometimes has. */
  orHeader?: string;
  pair(credentials: Given): [accountSid: string, key: string];
}): Proof<Given> {
  const { header, orHeader } = recipe;
  return {
    ...(orHeader === undefined ? inOneHeader(header) : { headers: [], secrets: [header, orHeader] }),
    coversUrl: true,
    sign(request, credentials) {
      const [accountSid, key] = recipe.pair(credentials);
      const signedBody = signedBodyOf(request, accountSid);
      if (signedBody === undefined || key === "") return undefined;
      return withHeaders(request, { [header]: signatureOf(key, `${request.url}${signedBody}`) });
    },
    check(request, credentials) {
      const signature = request.headers[header] ?? request.headers[orHeader ?? header];
      const [accountSid, key] = recipe.pair(credentials);
      const signedBody = signedBodyOf(request, accountSid);
      if (!signature || signedBody === undefined || key === "") return false;
      return urlsWithAndWithoutPort(request.url).some((url) =>
        isSame(signature, signatureOf(key, `${url}${signedBody}`)),
      );
    },
  };
}

const signatureOf = (key: string, signed: string) => createHmac("sha1", key).update(signed).digest("base64");

/** What is signed after the URL; undefined for a body that is not covered, or that may have been cut anew. */
function signedBodyOf(request: WebhookRequest, accountSid: string): string | undefined {
  if (isOfType(request, "application/json")) return isBodySigned(request) ? "" : undefined;
  const fields = textsOf(request.body);
  if (!fields || !isUncut(fields, accountSid)) return undefined;
  return [...fields.keys()].sort().reduce((signed, name) => signed + name + fields.get(name), "");
}

function isBodySigned({ url, body }: WebhookRequest): boolean {
  const bodySha256 = queryOf(url).get("bodySHA256");
  return bodySha256 !== null && isSame(bodySha256, createHash("sha256").update(body).digest("hex"));
}

const authority = /^(https?:)\/\/([^/?#]*?)(:\d+)?(?=[/?#]|$)/i;
const defaultPorts: Record<string, string> = { "https:": ":443", "http:": ":80" };

function urlsWithAndWithoutPort(url: string): string[] {
  const [, scheme = "", , port] = authority.exec(url) ?? [];
  const defaultPort = defaultPorts[scheme.toLowerCase()];
  if (port !== undefined && port !== defaultPort) return [url];
  return ["", defaultPort].map((each) => url.replace(authority, `$1//$2${each}`));
}

const fieldName = /^[A-Z][A-Za-z0-9_]{0,50}$/;
/** Twilio's own ids, and the UUIDs of others. */
const knownSid = /^((SM|MM)[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
/** An id that looks like neither is shorter than one that has swallowed its neighbours. */
const otherSid = /^(?!SM|MM)[\w-]{1,33}$/;
/** What a field begins with that another value has swallowed. */
const swallowed = /From(\+|\d|[a-z]+:)|AccountSid(AC|[0-9a-f]{8}-)|MessageSid(SM|MM|[0-9a-f]{8}-)/;

/**
 * Are these the fields that were signed? Twilio signs names and values without separators, so that the same letters can be
 * cut into others: a recorded request into another message, or a text that holds `From+1…` into one from that number. What
 * ends where it should not shows by the shapes of ids and names, and by the fields that must be in another's value then.
 */
function isUncut(fields: Map<string, string>, accountSid: string): boolean {
  const given = fields.get("AccountSid") ?? accountSid;
  if (given.toLowerCase() !== accountSid.toLowerCase() || !areSids(fields)) return false;
  for (const [name, value] of fields) {
    // Of a transcript alone one name begins in lower case.
    const isName = fieldName.test(name) || (name === "url" && fields.has("TranscriptionSid"));
    if (!isName || (name !== "Body" && swallowed.test(value))) return false;
  }
  return !hasSwallowedName(fields.keys(), ["From", "To"]);
}

/** One id, in its shape, of a message or of a call: both would be a text that has become a call. */
function areSids(fields: Map<string, string>): boolean {
  const [sid, other] = new Set(["MessageSid", "SmsSid", "SmsMessageSid"].flatMap((name) => fields.get(name) ?? []));
  if (sid === undefined) return true;
  const isMessage = other === undefined && !(fields.has("MessageSid") && fields.has("CallSid"));
  return isMessage && (knownSid.test(sid) || otherSid.test(sid));
}

/** By their names. Undefined for a form that cannot be read, or that says something twice. */
function textsOf(body: Buffer): Map<string, string> | undefined {
  const fields = formFields(body);
  const texts = new Map(fields?.map(({ name, content }) => [name, content.toString("utf8")]));
  return texts.size === fields?.length ? texts : undefined;
}
