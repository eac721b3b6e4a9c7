import { z } from "zod";
import type { IgnoredEvent, OutboundMessage, ProviderMessage } from "../../../model.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { ignored, text } from "../../kit/events.ts";
import { at, maybeText, messageId, phone, time } from "../../kit/fields.ts";
import { composeContent } from "../whatsapp/compose.ts";
import { isFile, said, unsaid, wordsOf } from "../whatsapp/read-message.ts";

/**
 * WhatsApp at Telnyx: as Meta tells it, within Telnyx's own envelope. Telnyx publishes the types, and no example of a file
 * that came: https://github.com/team-telnyx/telnyx-node/blob/master/src/resources/messages/messages.ts
 */

const file = z
  .object({
    link: maybeText,
    url: maybeText,
    caption: maybeText,
    filename: maybeText,
    mime_type: maybeText,
  })
  .nullish();
const body = said.extend({ image: file, video: file, audio: file, voice: file, document: file, sticker: file });
const party = z.union([z.object({ phone_number: phone }).transform((of) => of.phone_number), phone]);
const incoming = at("data.payload", {
  ...{ id: messageId, from: party, received_at: time, body },
  to: z.union([party, z.tuple([party], z.unknown()).transform(([first]) => first)]),
});

export function readWhatsapp(webhook: DecodedWebhook): ProviderMessage | IgnoredEvent {
  const { id, from, to, received_at: sentAt, body: given } = webhook.read(incoming);
  const { type } = given;
  if (unsaid.has(type)) return ignored(`a message of type ${type}: says nothing that is bridged`);
  const common = { id, from, to: [to], sentAt, service: "whatsapp" as const };
  if (!isFile(type)) return text({ ...common, text: wordsOf(given).filter(Boolean).join("\n") || undefined });
  const { caption, link, url = link, filename: name, mime_type: contentType } = given[type] ?? {};
  if (url === undefined) return text({ ...common, text: [caption, untold(type)].filter(Boolean).join("\n") });
  return text({ ...common, text: caption, attachments: [{ url, name, contentType }] });
}

const untold = (type: string) => `[A file of type ${type}, of which Telnyx does not tell the address]`;

/** https://developers.telnyx.com/api-reference/whatsapp-messaging/send-a-whatsapp-message */
export function composeWhatsapp(message: OutboundMessage, profile: string | undefined) {
  const { from, to, receiptUrl } = message;
  const parties = { from: withoutPrefix(from), to: withoutPrefix(to) };
  const content = { type: "WHATSAPP", whatsapp_message: composeContent(message) };
  return { ...parties, ...content, messaging_profile_id: profile, webhook_url: receiptUrl };
}

const prefix = /^whatsapp:/;
export const isByWhatsapp = ({ to }: OutboundMessage) => prefix.test(to);
const withoutPrefix = (address: string) => address.replace(prefix, "");
