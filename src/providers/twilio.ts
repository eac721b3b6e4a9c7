import { createHash, createHmac } from "node:crypto";
import { z } from "zod";
import type { ProviderMessage, ProviderEvent, WebhookRequest } from "../model.ts";
import type { AdapterSpec } from "./adapter.ts";
import { maybeText, messageId, parseForm, parseJson, requiredText } from "./parse-body.ts";
import { requirePhoneNumber } from "./phone-number.ts";
import { isSame } from "./signature.ts";

const credentials = z.strictObject({
  accountSid: z.string().regex(/^AC[0-9a-f]{32}$/i, "must be the Account SID: AC and 32 hexadecimal digits"),
  authToken: z.string().trim().min(1, "must be the primary Auth Token of the account that owns the number"),
});

/** Twilio Programmable Messaging: https://www.twilio.com/docs/messaging/guides/webhook-request */
export const twilio: AdapterSpec<z.infer<typeof credentials>> = {
  channel: "sms",
  contentTypes: ["application/x-www-form-urlencoded", "application/json"],
  credentials,
  verify: (request, { authToken }) => verify(request, authToken),
  parse,
  // A plain text would be sent to the person as a reply.
  acknowledgement: { status: 200, contentType: "text/xml", body: "<Response/>" },
};

/**
 * HMAC-SHA1 over the public URL and the sorted form fields, or for JSON over the URL alone, whose query then holds the
 * body's SHA-256. Whether the signed URL has its default port differs from sender to sender.
 * https://www.twilio.com/docs/usage/security#validating-requests
 */
function verify(request: WebhookRequest, authToken: string): boolean {
  const signature = request.headers["x-twilio-signature"];
  if (!signature) return false;
  if (isJson(request) && !isBodySigned(request)) return false;
  const signedFields = isJson(request) ? "" : sortedFields(request.body);
  return urlsWithAndWithoutPort(request.url).some((url) => {
    const expected = createHmac("sha1", authToken)
      .update(url + signedFields, "utf8")
      .digest("base64");
    return isSame(signature, expected);
  });
}

const isJson = (request: WebhookRequest) => /^application\/json\b/i.test(request.headers["content-type"] ?? "");

/** Not by `new URL`, which throws: what stands in a request line is anybody's choice. */
function isBodySigned(request: WebhookRequest): boolean {
  const bodySha256 = new URLSearchParams(request.url.replace(/^[^?]*/, "")).get("bodySHA256");
  return bodySha256 !== null && isSame(bodySha256, createHash("sha256").update(request.body).digest("hex"));
}

/** Each name with its value, sorted by name; of a name with several values each different one, sorted. */
function sortedFields(body: Buffer): string {
  const valuesByName = new Map<string, Set<string>>();
  for (const [name, value] of new URLSearchParams(body.toString("utf8"))) {
    const values = valuesByName.get(name) ?? new Set();
    valuesByName.set(name, values.add(value));
  }
  return [...valuesByName.keys()]
    .sort()
    .flatMap((name) => [...(valuesByName.get(name) ?? [])].sort().map((value) => name + value))
    .join("");
}

const authority = /^(https?:)\/\/([^/?#]*?)(:\d+)?(?=[/?#]|$)/i;
const defaultPorts: Record<string, string> = { "https:": ":443", "http:": ":80" };

function urlsWithAndWithoutPort(url: string): string[] {
  const [, scheme = "", , port] = authority.exec(url) ?? [];
  const defaultPort = defaultPorts[scheme.toLowerCase()];
  if (port !== undefined && port !== defaultPort) return [url];
  return ["", defaultPort].map((each) => url.replace(authority, `$1//$2${each}`));
}

const fields = z.object({
  MessageSid: messageId,
  From: requiredText,
  To: requiredText,
  Body: maybeText,
  NumMedia: z.coerce.number().int().min(0).max(50).default(0),
});

/** A status callback has MessageStatus; an incoming message has SmsStatus=received, and no time of its own. */
const kind = z.object({ MessageSid: maybeText, MessageStatus: maybeText, SmsStatus: maybeText });

function parse(request: WebhookRequest): ProviderEvent[] {
  const read = <Output>(schema: z.ZodType<Output>) =>
    isJson(request) ? parseJson(schema, request.body) : parseForm(schema, request.body);
  const { MessageSid, MessageStatus, SmsStatus } = read(kind);
  const status = MessageStatus ?? SmsStatus ?? "received";
  if (status !== "received" && status !== "receiving") {
    return [
      { kind: "ignored", reason: `receipt ${status} of ${MessageSid ?? "no message"}: receipts are not bridged` },
    ];
  }
  const { From, To, Body, NumMedia, ...rest } = read(fields);
  const message: ProviderMessage = {
    kind: "message",
    providerMessageId: rest.MessageSid,
    from: requirePhoneNumber(From, "From"),
    to: [requirePhoneNumber(To, "To")],
    cc: [],
    bcc: [],
    text: Body,
    attachments: Array.from({ length: NumMedia }, (_, index) => {
      const media = read(z.object({ [`MediaUrl${index}`]: requiredText, [`MediaContentType${index}`]: maybeText }));
      return { url: media[`MediaUrl${index}`], contentType: media[`MediaContentType${index}`] };
    }),
    inReplyTo: [],
    references: [],
  };
  return [message];
}
