import { normalizeMailbox } from "../../formats/mailbox.ts";
import type { Consent, ProviderMessage, Receipt } from "../../model.ts";
import { meaningOf } from "../../providers/kit/adapter.ts";
import type { AccountFacts } from "../../registry/accounts.ts";
import type { MappingFacts } from "../../registry/mappings.ts";
import { locationsAfter } from "../../registry/opt-outs/carry-opt-outs.ts";
import type { ConsentOf } from "../../registry/opt-outs/change-consents.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Conversation, Message } from "../../store/schema.ts";
import { consentIn } from "./consent-words.ts";

/** What a person's message says of whether they may be written to: by the provider's word for it, else by a word of theirs. */
export function consentOfMessage(
  { locationId, channel }: Pick<MappingFacts, "locationId" | "channel">,
  { direction, from: address, consent, text, call }: ProviderMessage,
  messageId?: number,
): ConsentOf[] {
  if (direction === "outbound" || call) return [];
  const said = channel === "sms" ? consentIn(text) : undefined;
  const change = consent ?? said?.change;
  if (change === undefined) return [];
  const about = { locationId, channel, address, change, messageId };
  return said?.change === change ? [{ ...about, cause: "word", detail: said.word }] : [{ ...about, cause: "provider" }];
}

/** What a provider says besides. */
export const consentOfPerson = (
  { locationId, channel }: Pick<MappingFacts, "locationId" | "channel">,
  { from: address, change, cause, detail }: Consent,
): ConsentOf => ({ locationId, channel, address, change, cause, detail });

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

type SentTo = Pick<Message, "id" | "content">;

/**
 * What a receipt says of a person to whom we sent: it may be why the provider refused the message. Of others it says nothing: a
 * report that comes as mail may be written by anybody who had the message. Nor does a bounce that does not say whose it is, of several.
 */
export function consentOfReceipt(
  { channel, adapter }: AccountFacts,
  { consent, status, recipient, error }: Receipt,
  { conversation, message }: { conversation: Pick<Conversation, "locationId" | "address">; message: SentTo },
): ConsentOf[] {
  const { locationId, address } = conversation;
  const others = [...(message.content?.cc ?? []), ...(message.content?.bcc ?? [])].map(normalizeMailbox);
  if (recipient !== undefined && ![address, ...others].includes(recipient)) return [];
  if (recipient === undefined && consent?.cause === "bounce" && others.length > 0) return [];
  const about = { locationId, channel, address: recipient ?? address, messageId: message.id };
  if (consent) return [{ ...about, ...consent, detail: error?.message }];
  const isOptedOut = status === "failed" && meaningOf(adapter.refusals, error?.code) === "opted_out";
  return isOptedOut ? [{ ...about, change: "stop", cause: "refusal", detail: error?.message }] : [];
}
