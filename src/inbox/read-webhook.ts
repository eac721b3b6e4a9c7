import { ParseError } from "../errors.ts";
import { personBehind } from "../formats/person.ts";
import { describeError, type Log } from "../log.ts";
import type { ProviderEvent, ProviderMessage, WebhookRequest } from "../model.ts";
import type { During } from "../observe/stalls.ts";
import type { ProviderReading, Reading } from "../providers/reading.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import type { NewDelivery } from "../store/deliveries.ts";
import type { WebhookOutcome } from "../store/received-webhooks.ts";
import type { Webhook } from "../store/schema.ts";

/** What was posted to a mapping, by its provider or by HighLevel. */
export interface MappedWebhook {
  mapping: MappingFacts;
  webhook: Webhook;
}

/** What a batch of webhooks comes to. */
export interface Acceptance {
  outcomes: WebhookOutcome[];
  /** To be enqueued with what else the transaction makes us owe: see `enqueueDeliveries`. */
  owed: NewDelivery[];
}

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
    log("error", "webhook.broke", { webhookId: webhook.id, mappingId: webhook.mappingId, ...describeError(error) });
    return { webhook, failure: "the bridge itself failed to read it; its log has a line webhook.broke" };
  }
}

/** What a provider's webhook says, as the mapping sees it. Throws a ParseError. */
export async function readProviderWebhook(
  reading: Pick<Reading, "parse">,
  mapping: Pick<MappingFacts, "provider" | "channel" | "address">,
  webhook: WebhookRequest,
): Promise<ProviderReading> {
  const { events, nonce } = await reading.parse(mapping.provider, webhook, mapping.address);
  return { events: events.map((event) => (event.kind === "message" ? asSeenBy(mapping, event) : event)), nonce };
}

/**
 * A text to another number than the mapping's shows that the wrong webhook URL stands at the provider. Not so an email:
 * mail reaches a mailbox by aliases, forwards and lists too.
 */
function asSeenBy(mapping: Pick<MappingFacts, "channel" | "address">, message: ProviderMessage): ProviderEvent {
  if (mapping.channel === "email") return emailSeenBy(mapping, message);
  const own = message.direction === "outbound" ? [message.from] : [...message.to, ...message.cc];
  if (own.includes(mapping.address)) return message;
  throw new ParseError(
    `the text was sent ${message.direction === "outbound" ? "from" : "to"} ${own.join(", ") || "nobody"}, and this ` +
      `mapping stands for ${mapping.address}: paste this webhook URL at that number only, and register a mapping for the other one`,
  );
}

/**
 * What comes from our own mailbox was written by a form that names the person, or is a copy of what the business wrote
 * elsewhere to somebody. Where it is neither there is nobody whose conversation it could belong into.
 */
function emailSeenBy(mapping: Pick<MappingFacts, "address">, message: ProviderMessage): ProviderEvent {
  if (message.direction === "outbound") return message;
  const person = personBehind(message, mapping.address);
  if (person) {
    const { address: from, name: fromName, spelling: fromSpelling } = person;
    const automatic = message.automatic === "auto_generated" ? undefined : message.automatic;
    return { ...message, from, fromName, fromSpelling, replyTo: undefined, automatic };
  }
  if (message.from !== mapping.address) return message;
  const copy: ProviderMessage = { ...message, direction: "outbound" };
  if (addressOfPerson(mapping, copy) !== undefined) return copy;
  return { kind: "ignored", reason: "an email from the mapping's own mailbox to itself, which names nobody else" };
}

/** Whose conversation a message belongs into: its sender, or the first receiver of what the business sent. */
export function addressOfPerson(mapping: Pick<MappingFacts, "address">, message: ProviderMessage): string | undefined {
  if (message.direction !== "outbound") return message.from;
  return [...message.to, ...message.cc].find((address) => address !== mapping.address);
}
