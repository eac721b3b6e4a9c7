import { z } from "zod";
import { Failure } from "../../../errors.ts";
import { describePlace } from "../../../formats/describe-place.ts";
import type { IgnoredEvent, OutboundMessage, ProviderMessage } from "../../../model.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { ignored, text, wishIn } from "../../kit/events.ts";
import { at, maybeNumber, maybeText, messageId, phone, requiredText, time } from "../../kit/fields.ts";
import { withLinks } from "../../kit/sends.ts";

/** RCS at Telnyx, whose agents are known by an id: https://developers.telnyx.com/docs/messaging/messages/receiving-rcs-webhooks */

const file = z
  .object({ file_uri: requiredText, file_name: maybeText, mime_type: maybeText, file_size_bytes: maybeNumber })
  .transform(({ file_uri: url, file_name: name, mime_type: contentType, file_size_bytes: sizeBytes }) => {
    return { url, name, contentType, sizeBytes };
  });
const body = z.object({
  text: maybeText,
  user_file: z.object({ payload: file }).nullish(),
  location: z.object({ latitude: maybeNumber, longitude: maybeNumber }).nullish(),
  suggestion_response: z.object({ text: maybeText }).nullish(),
});
const person = at("phone_number", phone);
const agent = at("agent_id", phone);
const common = { id: messageId, body };
const times = { received_at: time, sent_at: time };
const incoming = at("data.payload", {
  ...{ ...common, ...times, autoresponse_type: maybeText },
  ...{ from: person, to: z.array(agent).min(1) },
});
const sent = at("data.payload", { ...common, ...times, from: agent, to: z.array(person).min(1) });

export function readRcs(webhook: DecodedWebhook): ProviderMessage {
  const { id, from, to, body, received_at, sent_at, autoresponse_type: wish } = webhook.read(incoming);
  return text({ id, from, to, service: "rcs", ...wordsIn(body), sentAt: sent_at ?? received_at, ...wishIn(wish) });
}

/** Of what others sent by the agent only the words are told as they are. */
export function readRcsSentElsewhere(webhook: DecodedWebhook): ProviderMessage | IgnoredEvent {
  const { id, from, to, body, received_at, sent_at } = webhook.read(sent);
  if (body.text === undefined) return ignored("an RCS message without words was sent: only words are bridged");
  const said = { text: body.text, sentAt: sent_at ?? received_at };
  return text({ id, from, to, service: "rcs", direction: "outbound", ...said });
}

function wordsIn({ text: words, user_file: sentFile, location, suggestion_response: chosen }: z.infer<typeof body>) {
  const lines = [words, chosen?.text, location ? describePlace(location) : undefined].filter(Boolean);
  return { text: lines.join("\n") || undefined, attachments: sentFile ? [sentFile.payload] : [] };
}

/** https://developers.telnyx.com/api-reference/rcs/send-an-rcs-message: words or one file. With both the file is a link. */
export function composeRcs(message: OutboundMessage, profile: string | undefined) {
  const { text: words, attachments, receiptUrl } = message;
  const [agentId, to] = [message.from, message.to].map((address) => address.replace(prefix, ""));
  if (agentId?.startsWith("+")) throw new Failure("rejected", `RCS is sent by an agent, and ${agentId} is a number`);
  if (profile === undefined)
    throw new Failure("misconfigured", "the credentials lack messagingProfileId, which Telnyx wants to send RCS");
  const [only, another] = attachments;
  const isFileAlone = only && !another && !words;
  const content = isFileAlone ? { content_info: { file_url: only.url } } : { text: withLinks(words, attachments) };
  const common = { agent_id: agentId, to, type: "RCS", messaging_profile_id: profile, webhook_url: receiptUrl };
  return { ...common, agent_message: { content_message: content } };
}

const prefix = /^rcs:/;
export const isByRcs = ({ to }: OutboundMessage) => prefix.test(to);
