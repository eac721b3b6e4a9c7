import { countAside } from "../messages/aside/set-aside.ts";
import type { CallAddition, Consent, ProviderEvent, ProviderMessage, Receipt } from "../model.ts";
import type { Reading } from "../providers/reading.ts";
import { findReceivers, type Receivers } from "../registry/find-receivers.ts";
import { type ConsentOf, changeConsents } from "../registry/opt-outs/change-consents.ts";
import type { Db } from "../store/postgres/database.ts";
import type { WebhookOutcome } from "../store/received-webhooks.ts";
import { foreignReceipt } from "../store/webhooks.ts";
import {
  type AccountEvent,
  acceptMessages,
  type EventOutcomes,
  type MappedEvent,
  type Reasons,
} from "./accept-messages.ts";
import { applyReceipts } from "./apply-receipts.ts";
import { consentOfPerson, inAllPlaces } from "./consent/consents.ts";
import { type AccountReading, countOnce, eventIdOf } from "./count-once.ts";
import { addToCalls } from "./parts/add-to-calls.ts";
import { isPart, joinParts } from "./parts/join-parts.ts";
import { isToFetch, oweFetches } from "./parts/owe-fetches.ts";
import {
  type Acceptance,
  type AccountWebhook,
  addressingOf,
  isSaid,
  type ReadContext,
  type RoutedEvent,
  readWebhook,
  type Said,
  seenBy,
  unmappedReason,
} from "./read-webhook.ts";

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
  const additions = await addToCalls(tx, routed.flatMap(additionsIn));
  const wishes = eventsOf(routed, isConsent).flatMap(withMapping);
  const wished = await Promise.all(
    wishes.map(async ({ mapping, event }) => {
      return [event, await inAllPlaces(tx, mapping, consentOfPerson(mapping, event))] as const;
    }),
  );
  const consents = new Map<ProviderEvent, ConsentOf[]>([...messages.consents, ...receipts.consents, ...wished]);
  // In the order in which it came: a STOP and a START may be of several kinds.
  const inOrder = routed.flatMap(({ events }) => events.flatMap(({ event }) => consents.get(event) ?? []));
  const { owed } = await changeConsents(tx, inOrder);
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
      else if (isForeignLeg(event)) events.push({ event: { kind: "ignored", reason: foreignLeg } });
      else unmapped ??= unmappedReason(addressingOf(event));
    }
    return { reading, events, unmapped };
  });
  return { routed, formerIdsOf };
}

/** It is of a call that is told of by itself. */
const isForeignLeg = (said: Said) => said.kind === "message" && said.call?.isLeg === true;
const foreignLeg = "a leg of another call, between two numbers of which none is mapped";

const contentOfReading = (reading: AccountReading) => ("content" in reading ? reading.content.events : []);

function eventsOf<Event extends ProviderEvent>(
  readings: RoutedReading[],
  isSought: (event: ProviderEvent) => event is Event,
): AccountEvent<Event>[] {
  return readings.flatMap(({ reading: { account, webhook }, events }) =>
    events.flatMap(({ event, ...rest }) => (isSought(event) ? { account, webhook, event, ...rest } : [])),
  );
}

/** A provider may tell of a call and of what was said in it at once. */
function additionsIn(routed: RoutedReading) {
  const told = contentOfReading(routed.reading).filter(isMessage);
  const calls = new Set(told.flatMap(({ call, providerMessageId }) => (call ? providerMessageId : [])));
  return eventsOf([routed], isAddition).map((each) => ({ ...each, isWithCall: calls.has(each.event.callId) }));
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
