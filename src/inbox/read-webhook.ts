import { ParseError } from "../errors.ts";
import type { Happening } from "../events/owe-events.ts";
import { chatIdOf, isChatId } from "../formats/address.ts";
import { replyTokensOf, withoutReplyTokens } from "../formats/email/tokens/reply-token.ts";
import { personBehind } from "../formats/person.ts";
import { formsOfNumber, numberOfToday } from "../formats/phone-number.ts";
import { describeError, type Log } from "../log.ts";
import type { AsideCounts } from "../messages/aside/set-aside.ts";
import type { Consent, ProviderEvent, ProviderMessage } from "../model.ts";
import type { During } from "../observe/stalls.ts";
import type { AccountFacts } from "../registry/accounts.ts";
import { type Addressing, receiversOf } from "../registry/find-receivers.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import type { NewDelivery } from "../store/deliveries.ts";
import type { WebhookOutcome } from "../store/received-webhooks.ts";
import type { Webhook } from "../store/schema.ts";
import { unmappedPrefix } from "../store/webhooks.ts";

/** What a provider posted to an account. */
export interface AccountWebhook {
  account: AccountFacts & { soleAddress: string | null };
  webhook: Webhook;
}

/** What a batch of webhooks comes to. */
export interface Acceptance {
  outcomes: AcceptedWebhook[];
  /** To be enqueued with what else the transaction makes us owe: see `enqueueDeliveries`. */
  owed: NewDelivery[];
  /** What endpoints may want to be told. */
  happened: Happening[];
}

/** What became of a webhook, and how many of its messages were taken in and do not go to HighLevel. */
export type AcceptedWebhook = WebhookOutcome & AsideCounts & { receipts?: number };

/** A webhook, and what it says; or why it cannot be read. */
export type WebhookReading<Content> = { webhook: Webhook } & ({ content: Content } | { failure: string });

export interface ReadContext {
  log: Log;
  /** Names it where reading it keeps the process from everything else. */
  during?: During | undefined;
}

/** Reads a stored webhook. What cannot be read is told, never thrown: it must not hold up those behind it. */
export async function readWebhook<Content>(
  { log, during }: ReadContext,
  webhook: Webhook,
  read: () => Content | Promise<Content>,
): Promise<WebhookReading<Content>> {
  const readNow = async () => read();
  try {
    return { webhook, content: await (during?.({ what: "webhook", id: webhook.id }, readNow) ?? readNow()) };
  } catch (error) {
    if (error instanceof ParseError) return { webhook, failure: error.message };
    log("error", "webhook.broke", { webhookId: webhook.id, accountId: webhook.accountId, ...describeError(error) });
    return { webhook, failure: "the bridge itself failed to read it; its log has a line webhook.broke" };
  }
}

/** An event, and the mapping that it is for; none for what is not about one. */
export interface RoutedEvent<Event extends ProviderEvent = ProviderEvent> {
  event: Event;
  mapping?: MappingFacts;
}

/** What is from a person, and for a number or mailbox of ours, or from one to a person. */
export type Said = ProviderMessage | Consent;

export const isSaid = (event: ProviderEvent): event is Said => event.kind === "message" || event.kind === "consent";

export const addressingOf = (said: Said): Addressing =>
  said.kind === "message" ? said : { from: said.from, to: [said.to], cc: [], bcc: [] };

const isWholeMail = (said: Said): said is ProviderMessage => said.kind === "message" && said.fetchBy === undefined;

/** What an email, a text, a call or a person's wish is to each mapping that it is for. */
export const seenBy = (mappings: MappingFacts[], said: Said): RoutedEvent[] =>
  mappings.map((mapping) => ({ mapping, event: eventSeenBy(mapping, said) }));

function eventSeenBy(mapping: MappingFacts, given: Said): ProviderEvent {
  const said = isChatId(mapping.address) ? withOwnIds(mapping, given) : withNumbersOfToday(mapping, given);
  if (mapping.channel === "email" && isWholeMail(said)) return emailSeenBy(mapping, withTokensApart(said));
  if (said.kind === "message" && said.call && mapping.callProviderId === null)
    return { kind: "ignored", reason: unpostedCall };
  if (said.kind === "message" && !said.call && mapping.type === "Call") return { kind: "ignored", reason: onlyCalls };
  return { ...said };
}

/** The same id is another person's in another account. */
function withOwnIds({ accountId, address }: MappingFacts, said: Said): Said {
  const own = (id: string) => (id === address ? id : chatIdOf(accountId, id));
  const from = own(said.from);
  return said.kind === "message" ? { ...said, from, to: said.to.map(own) } : { ...said, from };
}

/** Answers go to the number by which the person wrote. */
export function withNumbersOfToday<Some extends Said>({ address, channel }: MappingFacts, said: Some): Some {
  const today = (number: string) => (number === address ? number : numberOfToday(number));
  const from = today(said.from);
  if (channel === "email" || said.kind === "consent") return { ...said, from };
  const others = { to: said.to.map(today), cc: said.cc.map(today) };
  // That of today as well: HighLevel may have the former one.
  const spelling = formsOfNumber(from).length > 1 ? { fromSpelling: said.from } : {};
  return { ...said, from, ...spelling, ...others };
}

const onlyCalls = "no call, and the mapping's type is Call: it has calls alone";
const unpostedCall = "a call, and the mapping names no callProviderId: PATCH it, and the next ones are posted";

/** Why a message stays where it is that is for nobody, and what to do. */
export function unmappedReason(message: Addressing): string {
  const addresses = receiversOf(message).join(", ") || "nobody";
  return `${unmappedPrefix}${addresses}: add the mapping, and it is delivered by itself`;
}

/** Agents see the addresses without the tokens in them, also where the email quotes them. */
function withTokensApart(message: ProviderMessage): ProviderMessage {
  const { envelopeTo = [], to, cc, bcc, text, html } = message;
  const replyTokens = replyTokensOf([...envelopeTo, ...to, ...cc, ...bcc]);
  const plain = (addresses: string[]) => [...new Set(addresses.map(withoutReplyTokens))];
  const words = { text: text && withoutReplyTokens(text), html: html && withoutReplyTokens(html) };
  return { ...message, to: plain(to), cc: plain(cc), bcc: plain(bcc), ...words, replyTokens };
}

/**
 * What comes from our own mailbox was written by a form that names the person, or is a copy of what the business wrote
 * elsewhere to somebody. Where it is neither there is nobody whose conversation it could belong into.
 */
function emailSeenBy(mapping: Pick<MappingFacts, "address">, message: ProviderMessage): ProviderEvent {
  if (message.direction === "outbound") return { ...message };
  const person = personBehind(message, mapping.address);
  if (person) {
    const { address: from, name: fromName, spelling: fromSpelling } = person;
    const automatic = message.automatic === "auto_generated" ? undefined : message.automatic;
    return { ...message, from, fromName, fromSpelling, replyTo: undefined, automatic };
  }
  if (message.from !== mapping.address) return { ...message };
  const copy: ProviderMessage = { ...message, direction: "outbound" };
  if (addressOfPerson(mapping, copy) !== undefined) return copy;
  return { kind: "ignored", reason: "an email from the mapping's own mailbox to itself, which names nobody else" };
}

/** Whose conversation a message belongs into: its sender, or the first receiver of what the business sent. */
export function addressOfPerson(mapping: Pick<MappingFacts, "address">, message: ProviderMessage): string | undefined {
  if (message.direction !== "outbound") return message.from;
  return [...message.to, ...message.cc].find((address) => address !== mapping.address);
}
