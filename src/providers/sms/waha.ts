import { z } from "zod";
import type { OutboundMessage } from "../../model.ts";
import { wahaChecks } from "../checks/waha.ts";
import { atLeast, credentials, httpUrl, pathSegment, printable, secret, setting } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import { at, code, maybeText, requiredText } from "../kit/fields.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, post, withLinks, withoutPlus } from "../kit/sends.ts";
import { hmac, inHeader } from "../kit/signatures.ts";
import { numberOf } from "./evolution/read-message.ts";
import { callOf } from "./waha/call.ts";
import { anyId, fullId, message, readMessage } from "./waha/read-message.ts";

/**
 * WhatsApp by one's own server of WAHA, the WhatsApp HTTP API: https://waha.devlike.pro/docs/how-to/events
 * Longer than others by its engines, each of which answers in a form of its own.
 */
export const waha = defineProvider({
  label: "WhatsApp by WAHA",
  channel: "sms",
  credentials: credentials({
    always: {
      hmacKey: secret(
        "HMAC key",
        "Of your choice, as `openssl rand -hex 24` makes one: given to the session's webhook, or to the server as WHATSAPP_HOOK_HMAC_KEY.",
        atLeast(16),
      ),
    },
    toSend: {
      serverUrl: setting("Server URL", "Where your WAHA is, as https://waha.example.com or http://waha:3000.", httpUrl),
      session: setting(
        "Session",
        "The name of the session that the number is connected by; `default` where you made no other.",
        pathSegment,
      ),
      apiKey: secret(
        "API key",
        "The server's WAHA_API_KEY as it was before it was hashed, or a key for the session alone.",
        printable,
      ),
    },
  }),
  pasteAt:
    'the session\'s webhooks: in the dashboard under Sessions, or by `PUT /api/sessions/<session>` with `{ "config": { "webhooks": [{ "url": "<webhookUrl>", "events": ["message.any", "message.reaction", "message.ack"], "hmac": { "key": "<HMAC key>" } }] } }`. `PUT` replaces the whole configuration of the session',
  notes: [
    'While the bridge is away WAHA posts only as often as `retries` of the webhook says: beside its `hmac` give it, as `{ "policy": "exponential", "delaySeconds": 2, "attempts": 15 }`.',
    "What you write on the phone, or in WhatsApp Web, is recorded in HighLevel by the event `message.any`, from WAHA 2025.3.1 on. With `message` in its place only what people write comes. Messages of groups, channels and statuses are ignored.",
    "Files that people send are fetched from the server URL, with the API key, whatever address WAHA knows itself by. It keeps them for three minutes: set `WHATSAPP_FILES_LIFETIME` to a day or more, as `86400`. Where WAHA keeps them in S3, their URLs go to HighLevel as they are.",
    "A server in your own network, as http://waha:3000, must be named in `ALLOWED_PRIVATE_HOSTS`.",
    "A JPEG goes as a picture and an MP4 as a video, anything else as a document; a second file of a message goes as a link. WAHA fetches them itself, so it must reach where HighLevel keeps them. Before WAHA 2026.6.1 files need WAHA Plus.",
    "To a number that is not on WhatsApp some engines say nothing: the message then stays sent. Nor do they say anything to a number of Brazil or Mexico [whose account has the former one](../connect.md#contacts-that-change), until the person has written by it.",
    "Where WhatsApp hides a person's number behind an id (`@lid`), and the webhook does not tell it, WAHA is asked for it by `/api/{session}/lids`, so that the server URL, session and API key are needed to receive, too. What is written by persons whose number WAHA does not know either is ignored, and the webhook says so.",
    "It is no product of Meta's: WhatsApp may block numbers that are used this way, above all those that write first.",
  ],
  receives: {
    contentTypes: ["application/json"],
    proof: hmac({
      ...{ hash: "sha512", encoding: "hex", key: ({ hmacKey }) => hmacKey },
      source: inHeader("x-webhook-hmac"),
    }),
    sample: ({ id, from, to, text: body, at: sentAt }) => {
      const [chat, own] = [chatOf(from), chatOf(to)];
      const timestamp = Math.floor(sentAt.getTime() / 1000);
      const payload = { id: `false_${chat}_${id}`, timestamp, from: chat, fromMe: false, to: own, body };
      return jsonSample({ event: "message", session: "default", me: { id: own }, payload });
    },
    read,
    completion: {
      request: (hiddenId, { session, ...server }) => callOf(server, `${session}/lids/${encodeURIComponent(hiddenId)}`),
    },
  },
  sends: {
    onlyService: "whatsapp",
    receiptsLackReference: true,
    // https://waha.devlike.pro/docs/how-to/send-messages
    request: (outbound, { session, ...server }) => {
      const { call, body } = compose(outbound);
      const { url, headers } = callOf(server, call);
      return post(url, headers, { session, chatId: chatOf(outbound.to), ...body });
    },
    answer: {
      ...answerOf({
        // By the engine: GOWS, NOWEB, WEBJS.
        taken: z.union([at("id", anyId), at("key.id", anyId), at("id._serialized", anyId)]),
        sent: (id) => ({ providerMessageId: id }),
        refused: z.union([refusalOfWhatsapp(), refusalOfSession(), refusal()]),
      }),
      refusesWithin500: true,
    },
    refusals: {
      ...{ "401": "misconfigured", "403": "misconfigured", "404": "misconfigured" },
      ...{ SCAN_QR_CODE: "misconfigured", STOPPED: "misconfigured", FAILED: "misconfigured", STARTING: "throttled" },
    },
  },
  // https://waha.devlike.pro/docs/how-to/receive-messages
  media: {
    hosts: [],
    path: () => "/api/files/{id}/{file}",
    server: ({ serverUrl }) => serverUrl,
    headers: ({ apiKey }) => ({ "x-api-key": apiKey }),
  },
  checks: wahaChecks,
});

const chatOf = (number: string) => `${withoutPlus(number)}@c.us`;

/** WhatsApp itself has refused: another 500 leaves open what became of the message. */
function refusalOfWhatsapp() {
  const said = z.object({ statusCode: z.literal(500), exception: z.object({ message: requiredText }) });
  return said.transform(({ exception: { message } }, context) => {
    const [words, code] = /server returned error (\d{3})\b/.exec(message) ?? [];
    if (!words || !code) context.addIssue("is no refusal of WhatsApp's");
    const advice = code === "463" ? ": it lets this number write to nobody new for a while" : "";
    return { code: `whatsapp-${code}`, message: `WhatsApp's ${words}${advice}` };
  });
}

/** The message was not handed to a session that does not work. */
function refusalOfSession() {
  const said = z.object({ error: requiredText, session: requiredText, status: requiredText });
  return said.transform(({ session, status }) => ({ code: status, message: `the session ${session} is ${status}` }));
}

/** Its other refusals hold a text, or a list of them; that of a 500 is left to its status. */
function refusal() {
  const words = z.union([requiredText, z.array(requiredText).transform((all) => all.join("; "))]);
  return z
    .object({ statusCode: code, message: words })
    .transform(({ statusCode, message }) => ({ code: statusCode, message }));
}

/** https://waha.devlike.pro/docs/how-to/events#messageack: PENDING is on its way to WhatsApp. */
const words: StatusWords = { SERVER: "sent", DEVICE: "delivered", READ: "read", PLAYED: "read", ERROR: "failed" };
const kind = z.object({ event: requiredText, me: z.object({ id: maybeText }).nullish() });
const written = at("payload", message);
const ack = at("payload", { id: fullId, fromMe: z.boolean().nullish(), ackName: requiredText });
const messages: ReadonlySet<string> = new Set(["message", "message.any", "message.reaction"]);

function read(webhook: DecodedWebhook, ownAddress?: string) {
  const { event, me } = webhook.read(kind);
  if (event === "message.ack") return readAck(webhook.read(ack));
  if (!messages.has(event)) return ignored(`event ${event}: says nothing that is bridged`);
  const given = webhook.read(written);
  const about = { own: numberOf(me?.id) ?? ownAddress, fetched: webhook.fetched };
  return readMessage(given, about, (own, person, said) => {
    const { pushName, notifyName, Info } = given._data ?? {};
    // By the engine at another place.
    const fromName = pushName ?? notifyName ?? Info?.PushName;
    const parties = given.fromMe ? { from: own, to: [person] } : { from: person, fromName, to: [own] };
    return text({ ...said, ...parties, direction: given.fromMe ? "outbound" : undefined });
  });
}

function readAck({ id: { id }, fromMe, ackName }: z.infer<typeof ack>) {
  if (fromMe === false) return ignored("the status of a message that a person wrote");
  return receipt(ackName, words, () => ({ id, message: `WhatsApp says ${ackName}` }));
}

const calls: Readonly<Record<string, string>> = { "image/jpeg": "sendImage", "video/mp4": "sendVideo" };

/** A message holds one file: the rest goes as links. */
function compose({ text: said, attachments: [first, ...more] }: OutboundMessage) {
  const caption = withLinks(said, more);
  if (!first) return { call: "sendText", body: { text: caption } };
  const { url, name: filename, contentType } = first;
  const file = { mimetype: contentType, filename, url };
  const call = calls[contentType.toLowerCase()] ?? "sendFile";
  return { call, body: { file, ...(caption ? { caption } : {}) } };
}
