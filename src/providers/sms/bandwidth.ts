import { z } from "zod";
import type { OutboundMessage, ProviderEvent } from "../../model.ts";
import { bandwidthChecks } from "../checks/bandwidth.ts";
import { atLeast, credentials, printable, secret, setting, shape, uuid } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import { code, listOf, maybeText, messageId, phone, requiredText, time } from "../kit/fields.ts";
import { basicAuth } from "../kit/proofs.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, idAt, post } from "../kit/sends.ts";
import { grantOf } from "./bandwidth/grant.ts";

const userName = shape(/^[^:\s]+$/, "must not be empty, and hold no colon and no space");

/**
 * Bandwidth's Messaging API, version 2: https://dev.bandwidth.com/docs/messaging/webhooks
 * Longer than others by its six credentials, two for each way, and by lists of events.
 */
export const bandwidth = defineProvider({
  label: "Bandwidth",
  channel: "sms",
  credentials: credentials({
    always: {
      callbackUser: setting(
        "Callback user name",
        "Of your choice: it is given to the application below its callback URLs.",
        userName,
      ),
      callbackPassword: secret(
        "Callback password",
        "Of your choice, as `openssl rand -hex 24` makes one: given beside the user name.",
        atLeast(16),
      ),
    },
    toSend: {
      accountId: setting(
        "Account ID",
        "In the Bandwidth App under Account: digits, such as 5500001.",
        shape(/^\d+$/, "must be digits"),
      ),
      applicationId: setting(
        "Application ID",
        "In the Bandwidth App under Applications: of the messaging application that is linked to the number's location.",
        uuid,
      ),
      clientId: setting(
        "Client ID",
        "In the Bandwidth App under Account, API Credentials: _Create_, with the role Messaging.",
        userName,
      ),
      clientSecret: secret("Client secret", "Shown once, when the API credentials are made.", printable),
    },
  }),
  pasteAt:
    "the messaging application's inbound and outbound callback URL, in the Bandwidth App under Applications, with the callback user name and password below both. The application must be linked to the location (SIP peer) of the number",
  notes: [
    "Messages are sent by the access tokens of API credentials (OAuth 2.0), which the bridge fetches by itself. The older API users, with a password, are taken by Bandwidth no more from December 2, 2026 on.",
    "Bandwidth signs nothing: the callback credentials are all that proves a webhook. They come only after a request without them was answered 401.",
    "Bandwidth tries for 24 hours, and keeps no text after that. What people send is at Bandwidth for two days.",
    "Without the feature _MMS delivery receipts_ on the account, delivered says of an MMS only that a carrier has it.",
    "Bandwidth keeps no list of who wrote STOP for you; carriers refuse what is sent to them with the code 4775.",
    "A text may have 2,048 characters.",
  ],
  receives: {
    contentTypes: ["application/json"],
    proof: basicAuth({ pair: ({ callbackUser, callbackPassword }) => [callbackUser, callbackPassword], waits: true }),
    sample: ({ id, from, to, text: words, at: sentAt }) =>
      jsonSample([
        {
          type: "message-received",
          to,
          message: { id, from, to: [to], owner: to, text: words, time: sentAt, direction: "in" },
        },
      ]),
    read,
  },
  sends: {
    // https://dev.bandwidth.com/docs/messaging/createMessage
    request: (message, { accountId, applicationId, ...client }) => {
      const url = `https://messaging.bandwidth.com/api/v2/users/${accountId}/messages`;
      return { ...post(url, {}, compose(message, applicationId)), grant: grantOf(client) };
    },
    answer: answerOf({ ...idAt("id"), refused: refusal() }),
    // https://dev.bandwidth.com/docs/messaging/errors
    refusals: {
      "max-message-queue-size-exceeded": "throttled",
      ...{ unauthorized: "misconfigured", forbidden: "misconfigured", "4775": "opted_out" },
    },
  },
  media: {
    hosts: ["messaging.bandwidth.com"],
    // https://dev.bandwidth.com/docs/messaging/media
    path: ({ accountId }) => accountId && `/api/v2/users/${accountId}/media/{id}/{id}/{file}`,
    grant: (client) => grantOf(client),
  },
  checks: bandwidthChecks,
});

function refusal() {
  const field = z.object({ fieldName: maybeText, description: maybeText });
  const schema = z.object({ type: requiredText, description: maybeText, fieldErrors: listOf(field) });
  return schema.transform(({ type, description, fieldErrors }) => {
    const fields = fieldErrors.map((each) => [each.fieldName, each.description].filter(Boolean).join(": "));
    return { code: type, message: [description ?? type, ...fields].join("; ") };
  });
}

/** `message-sending` is on its way. Of the code 9902 nobody knows whether the message arrived. */
const words: StatusWords = {
  ...{ "message-sent": "sent", "message-delivered": "delivered", "message-read": "read" },
  ...{ "message-failed": "failed", "message-unconfirmed": "sent" },
};

const happened = z.object({ type: requiredText, message: z.object({ direction: maybeText }).nullish() });
const content = z.object({
  ...{ id: messageId, owner: phone.nullish(), time, to: z.array(phone).min(1), from: phone },
  ...{ text: maybeText, media: listOf(requiredText) },
});
const update = z.object({
  ...{ to: phone.nullish(), description: maybeText, errorCode: code.nullish() },
  message: z.object({ id: messageId, tag: maybeText, to: listOf(z.unknown()) }),
});
const listWith = <Item>(item: z.ZodType<Item>, index: number) =>
  z
    .array(z.unknown())
    .transform((all) => all[index])
    .pipe(item);

/** Always a list. */
function read(webhook: DecodedWebhook): ProviderEvent[] {
  const events = webhook.read(z.array(happened).min(1));
  return events.map(({ type, message }, index) => {
    const isInbound = type === "message-received";
    if (isInbound && message?.direction !== "out") return readText(webhook, index);
    if (isInbound || !type.startsWith("message-")) return ignored(`event ${type}: says nothing that is bridged`);
    return readReceipt(webhook, type, index);
  });
}

/** Of a group each of our numbers gets an event of its own, which names it as the owner. */
function readText(webhook: DecodedWebhook, index: number) {
  const { message } = webhook.read(listWith(z.object({ message: content }), index));
  const { id, from, to, owner, time: sentAt, media, text: words } = message;
  const cc = owner ? to.filter((number) => number !== owner) : [];
  const receivers = owner ? [owner] : to;
  return text({ id, from, to: receivers, cc, text: words, sentAt, attachments: media.map((url) => ({ url })) });
}

function readReceipt(webhook: DecodedWebhook, type: string, index: number) {
  const { to, description, errorCode, message } = webhook.read(listWith(update, index));
  const word = errorCode === "9902" ? "message-unconfirmed" : type;
  return receipt(word, words, () => {
    const recipient = message.to.length > 1 ? (to ?? undefined) : undefined;
    const error = errorCode ? { code: errorCode, message: description ?? `error ${errorCode}` } : {};
    return { id: message.id, reference: message.tag, recipient, ...error };
  });
}

function compose({ from, to, text: body, attachments, reference }: OutboundMessage, applicationId: string) {
  const media = attachments.length > 0 ? { media: attachments.map(({ url }) => url) } : {};
  return { applicationId, from, to: [to], text: body || undefined, ...media, tag: reference };
}
