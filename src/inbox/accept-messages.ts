import type { Happening } from "../events/owe-events.ts";
import { believeTime } from "../formats/read-time.ts";
import { automaticFor } from "../messages/aside/kept-mail.ts";
import { type Aside, whyAside, whyHeld } from "../messages/aside/set-aside.ts";
import { admit, ignoredReason } from "../messages/aside/unknown-sender.ts";
import { contentOf } from "../messages/content.ts";
import { changedHabits } from "../messages/habits.ts";
import type { ProviderEvent, ProviderMessage } from "../model.ts";
import type { Receivers } from "../registry/find-receivers.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import type { ConsentOf } from "../registry/opt-outs/change-consents.ts";
import { ensureConversations, keepHabits, keyOf, type Person } from "../store/conversations.ts";
import type { NewDelivery } from "../store/deliveries.ts";
import { insertMessages } from "../store/messages/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, NewMessage, Webhook } from "../store/schema.ts";
import { consentOfMessage, inAllPlaces } from "./consent/consents.ts";
import { readAdditionsAgain } from "./parts/add-to-calls.ts";
import { type AccountWebhook, addressOfPerson, type RoutedEvent } from "./read-webhook.ts";
import { findAnswers, findCopies } from "./recognize-ours.ts";
import { findRepeated, tellApart } from "./tell-apart.ts";

/** Why an event was passed over, if it was. */
export type Reasons = Map<ProviderEvent, string | undefined>;

export interface EventOutcomes {
  reasons: Reasons;
  /** What was taken in and does not go to HighLevel. */
  aside?: Map<ProviderEvent, Aside>;
  owed: NewDelivery[];
  happened: Happening[];
  consents: Consents;
}

/** What events say of who may be written to. */
export type Consents = Map<ProviderEvent, ConsentOf[]>;

export interface AccountEvent<Event extends ProviderEvent> extends AccountWebhook, RoutedEvent<Event> {}

export type MappedEvent<Event extends ProviderEvent> = AccountEvent<Event> & { mapping: MappingFacts };

/** Stores the messages that are new, and owes HighLevel each of them. */
export async function acceptMessages(
  tx: Db,
  received: MappedEvent<ProviderMessage>[],
  formerIdsOf: Receivers["formerIdsOf"],
): Promise<EventOutcomes> {
  const addressed = received.map((each) => ({ ...each, person: personOf(each) }));
  const conversations = await ensureConversations(
    tx,
    addressed.flatMap(({ person }) => person ?? []),
  );
  const isOurs = await findCopies(tx, received);
  const answersOurs = await findAnswers(tx, received);
  const identities = await tellApart(tx, received);
  const isRepeated = await findRepeated(tx, received, identities, formerIdsOf);

  const reasons: Reasons = new Map();
  const accepted: AcceptedMessage[] = [];
  const consents: Consents = new Map();
  for (const { mapping, webhook, event, person } of addressed) {
    const conversation = person && conversations.get(keyOf(person));
    if (isOurs.has(event)) reasons.set(event, "a copy of an email that this bridge has sent");
    else if (isRepeated.has(event)) reasons.set(event, "duplicate: it came before the mapping stood for this address");
    else if (!conversation || admit(mapping, conversation) === "ignored") {
      reasons.set(event, ignoredReason);
      consents.set(event, await inAllPlaces(tx, mapping, consentOfMessage(mapping, event)));
    } else {
      reasons.set(event, "duplicate: a message with this providerMessageId is known");
      const automatic = automaticFor(mapping, event, answersOurs.has(event));
      const row = { ...newMessage(mapping, conversation, webhook, { ...event, automatic }), ...identities.get(event) };
      accepted.push({ row, mapping, conversation, event });
    }
  }
  const stored = await storeMessages(tx, accepted);
  const aside: EventOutcomes["aside"] = new Map();
  for (const [each, messageId] of stored) {
    reasons.set(each.event, undefined);
    const said = consentOfMessage(each.mapping, each.event, messageId);
    consents.set(each.event, await inAllPlaces(tx, each.mapping, said));
    const why = whyAside(each.mapping, each.conversation, each.row);
    if (why) aside.set(each.event, why);
  }
  await keepHabits(tx, changedHabits([...stored.keys()]));
  await readAdditionsAgain(tx, [...stored.keys()]);
  return {
    reasons,
    aside,
    owed: [...stored].flatMap(([each, messageId]) => deliveryOf(each, messageId)),
    happened: [...stored].flatMap(([each, messageId]) => happeningsOf(each, messageId)),
    consents,
  };
}

interface AcceptedMessage {
  mapping: MappingFacts;
  conversation: Conversation;
  event: ProviderMessage;
  row: NewMessage;
}

/** Those that are new, with their ids; of the same message twice in one batch the first is the new one. */
async function storeMessages(tx: Db, accepted: AcceptedMessage[]): Promise<Map<AcceptedMessage, number>> {
  const rows = accepted.map(({ row }) => row);
  const keyOfMessage = ({
    conversationId,
    providerMessageId,
  }: Pick<NewMessage, "conversationId" | "providerMessageId">) => `${conversationId} ${providerMessageId}`;
  const newIds = new Map((await insertMessages(tx, rows)).map((message) => [keyOfMessage(message), message.id]));
  const stored = new Map<AcceptedMessage, number>();
  for (const each of accepted) {
    const key = keyOfMessage(each.row);
    const messageId = newIds.get(key);
    if (messageId !== undefined) stored.set(each, messageId);
    newIds.delete(key);
  }
  return stored;
}

/** None for what a machine wrote, and a dead one for what somebody has to look at first. */
function deliveryOf({ mapping, conversation, row }: AcceptedMessage, messageId: number): NewDelivery[] {
  const why = whyAside(mapping, conversation, row);
  if (why && why !== "held") return [];
  const dead = why && whyHeld(mapping, conversation, row);
  const { locationId } = mapping;
  return [{ kind: "post-inbound", conversationId: conversation.id, locationId, messageId, dead }];
}

/** What the business sent elsewhere has not been received; what is held is dead until somebody says who it is from. */
function happeningsOf({ mapping, conversation, row }: AcceptedMessage, messageId: number): Happening[] {
  const { locationId } = mapping;
  if (row.direction !== "inbound") return [];
  const received: Happening = { type: "message.received", locationId, messageId };
  const held = whyAside(mapping, conversation, row) === "held" && whyHeld(mapping, conversation, row);
  if (!held) return [received];
  const delivery = { kind: "post-inbound", ...held };
  return [received, { type: "delivery.dead", locationId, messageId, data: { delivery } }];
}

function personOf({ mapping, event }: MappedEvent<ProviderMessage>): Person | undefined {
  const address = addressOfPerson(mapping, event);
  const { id: mappingId, locationId, unknownSender } = mapping;
  return address === undefined
    ? undefined
    : { mappingId, locationId, address, onlyIfKnown: unknownSender === "ignore" };
}

function newMessage(
  mapping: MappingFacts,
  conversation: Conversation,
  webhook: Webhook,
  message: ProviderMessage,
): NewMessage {
  const { direction = "inbound" } = message;
  return {
    mappingId: mapping.id,
    conversationId: conversation.id,
    webhookId: webhook.id,
    direction,
    state: direction === "inbound" ? "received" : "sent",
    providerMessageId: message.providerMessageId,
    rfcMessageId: message.rfcMessageId ?? null,
    automatic: message.automatic ?? null,
    content: contentOf(message),
    sentAt: believeTime(message.sentAt, webhook.receivedAt) ?? null,
    receivedAt: webhook.receivedAt,
  };
}
