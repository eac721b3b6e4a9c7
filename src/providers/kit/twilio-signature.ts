import { createHash, createHmac } from "node:crypto";
import type { WebhookRequest } from "../../model.ts";
import { isSame } from "../../secrets/compare.ts";
import { isOfType } from "./decode.ts";
import { inOneHeader, type Proof } from "./proofs.ts";
import { queryOf } from "./reference.ts";
import { formFields, sortedFields } from "./signed-parts.ts";

/**
 * Twilio's, which others have taken over: HMAC-SHA1 over the public URL and the sorted form fields, or for JSON over the URL
 * alone, whose query then holds the body's SHA-256. Whether the signed URL has its default port differs from sender to
 * sender. https://www.twilio.com/docs/usage/security#validating-requests
 */
export function twilioSignature<Given>(recipe: {
  header: string;
  pair(credentials: Given): [accountSid: string, key: string];
}): Proof<Given> {
  const { header } = recipe;
  return {
    ...inOneHeader(header),
    check(request, credentials) {
      const signature = request.headers[header];
      const signedBody = signedBodyOf(request);
      const [accountSid, key] = recipe.pair(credentials);
      if (!signature || signedBody === undefined || key === "") return false;
      if (!isOfType(request, "application/json") && !isUncut(request.body, accountSid)) return false;
      const signatureOf = (url: string) => createHmac("sha1", key).update(`${url}${signedBody}`).digest("base64");
      return urlsWithAndWithoutPort(request.url).some((url) => isSame(signature, signatureOf(url)));
    },
  };
}

/** What is signed after the URL; undefined for a body that is not covered. */
function signedBodyOf(request: WebhookRequest): string | undefined {
  if (isOfType(request, "application/json")) return isBodySigned(request) ? "" : undefined;
  return sortedFields(request.body);
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
function isUncut(body: Buffer, accountSid: string): boolean {
  const fields = textsOf(body);
  if (!fields) return false;
  const { AccountSid = accountSid, MessageSid, SmsSid, SmsMessageSid } = Object.fromEntries(fields);
  const sids = [MessageSid, SmsSid, SmsMessageSid].filter((sid) => sid !== undefined);
  if (AccountSid.toLowerCase() !== accountSid.toLowerCase()) return false;
  if (new Set(sids).size > 1 || sids.some((sid) => !knownSid.test(sid) && !otherSid.test(sid))) return false;
  return fields.every(([name, value]) => fieldName.test(name) && (name === "Body" || !swallowed.test(value)));
}

/** Undefined for a form that cannot be read, or that says something twice. */
function textsOf(body: Buffer): [name: string, value: string][] | undefined {
  const fields = formFields(body)?.map(({ name, content }): [string, string] => [name, content.toString("utf8")]);
  return new Set(fields?.map(([name]) => name)).size === fields?.length ? fields : undefined;
}
