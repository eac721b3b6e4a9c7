import { z } from "zod";
import { describePlace } from "../../../formats/describe-place.ts";
import type { ProviderMessage } from "../../../model.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { text, wishIn } from "../../kit/events.ts";
import { maybeText, textPartySeenBy } from "../../kit/fields.ts";
import { incomingReader } from "../../kit/twilio/messages.ts";

/** What people say by WhatsApp and RCS otherwise than in words: https://www.twilio.com/docs/messaging/guides/webhook-request */
const said = z.object({
  ...{ ButtonText: maybeText, ListTitle: maybeText, ListDescription: maybeText, MessageType: maybeText },
  ...{ ButtonPayload: maybeText, ListId: maybeText, InteractiveData: maybeText, FlowData: maybeText },
  ...{ ReferralHeadline: maybeText, ReferralBody: maybeText, ReferralSourceUrl: maybeText },
});
/** https://www.twilio.com/docs/messaging/guides/webhook-request#location-sharing-parameters */
const place = z.object({ Label: maybeText, Address: maybeText, Latitude: maybeText, Longitude: maybeText });

/**
 * With Advanced Opt-Out: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out. The name is WhatsApp's:
 * https://www.twilio.com/docs/messaging/guides/webhook-request#whatsapp-specific-parameters
 */
const besides = z.object({ OptOutType: maybeText, ProfileName: maybeText });

const readIncoming = incomingReader(textPartySeenBy(undefined));

/** By SMS, MMS, WhatsApp or RCS. */
export function readText(webhook: DecodedWebhook): ProviderMessage {
  const { id, from, to, body, attachments } = readIncoming(webhook);
  const words = wordsOf(webhook, body) || (attachments.length > 0 ? undefined : nothingSaid(webhook));
  const { OptOutType, ProfileName: fromName } = webhook.read(besides);
  const person = { from: from.number, fromName, service: from.service };
  return text({ id, ...person, to: [to.number], text: words, attachments, ...wishIn(OptOutType) });
}

/** The text, what was chosen or sent besides, and below it the advertisement from which the person wrote. */
function wordsOf(webhook: DecodedWebhook, body: string | undefined): string {
  const { Label: label, Address: address, Latitude: latitude, Longitude: longitude } = webhook.read(place);
  const { ButtonText, ListTitle, ListDescription, ...more } = webhook.read(said);
  const named = [ButtonText ?? more.ButtonPayload, ListTitle ?? more.ListId, ListDescription];
  const chosen = [...named, more.InteractiveData ?? more.FlowData].filter((words) => words && !body?.includes(words));
  const advertised = [more.ReferralHeadline, more.ReferralBody, more.ReferralSourceUrl].filter(Boolean).join(" · ");
  const answersTo = advertised === "" ? undefined : `[Written from: ${advertised}]`;
  return [body, ...chosen, describePlace({ label, address, latitude, longitude }), answersTo]
    .filter(Boolean)
    .join("\n");
}

/** Of reactions, stickers and the like Twilio tells the type at most. */
function nothingSaid(webhook: DecodedWebhook): string | undefined {
  const { MessageType } = webhook.read(said);
  if (MessageType === undefined || MessageType === "text") return undefined;
  return `[A message of type ${MessageType}, of which Twilio tells nothing more]`;
}
