import { z } from "zod";
import type { OutboundMessage } from "../../model.ts";
import { httpSmsChecks } from "../checks/phones/httpsms.ts";
import { atLeast, credentials, httpUrl, printable, secret, setting } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { call, ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import {
  at,
  callPartySeenBy,
  listOf,
  maybeText,
  messageId,
  perNumber,
  phone,
  phoneSeenBy,
  requiredText,
  text as someText,
  time,
} from "../kit/fields.ts";
import { jwt } from "../kit/jwt.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, idAt, post } from "../kit/sends.ts";
import { callOf } from "./httpsms/call.ts";

/**
 * httpSMS: an Android phone of one's own, by httpsms.com or by one's own server of it: https://docs.httpsms.com
 * Longer than others by its events, no two of which have the same fields, and by refusals that name a field.
 */
export const httpSms = defineProvider({
  label: "httpSMS",
  channel: "sms",
  credentials: credentials({
    always: {
      signingKey: secret(
        "Signing key",
        "Of your choice, as `openssl rand -hex 24` makes one: given to the webhook.",
        atLeast(16),
      ),
    },
    toSend: { apiKey: secret("API key", "In the settings of your account at httpsms.com.", printable) },
    ifWanted: {
      serverUrl: setting("Server URL", "Of your own server of httpSMS; else it is https://api.httpsms.com.", httpUrl),
    },
  }),
  pasteAt:
    "a webhook in httpSMS's settings, with the signing key, the phone's number, and the events message.phone.received, message.phone.sent, message.phone.delivered, message.send.failed and message.send.expired",
  notes: [
    "httpSMS signs a token that is good for ten minutes, and not what it posts: use https. Without a signing key nothing is taken.",
    "It tries twice, within seconds. What the bridge misses then stands in httpSMS alone.",
    "Leave the app's end-to-end encryption off: what comes encrypted cannot be read, and says so.",
    "Missed calls are calls in HighLevel where the mapping names a `callProviderId`, and the webhook has the event message.call.missed.",
    "Texts of persons go out at the pace that the phone and its carrier allow; httpSMS gives one up that the phone does not fetch in time.",
  ],
  receives: {
    contentTypes: ["application/json"],
    // https://github.com/NdoleStudio/httpsms/blob/main/api/pkg/services/webhook_service.go
    proof: jwt({
      ...{ header: "authorization", prefix: "Bearer ", audience: "url" },
      key: ({ signingKey }) => signingKey,
    }),
    sample: ({ id, from, to, text: content, at: timestamp }) =>
      jsonSample({
        ...{ id, type: "message.phone.received", time: timestamp },
        data: { message_id: id, owner: to, contact: from, content, timestamp },
      }),
    read,
  },
  sends: {
    // https://docs.httpsms.com/features/sending-sms-messages
    request: (message, account) => {
      const { url, headers } = callOf(account, "messages/send");
      return post(url, headers, compose(message));
    },
    answer: answerOf({ ...idAt("data.id"), refused: refusal() }),
    // The field that it does not take.
    refusals: { from: "misconfigured", unauthorized: "misconfigured" },
  },
  checks: httpSmsChecks,
});

/** `data` has a list of complaints by field, or a hint: https://github.com/NdoleStudio/httpsms/blob/main/api/pkg/handlers/handler.go */
function refusal() {
  const byField = z.record(z.string().regex(/^\w{1,50}$/), z.array(requiredText).min(1));
  const answer = z.object({ status: z.literal("error"), message: requiredText, data: z.unknown().optional() });
  return answer.transform(({ message, data }) => {
    const [field, [complaint] = []] = Object.entries(byField.safeParse(data).data ?? {})[0] ?? [];
    if (field !== undefined && complaint !== undefined) return { code: field, message: complaint };
    return { code: /not authorized/i.test(message) ? "unauthorized" : "error", message };
  });
}

const words: StatusWords = {
  ...{ "message.phone.sent": "sent", "message.phone.delivered": "delivered" },
  ...{ "message.send.failed": "failed", "message.send.expired": "failed" },
};

const kind = z.object({ type: requiredText });
const expiry = at("data", { is_final: z.boolean().nullish() });
const owned = at("data", { owner: phone });
const update = at("data", {
  ...{ id: maybeText, message_id: maybeText, request_id: maybeText, error_message: maybeText },
}).transform(({ id, message_id, ...rest }, issues) => {
  const found = messageId.safeParse(id ?? message_id).data;
  if (found === undefined) issues.addIssue({ code: "custom", message: "is missing", path: ["data", "id"] });
  return { ...rest, id: found ?? z.NEVER };
});

/** https://github.com/NdoleStudio/httpsms/tree/main/api/pkg/events */
function read(webhook: DecodedWebhook) {
  const { type } = webhook.read(kind);
  if (type === "message.phone.received") return readText(webhook);
  if (type === "message.call.missed") return readMissedCall(webhook);
  if (!Object.hasOwn(words, type)) return ignored(`event ${type}: says nothing that is bridged`);
  const isExpired = type === "message.send.expired";
  if (isExpired && webhook.read(expiry).is_final === false)
    return ignored("the phone did not fetch a message in time: httpSMS tries once more");
  return receipt(type, words, () => {
    const { id, request_id: reference, error_message: given } = webhook.read(update);
    const why = isExpired ? "the phone did not fetch it in time: is it switched on, and online?" : undefined;
    return { id, reference, code: isExpired ? "expired" : "failed", message: given ?? why };
  });
}

/** A number that the phone shows without its country is of the phone's. */
const incomingTo = perNumber((owner) => {
  const said = { content: maybeText, encrypted: z.boolean().nullish(), attachments: listOf(someText) };
  return at("data", { message_id: messageId, contact: phoneSeenBy(owner), timestamp: time, ...said });
});

const missedFrom = perNumber((owner) =>
  at("data", { message_id: messageId, contact: callPartySeenBy(owner), timestamp: time }),
);

function readMissedCall(webhook: DecodedWebhook) {
  const { owner } = webhook.read(owned);
  const { message_id: id, contact: from, timestamp: sentAt } = webhook.read(missedFrom(owner));
  return call({ id, from, to: owner, sentAt, status: "no-answer" });
}

function readText(webhook: DecodedWebhook) {
  const { owner } = webhook.read(owned);
  const { message_id: id, ...found } = webhook.read(incomingTo(owner));
  const attachments = found.attachments.filter(Boolean).map((url) => ({ url, name: nameIn(url) }));
  const words = found.encrypted ? "[An encrypted message, which is not read]" : found.content;
  return text({ id, from: found.contact, to: [owner], sentAt: found.timestamp, text: words, attachments });
}

/** The last step of its path. */
function nameIn(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).pathname.split("/").at(-1) || undefined : undefined;
}

/** There are no messages without words: what a file is called stands for them. */
function compose({ from, to, text: said, attachments, reference }: OutboundMessage) {
  const content = said || attachments.map(({ name }) => name).join(", ");
  const files = attachments.map(({ url }) => url);
  return { from, to, content, request_id: reference, ...(files.length > 0 ? { attachments: files } : {}) };
}
