import { normalizeMailbox } from "../../formats/mailbox.ts";
import { numberOfToday } from "../../formats/phone-number.ts";
import type { Consent, HighlevelMessageType, ProviderMessage, Receipt } from "../../model.ts";
import { meaningOf } from "../../providers/kit/adapter.ts";
import type { AccountFacts } from "../../registry/accounts.ts";
import type { MappingFacts } from "../../registry/mappings.ts";
import { locationsAfter } from "../../registry/opt-outs/carry-opt-outs.ts";
import type { ConsentOf } from "../../registry/opt-outs/change-consents.ts";
import { channelsMeantBy } from "../../registry/opt-outs/channels.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Conversation, Message } from "../../store/schema.ts";
import { consentIn } from "./consent-words.ts";

/** What a person's message says of whether they may be written to: by the provider's word for it, else by a word of theirs. */
export function consentOfMessage(
  mapping: Said,
  { direction, from: address, consent, text, call, service }: ProviderMessage,
  messageId?: number,
): ConsentOf[] {
  if (direction === "outbound" || call) return [];
  const said = mapping.channel === "sms" ? consentIn(text) : undefined;
  const change = consent ?? said?.change;
  if (change === undefined) return [];
  const { locationId } = mapping;
  const why =
    said?.change === change ? ({ cause: "word", detail: said.word } as const) : ({ cause: "provider" } as const);
  return channelsMeantBy(change, mapping, service).map((channel) => {
    return { locationId, channel, address, change, messageId, ...why };
  });
}

/** To what it was said. */
type Said = Pick<MappingFacts, "locationId" | "channel" | "type" | "adapter">;

/** What a provider says besides. */
export const consentOfPerson = (mapping: Said, { from: address, change, cause, detail }: Consent): ConsentOf[] => {
  const { locationId } = mapping;
  return channelsMeantBy(change, mapping).map((channel) => ({ locationId, channel, address, change, cause, detail }));
};

/** What came to a number before it was moved to another location is meant for the number: it counts there, too. */
export async function inAllPlaces(
  tx: Db,
  mapping: Pick<MappingFacts, "movedTo">,
  said: ConsentOf[],
): Promise<ConsentOf[]> {
  if (mapping.movedTo === null || said.length === 0) return said;
  const others = await locationsAfter(tx, mapping);
  return [
    said,
    ...others.map((locationId) => said.map((each) => ({ ...each, locationId, messageId: undefined }))),
  ].flat();
}

/** A message, whose it is, and to whom an email went besides. */
export interface SentTo {
  conversation: Pick<Conversation, "locationId" | "address">;
  message: Pick<Message, "id" | "content">;
  /** Of the mapping that sent it. */
  type: HighlevelMessageType;
  others(): ReadonlySet<string | undefined>;
}

/**
 * What a receipt says of a person to whom we sent: it may be why the provider refused the message. Of others it says nothing: a
 * report that comes as mail may be written by anybody who had the message. Nor does a bounce that does not say whose it is, of several.
 */
export function consentOfReceipt(
  { channel, adapter }: AccountFacts,
  { consent, status, recipient: told, error }: Receipt,
  { conversation: { locationId, address }, message: { id: messageId, content }, type, others }: SentTo,
): ConsentOf[] {
  const isOptedOut = status === "failed" && meaningOf(adapter.refusals, error?.code) === "opted_out";
  const said = consent ?? (isOptedOut ? ({ change: "stop", cause: "refusal" } as const) : undefined);
  if (!said) return [];
  const recipient = told === undefined ? undefined : numberOfToday(told);
  if (recipient !== undefined && recipient !== address && !others().has(recipient)) return [];
  if (recipient === undefined && said.cause === "bounce" && others().size > 0) return [];
  const about = { locationId, address: recipient ?? address, messageId, ...said, detail: error?.message };
  return channelsMeantBy(said.change, { channel, type, adapter }, content?.service).map((of) => ({
    ...about,
    channel: of,
  }));
}

/** To whom an email went besides whose conversation it is in; none once its content was deleted. */
export const othersOf = ({ content }: Pick<Message, "content">): ReadonlySet<string | undefined> =>
  new Set([...(content?.cc ?? []), ...(content?.bcc ?? [])].map(normalizeMailbox));
