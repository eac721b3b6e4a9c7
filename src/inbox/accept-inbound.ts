import type { Happening } from "../events/owe-events.ts";
import { believeTime } from "../formats/read-time.ts";
import { automaticFor } from "../messages/aside/kept-mail.ts";
import { type Aside, countAside, whyAside, whyHeld } from "../messages/aside/set-aside.ts";
import { admit, ignoredReason } from "../messages/aside/unknown-sender.ts";
import { contentOf } from "../messages/content.ts";
import { changedHabits } from "../messages/habits.ts";
import type { CallAddition, Consent, ProviderEvent, ProviderMessage, Receipt } from "../model.ts";
import type { Reading } from "../providers/reading.ts";
import { findReceivers, type Receivers } from "../registry/find-receivers.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import { type ConsentOf, changeConsents } from "../registry/opt-outs/change-consents.ts";
import { ensureConversations, keepHabits, keyOf, type Person } from "../store/conversations.ts";
import type { NewDelivery } from "../store/deliveries.ts";
import { insertMessages } from "../store/messages/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { WebhookOutcome } from "../store/received-webhooks.ts";
import type { Conversation, NewMessage, Webhook } from "../store/schema.ts";
import { foreignReceipt } from "../store/webhooks.ts";
import { applyReceipts } from "./apply-receipts.ts";
import { consentOfMessage, consentOfPerson, inAllPlaces } from "./consent/consents.ts";
import { type AccountReading, countOnce, eventIdOf } from "./count-once.ts";
import { addToCalls, readAdditionsAgain } from "./parts/add-to-calls.ts";
import { isPart, joinParts } from "./parts/join-parts.ts";
import { isToFetch, oweFetches } from "./parts/owe-fetches.ts";
import {
  type Acceptance,
  type AccountWebhook,
  addressingOf,
  addressOfPerson,
  isSaid,
  type ReadContext,
  type RoutedEvent,
  readWebhook,
  type Said,
  seenBy,
  unmappedReason,
} from "./read-webhook.ts";
import { findAnswers, findCopies } from "./recognize-ours.ts";
import { findRepeated, tellApart } from "./tell-apart.ts";

/**
 * Turns what providers posted, to whichever accounts, into messages and the deliveries that they make us owe, in the order
 * given, and applies the receipts that it holds. A message that is known already is passed over; one that is for no mapping
 * fails its webhook, which is processed again once there is one. The messages that receipts are about stay locked until the
 * transaction ends.
 */
export async function acceptInbound(
  context: ReadContext & { tx: Db; reading: Reading; visibleAfterSeconds: number },
  received: AccountWebhook[],
): Promise<Acceptance> {
  const { tx, reading } = context;
  const readings = await countOnce(
    tx,
    await Promise.all(
      received.map(async ({ account, webhook }) => ({
        account,
        ...(await readWebhook(context, webhook, () =>
          reading.parse(account.provider, webhook, account.soleAddress ?? undefined),
        )),
      })),
    ),
  );
  const { formerIdsOf, ...addressed } = await route(tx, readings);
  const routed = await joinParts(tx, addressed.routed);
  const receipts = await acceptReceipts(context, eventsOf(routed, isReceipt));
  const messages = await acceptMessages(tx, eventsOf(routed, isWhole).flatMap(withMapping), formerIdsOf);
  const fetches = await oweFetches(tx, eventsOf(routed, isToFetch).flatMap(withMapping));
  const additions = await addToCalls(tx, eventsOf(routed, isAddition));
  const wishes = eventsOf(routed, isConsent).flatMap(withMapping);
  const wished = await Promise.all(
    wishes.map(({ mapping, event }) => inAllPlaces(tx, mapping, [consentOfPerson(mapping, event)])),
  );
  const consents = [...messages.consents, ...wished.flat()];
  const { owed } = await changeConsents(tx, [...consents, ...receipts.consents]);
  const reasons = new Map([...messages.reasons, ...receipts.reasons, ...fetches.reasons, ...additions.reasons]);
  const outcomes = routed.map((each) => {
    const aside = countAside(each.events.map(({ event }) => messages.aside?.get(event)));
    const receipts = each.events.filter(({ event }) => isReceipt(event)).length;
    const unmapped = each.unmapped ?? each.events.flatMap(({ event }) => additions.failures.get(event) ?? [])[0];
    return { ...outcomeOf({ ...each, unmapped }, reasons), ...aside, ...(receipts > 0 ? { receipts } : {}) };
  });
  return {
    outcomes,
    owed: [...receipts.owed, ...messages.owed, ...fetches.owed, ...additions.owed, ...owed],
    happened: [...receipts.happened, ...messages.happened],
  };
}

interface RoutedReading {
  reading: AccountReading;
  events: RoutedEvent[];
  /** Why not all of it could be taken in. */
  unmapped: string | undefined;
}

/** Gives each message to the mappings that it is for. */
async function route(
  tx: Db,
  readings: AccountReading[],
): Promise<{ routed: RoutedReading[]; formerIdsOf: Receivers["formerIdsOf"] }> {
  const addressed = (reading: AccountReading, said: Said) => {
    return { account: reading.account, message: addressingOf(said), receivedAt: reading.webhook.receivedAt };
  };
  const { find, formerIdsOf } = await findReceivers(
    tx,
    readings.flatMap((each) =>
      contentOfReading(each)
        .filter(isSaid)
        .map((event) => addressed(each, event)),
    ),
  );
  const routed = readings.map((reading) => {
    const events: RoutedEvent[] = [];
    let unmapped: string | undefined;
    for (const event of contentOfReading(reading)) {
      const mappings = isSaid(event) ? find(addressed(reading, event)) : [];
      if (!isSaid(event)) events.push({ event });
      else if (mappings.length > 0) events.push(...seenBy(mappings, event));
      else unmapped ??= unmappedReason(addressingOf(event));
    }
    return { reading, events, unmapped };
  });
  return { routed, formerIdsOf };
}

const contentOfReading = (reading: AccountReading) => ("content" in reading ? reading.content.events : []);

/** Why an event was passed over, if it was. */
type Reasons = Map<ProviderEvent, string | undefined>;

interface EventOutcomes {
  reasons: Reasons;
  /** What was taken in and does not go to HighLevel. */
  aside?: Map<ProviderEvent, Aside>;
  owed: NewDelivery[];
  happened: Happening[];
  consents: ConsentOf[];
}

interface AccountEvent<Event extends ProviderEvent> extends AccountWebhook, RoutedEvent<Event> {}

type MappedEvent<Event extends ProviderEvent> = AccountEvent<Event> & { mapping: MappingFacts };

function eventsOf<Event extends ProviderEvent>(
  readings: RoutedReading[],
  isSought: (event: ProviderEvent) => event is Event,
): AccountEvent<Event>[] {
  return readings.flatMap(({ reading: { account, webhook }, events }) =>
    events.flatMap(({ event, ...rest }) => (isSought(event) ? { account, webhook, event, ...rest } : [])),
  );
}

const isMessage = (event: ProviderEvent): event is ProviderMessage => event.kind === "message";
const isWhole = (event: ProviderEvent): event is ProviderMessage =>
  isMessage(event) && !isPart(event) && !isToFetch(event);
const isConsent = (event: ProviderEvent): event is Consent => event.kind === "consent";
const isReceipt = (event: ProviderEvent): event is Receipt => event.kind === "receipt";
const isAddition = (event: ProviderEvent): event is CallAddition => event.kind === "addition";
const withMapping = <Event extends ProviderEvent>({ mapping, ...rest }: AccountEvent<Event>): MappedEvent<Event>[] =>
  mapping ? [{ mapping, ...rest }] : [];

/** Processed when anything in it was new; else ignored, and why. */
function outcomeOf({ reading, events, unmapped }: RoutedReading, reasons: Reasons): WebhookOutcome {
  const { id } = reading.webhook;
  if ("failure" in reading) return { id, state: "failed", reason: reading.failure };
  const eventId = eventIdOf(reading);
  if (unmapped !== undefined) return { id, state: "failed", reason: unmapped, eventId };
  const why = events.map(({ event }) => (event.kind === "ignored" ? event.reason : reasons.get(event)));
  if (why.includes(undefined)) return { id, state: "processed", reason: undefined, eventId };
  return { id, state: "ignored", reason: [...new Set(why)].join("; ") || "the webhook holds no events", eventId };
}

async function acceptReceipts(
  context: { tx: Db; visibleAfterSeconds: number },
  received: AccountEvent<Receipt>[],
): Promise<EventOutcomes> {
  const receipts = received.map(({ account, event }) => ({ account, receipt: event }));
  const { known, ...applied } = await applyReceipts(context, receipts);
  const reasons: Reasons = new Map(
    receipts.map(({ receipt }) => [receipt, known.has(receipt) ? undefined : foreignReceipt]),
  );
  return { reasons, ...applied };
}

/** Stores the messages that are new, and owes HighLevel each of them. */
async function acceptMessages(
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
  const consents: ConsentOf[] = [];
  for (const { mapping, webhook, event, person } of addressed) {
    const conversation = person && conversations.get(keyOf(person));
    if (isOurs.has(event)) reasons.set(event, "a copy of an email that this bridge has sent");
    else if (isRepeated.has(event)) reasons.set(event, "duplicate: it came before the mapping stood for this address");
    else if (!conversation || admit(mapping, conversation) === "ignored") {
      reasons.set(event, ignoredReason);
      consents.push(...(await inAllPlaces(tx, mapping, consentOfMessage(mapping, event))));
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
    consents.push(...(await inAllPlaces(tx, each.mapping, said)));
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
