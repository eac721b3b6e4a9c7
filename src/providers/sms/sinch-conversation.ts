import { z } from "zod";
import { describePlace } from "../../formats/describe-place.ts";
import type { OutboundMessage } from "../../model.ts";
import { grantOf, sinchConversationChecks } from "../checks/sinch/sinch-conversation.ts";
import { atLeast, choice, credentials, pathSegment, printable, secret, setting } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import { at, code, maybeText, messageId, phoneWithoutPlus, reference, requiredText, time } from "../kit/fields.ts";
import { sinchSignature } from "../kit/recipes/sinch-signature.ts";
import { answerOf, idAt, post, withLinks, withoutPlus } from "../kit/sends.ts";

/** Sinch Conversation API, by SMS and MMS; long by what people can send: https://developers.sinch.com/docs/conversation/callbacks */
export const sinchConversation = defineProvider({
  label: "Sinch Conversation",
  channel: "sms",
  credentials: credentials({
    always: {
      webhookSecret: secret("Webhook secret", "Of your choice, given to the webhook as its secret.", atLeast(12)),
    },
    toSend: {
      projectId: setting("Project id", "In the dashboard under Settings, Projects.", pathSegment),
      appId: setting("App id", "In the dashboard under Conversation API, Apps.", pathSegment),
      keyId: setting("Key id", "In the dashboard under Settings, Access keys.", printable),
      keySecret: secret("Key secret", "Shown once, when the access key is made.", printable),
    },
    ifWanted: { region: choice("Region", "Where the app is, `us` if it is left out.", ["us", "eu", "br"]) },
  }),
  pasteAt:
    "a webhook of the app with the triggers MESSAGE_INBOUND and MESSAGE_DELIVERY, and the webhook secret. Without a secret Sinch signs nothing, and all is refused",
  notes: [
    "SMS and MMS only: what comes by the app's other channels is ignored, and says so.",
    "The bridge sends with access tokens (OAuth 2.0), which it fetches by itself with the access key.",
    "Sending by MMS needs the MMS channel in the app. Only one file goes with a message; others follow as links in its text.",
  ],
  receives: {
    contentTypes: ["application/json"],
    proof: sinchSignature({ key: ({ webhookSecret }) => webhookSecret }),
    read,
  },
  sends: {
    // https://developers.sinch.com/docs/conversation/api-reference/conversation/messages
    request: (message, { projectId, appId, region = "us", ...key }) => {
      const url = `https://${region}.conversation.api.sinch.com/v1/projects/${projectId}/messages:send`;
      return { ...post(url, {}, { app_id: appId, ...compose(message) }), grant: grantOf(key) };
    },
    answer: answerOf({
      ...idAt("message_id"),
      refused: at("error", { code, status: maybeText, message: requiredText }).transform(({ status, ...error }) => {
        return { code: status ?? error.code, message: error.message };
      }),
    }),
    refusals: {
      UNAUTHENTICATED: "misconfigured",
      PERMISSION_DENIED: "misconfigured",
      RESOURCE_EXHAUSTED: "throttled",
      RECIPIENT_NOT_OPTED_IN: "opted_out",
    },
  },
  checks: sinchConversationChecks,
});

/** https://developers.sinch.com/docs/conversation/callbacks#message-delivery-receipt */
const words: StatusWords = { QUEUED_ON_CHANNEL: "sent", DELIVERED: "delivered", READ: "read", FAILED: "failed" };

/** There is no type: what a webhook is about shows by its one key. */
const kind = z.looseObject({ message: z.unknown().optional(), message_delivery_report: z.unknown().optional() });
const channel = at("message.channel_identity.channel", requiredText);
const number = phoneWithoutPlus(undefined);
const file = z.object({ url: requiredText, filename_override: maybeText });
const degrees = z
  .number()
  .nullish()
  .transform((value) => value ?? undefined);
const coordinates = z.object({ latitude: degrees, longitude: degrees }).nullish().catch(undefined);
/** https://developers.sinch.com/docs/conversation/message-types-support */
const content = z.looseObject({
  text_message: z.object({ text: maybeText }).nullish(),
  media_message: file.nullish(),
  media_card_message: file.extend({ caption: maybeText }).nullish(),
  location_message: z.object({ title: maybeText, label: maybeText, coordinates }).nullish(),
  choice_response_message: z.object({ postback_data: maybeText }).nullish(),
  fallback_message: z.object({ raw_message: maybeText }).nullish(),
});
const incoming = at("message", {
  ...{ id: messageId, sender_id: number, accept_time: time, contact_message: content },
  channel_identity: z.object({ identity: number }),
});
const status = at("message_delivery_report.status", requiredText);
const reason = z.object({ code: maybeText, sub_code: maybeText, description: maybeText });
const update = at("message_delivery_report", {
  ...{ message_id: messageId, metadata: reference.nullish().catch(undefined), reason: reason.nullish() },
});

function read(webhook: DecodedWebhook) {
  const { message, message_delivery_report, ...others } = webhook.read(kind);
  if (message_delivery_report) return readReceipt(webhook);
  if (message) return readText(webhook);
  const about = Object.keys(others).find((name) => /_(notification|report|event)$/.test(name)) ?? "unknown";
  return ignored(`event ${about.slice(0, 60)}: says nothing that is bridged`);
}

function readText(webhook: DecodedWebhook) {
  const by = webhook.read(channel);
  if (by !== "SMS" && by !== "MMS") return ignored(`channel ${by}: only SMS and MMS are bridged`);
  const { id, sender_id: to, channel_identity, accept_time: sentAt, contact_message: said } = webhook.read(incoming);
  const sent = said.media_message ?? said.media_card_message;
  const attachments = sent ? [{ url: sent.url, name: sent.filename_override }] : [];
  return text({ id, from: channel_identity.identity, to: [to], text: wordsOf(said), attachments, sentAt });
}

function wordsOf(said: z.infer<typeof content>): string | undefined {
  const { title, label, coordinates: place } = said.location_message ?? {};
  const where = said.location_message && describePlace({ label: title ?? label, ...(place ?? {}) });
  const chosen = said.choice_response_message?.postback_data;
  const all = [said.text_message?.text, said.media_card_message?.caption, chosen, where];
  return all.filter(Boolean).join("\n") || said.fallback_message?.raw_message;
}

function readReceipt(webhook: DecodedWebhook) {
  return receipt(webhook.read(status), words, () => {
    const { message_id: id, metadata, reason: why } = webhook.read(update);
    return { id, reference: metadata ?? undefined, code: why?.code, message: why?.description };
  });
}

function compose({ reference: ours, from, to, text: said, attachments }: OutboundMessage) {
  const [first, ...others] = attachments;
  const words = withLinks(said, others);
  const media = { media_message: { url: first?.url } };
  const withFile = words ? { card_message: { description: words, ...media } } : media;
  const [by, message] = first ? ["MMS", withFile] : ["SMS", { text_message: { text: words } }];
  return {
    recipient: { identified_by: { channel_identities: [{ channel: by, identity: withoutPlus(to) }] } },
    ...{ message, channel_properties: { [`${by}_SENDER`]: withoutPlus(from) }, message_metadata: ours },
  };
}
