import { z } from "zod";
import { ParseError } from "../../errors.ts";
import type { OutboundMessage } from "../../model.ts";
import { accessKeyHeader, birdChecks, channelUrl } from "../checks/bird/bird.ts";
import { credentials, printable, secret, setting, uuid } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import { at, code, listOf, maybeText, messageId, phone, requiredText, time } from "../kit/fields.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, idAt, post } from "../kit/sends.ts";
import { hmac, inHeader } from "../kit/signatures.ts";

/** Bird tries for eight hours, and people have seen its retries come with the time of the first attempt. */
const maxAgeSeconds = 24 * 3600 + 300;

/**
 * Bird's Channels API, for SMS and MMS: https://docs.bird.com/api/channels-api/supported-channels/programmable-sms
 * Longer than others by its bodies, which words, images and files have each their own of, both ways.
 */
export const bird = defineProvider({
  label: "Bird",
  channel: "sms",
  credentials: credentials({
    always: {
      signingKey: secret("Signing key", "Of your choice, given to the webhook subscriptions: Bird signs with it."),
    },
    toSend: {
      accessKey: secret("Access key", "Under Settings, Security, with the role Application Developer.", printable),
      workspaceId: setting("Workspace ID", "In the URL of Bird's pages, after /workspaces/.", uuid),
      channelId: setting("Channel ID", "Of the SMS channel, on its page under Channels.", uuid),
    },
  }),
  pasteAt:
    "two webhook subscriptions of the service Channels, one for _sms.inbound_ and one for _sms.outbound_, each with the signing key and with a filter for the channel's ID",
  notes: [
    "A channel has one number: make an account of its own for each, with the number as its mapping. Where Bird does not say to which number a text came, it is the mapping's.",
    "MMS goes to and comes from numbers of the USA and Canada, with up to ten images. Other files are sent as files, which not every channel takes.",
    "Bird tries for eight hours. A webhook is taken for a day after its time, since retries may keep the first one.",
    "WhatsApp and all other channels are not taken: filter them out, or they are ignored.",
  ],
  receives: {
    contentTypes: ["application/json"],
    // https://docs.bird.com/api/notifications-api/api-reference/webhooks/verifying-a-webhook
    proof: hmac({
      source: inHeader("messagebird-signature", {
        ...{ timestamp: "messagebird-request-timestamp", maxAgeSeconds },
        over: "{timestamp}\n{url}\n{bodySha256}",
      }),
      ...{ hash: "sha256", encoding: "base64", key: ({ signingKey }) => signingKey },
    }),
    sample: ({ id, from, to, text: words, at: createdAt }) =>
      jsonSample({
        event: "sms.inbound",
        payload: {
          ...{ id, createdAt, body: { type: "text", text: { text: words } } },
          sender: { contact: { identifierKey: "phonenumber", identifierValue: from } },
          receiver: { connector: { identifierValue: to } },
        },
      }),
    read,
  },
  sends: {
    receiptsLackReference: true,
    // https://docs.bird.com/api/channels-api/supported-channels/programmable-sms/sending-sms-messages
    request: (message, { accessKey, ...channel }) =>
      post(`${channelUrl(channel)}/messages`, accessKeyHeader({ accessKey }), compose(message)),
    answer: answerOf({ ...idAt("id"), refused: problem() }),
    refusals: {},
  },
  media: {
    hosts: ["media.nest.messagebird.com", "media.api.bird.com"],
    // https://docs.bird.com/api/channels-api/supported-channels/programmable-whatsapp/receiving-messages
    path: ({ workspaceId }) => workspaceId && `/workspaces/${workspaceId}/messages/{id}/media/{id}`,
    redirectHosts: [".amazonaws.com"],
    headers: ({ accessKey }) => accessKeyHeader({ accessKey }),
  },
  checks: birdChecks,
});

/** A code and words, as its API is known to answer: its documents show no refusal. */
function problem() {
  return z.object({ code, message: requiredText });
}

/** https://docs.bird.com/api/channels-api/message-status-and-interactions */
const words: StatusWords = {
  ...{ sent: "sent", delivered: "delivered", sending_failed: "failed", delivery_failed: "failed" },
};

const kind = z.object({ event: requiredText });
const said = { text: maybeText };
const file = z.object({ mediaUrl: requiredText, contentType: maybeText, filename: maybeText });
const body = z.object({
  type: requiredText,
  text: z.object(said).nullish(),
  image: z.object({ ...said, images: listOf(file) }).nullish(),
  file: z.object({ ...said, files: listOf(file) }).nullish(),
});
/** Bird's documents leave the number away; what it posts of other channels has it. */
const connector = z.object({ identifierValue: phone.optional().catch(undefined) }).nullish();
const incoming = at("payload", {
  ...{ id: messageId, sender: at("contact.identifierValue", phone), body, createdAt: time },
  receiver: z.object({ connector }).nullish(),
});
const update = at("payload", {
  ...{ id: messageId, status: requiredText, reason: maybeText, details: maybeText },
  failure: z.object({ code: code.nullish() }).nullish().catch(undefined),
});

function read(webhook: DecodedWebhook, ownAddress?: string) {
  const { event } = webhook.read(kind);
  if (event === "sms.inbound") return readText(webhook, ownAddress);
  if (event !== "sms.outbound") return ignored(`event ${event}: says nothing that is bridged`);
  const { id, status, reason, details, failure } = webhook.read(update);
  return receipt(status, words, () => ({ id, code: failure?.code ?? undefined, message: reason ?? details }));
}

function readText(webhook: DecodedWebhook, ownAddress: string | undefined) {
  const { id, sender: from, receiver, body: content, createdAt: sentAt } = webhook.read(incoming);
  const to = receiver?.connector?.identifierValue ?? ownAddress;
  if (to === undefined) throw new ParseError("payload.receiver.connector.identifierValue: is missing");
  const files = [...(content.image?.images ?? []), ...(content.file?.files ?? [])];
  const attachments = files.map(({ mediaUrl: url, filename: name, contentType }) => ({ url, name, contentType }));
  const lines = [content.text?.text, content.image?.text, content.file?.text].filter(Boolean).join("\n");
  const isRead = ["text", "image", "file"].includes(content.type);
  const nothing = isRead ? undefined : `[A message of type ${content.type}, which is not read]`;
  return text({ id, from, to: [to], sentAt, text: lines || nothing, attachments });
}

function compose({ to, text: given, attachments }: OutboundMessage) {
  const receiver = { contacts: [{ identifierKey: "phonenumber", identifierValue: to }] };
  const words = given || undefined;
  if (attachments.length === 0) return { receiver, body: { type: "text", text: { text: words } } };
  if (attachments.every(({ contentType }) => /^image\//i.test(contentType))) {
    const images = attachments.map(({ url: mediaUrl }) => ({ mediaUrl }));
    return { receiver, body: { type: "image", image: { images, text: words } } };
  }
  const files = attachments.map(({ url: mediaUrl, contentType, name: filename }) => {
    return { mediaUrl, contentType, filename };
  });
  return { receiver, body: { type: "file", file: { files, text: words } } };
}
