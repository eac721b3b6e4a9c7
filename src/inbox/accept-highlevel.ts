import { createHash } from "node:crypto";
import { normalizePerson } from "../formats/address.ts";
import { addressesOf } from "../formats/mailbox.ts";
import {
  type ContactEvent,
  chatTypes,
  type DndEvent,
  type HighlevelEvent,
  type InstallEvent,
  readHighlevelEvent,
} from "../highlevel/webhook.ts";
import type { SenderRule } from "../model.ts";
import { providersOf, providersSendingBy } from "../providers/registry.ts";
import { describeMapping, type MappingFacts } from "../registry/mappings.ts";
import { findMapping, findMappings } from "../store/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import { findKnownEvents, type WebhookOutcome } from "../store/received-webhooks.ts";
import { eventDays } from "../store/retention.ts";
import type { Webhook } from "../store/schema.ts";
import { acceptOutbound, type MappedRequest } from "./accept-outbound.ts";
import { acceptUnsendable, type UnsendableRequest } from "./accept-unsendable.ts";
import { applyDndUpdates, type DndUpdate } from "./consent/dnd-updates.ts";
import { chooseSender } from "./contacts/choose-sender.ts";
import { applyContactEvents, type ToldContact } from "./contacts/contact-events.ts";
import { serviceNamed } from "./outbound-message.ts";
import { type Acceptance, type ReadContext, readWebhook, type WebhookReading } from "./read-webhook.ts";

export interface HighlevelContext extends ReadContext {
  tx: Db;
  /** Keeps locations true; gives what it did, for the log. */
  applyInstall: (tx: Db, event: InstallEvent, at: Date | undefined) => Promise<string>;
  /** When HighLevel's status calls begin to know a message that it had us send. */
  visibleAfterSeconds: number;
}

/** What HighLevel posted: to the delivery URL of a mapping, or to that of the app. */
interface HighlevelWebhook {
  mapping: MappingFacts | undefined;
  webhook: Webhook;
}

/**
 * Takes in what HighLevel posted, in the order given. An event that was processed before is a duplicate, one that failed
 * is not; so old that this could no longer be known, it is refused.
 */
export async function acceptHighlevel(context: HighlevelContext, received: Webhook[]): Promise<Acceptance> {
  const { tx } = context;
  const readings = await Promise.all(
    (await withMappings(tx, received)).map(async ({ mapping, webhook }) => ({
      mapping,
      ...(await readWebhook(context, webhook, () => readHighlevelEvent(webhook.body, mapping !== undefined))),
    })),
  );
  const eventIds = new Map(readings.map((each) => [each.webhook.id, eventIdOf(each)]));
  const known = await findKnownEvents(
    tx,
    [...eventIds.values()].flatMap((id) => id ?? []),
    [...eventIds.keys()],
  );
  const requested: MappedRequest[] = [];
  const unsendable: UnsendableRequest[] = [];
  const dndUpdates: DndUpdate[] = [];
  const contacts: ToldContact[] = [];
  const outcomes: WebhookOutcome[] = [];
  for (const each of readings) {
    const { webhook } = each;
    const eventId = eventIds.get(webhook.id);
    const outcome = await judge(context, each, { eventId, known });
    if ("problem" in outcome) unsendable.push({ webhook, ...outcome });
    else if ("request" in outcome) requested.push({ webhook, ...outcome });
    else if ("dnd" in outcome) dndUpdates.push({ id: webhook.id, event: outcome.dnd });
    else if ("contact" in outcome) contacts.push({ id: webhook.id, event: outcome.contact });
    else outcomes.push({ id: webhook.id, ...outcome });
    const isFailed = "problem" in outcome || ("state" in outcome && outcome.state === "failed");
    if (eventId !== undefined && !isFailed) known.add(eventId);
  }
  const accepted = await acceptOutbound(context, requested);
  const refused = await acceptUnsendable(context, unsendable);
  const dnd = await applyDndUpdates(tx, dndUpdates);
  const told = await applyContactEvents(tx, contacts);
  const all = [...outcomes, ...told.outcomes, ...accepted.outcomes, ...refused.outcomes, ...dnd.outcomes];
  return {
    outcomes: all.map((each) => ({ ...each, eventId: eventIds.get(each.id) })),
    owed: [...accepted.owed, ...refused.owed, ...dnd.owed, ...told.owed],
    happened: [...accepted.happened, ...refused.happened],
  };
}

/** Each with the mapping whose delivery URL it was posted to. */
async function withMappings(tx: Db, received: Webhook[]): Promise<HighlevelWebhook[]> {
  const named = received.map((webhook) => ({ webhook, id: deliveryUrl.exec(webhook.url)?.[1]?.toLowerCase() }));
  const rows = await findMappings(tx, [...new Set(named.flatMap(({ id }) => id ?? []))]);
  const mappings = new Map(rows.map((row) => [row.id, describeMapping(row)]));
  return named.map(({ webhook, id }) => ({ webhook, mapping: mappings.get(id ?? "") }));
}

const deliveryUrl = /\/webhooks\/highlevel\/([\da-f-]{36})(?:$|[/?#])/i;

type Reading = WebhookReading<HighlevelEvent> & Pick<HighlevelWebhook, "mapping">;

/**
 * As HighLevel signs what it posts, the same bytes are the same event where it gives them no id. A location's id is among
 * them, so nobody's event is taken for another location's.
 */
function eventIdOf(reading: Reading): string | undefined {
  if (!("content" in reading)) return undefined;
  const { content, webhook } = reading;
  return content.eventId ?? `sha256:${createHash("sha256").update(webhook.body).digest("hex")}`;
}

type Outcome = Omit<WebhookOutcome, "id" | "eventId">;

/** What one event means: done with, or to be sent by a mapping. */
async function judge(
  context: HighlevelContext,
  reading: Reading,
  { eventId, known }: { eventId: string | undefined; known: Set<string> },
): Promise<
  | Outcome
  | Omit<MappedRequest, "webhook">
  | Omit<UnsendableRequest, "webhook">
  | { dnd: DndEvent }
  | { contact: ContactEvent }
> {
  if ("failure" in reading) return { state: "failed", reason: reading.failure };
  const { webhook, content: event } = reading;
  const refusal = refuseRepeated(event, eventId, webhook.receivedAt, known);
  if (refusal !== undefined) return { state: "ignored", reason: refusal };
  if (event.kind === "other") return { state: "ignored", reason: `event ${event.type} is not bridged` };
  if (event.kind === "install") {
    return { state: "processed", reason: await context.applyInstall(context.tx, event.event, event.at) };
  }
  if (event.kind === "dnd") return { dnd: event.event };
  if (event.kind === "contact") return { contact: event.event };
  const { request } = event;
  const about = { locationId: request.locationId, at: webhook.receivedAt };
  const sender: Sender | undefined = reading.mapping
    ? { mapping: await followMoves(context.tx, reading.mapping, about) }
    : await findSender(context.tx, event);
  const mapping = sender?.mapping;
  if (mapping?.isDeleted) return { mapping: undefined, request, problem: deletedMapping };
  if (!mapping) return { mapping, request, problem: noSender(event) };
  if (mapping.movedAt && mapping.movedAt < webhook.receivedAt)
    return { mapping: undefined, request, problem: movedMapping };
  const problem = foreignLocation(mapping, request);
  if (problem !== undefined) return { mapping, request, problem };
  return { mapping, request: { ...request, chosenBy: sender?.chosenBy } };
}

function refuseRepeated(
  event: HighlevelEvent,
  eventId: string | undefined,
  receivedAt: Date,
  known: Set<string>,
): string | undefined {
  if (eventId !== undefined && known.has(eventId)) {
    return `duplicate: an event with this ${event.eventId === undefined ? "content" : "webhookId"} is known`;
  }
  const ageMs = event.at ? receivedAt.getTime() - event.at.getTime() : 0;
  return ageMs > eventDays * 86_400_000
    ? `older than ${eventDays} days: not told from a repetition any more`
    : undefined;
}

type OutboundEvent = Extract<HighlevelEvent, { kind: "outbound" }>;

/** The one that sends where the call does not say which, and why it. */
async function findSender(tx: Db, { request }: OutboundEvent): Promise<Sender | undefined> {
  const { locationId, contactId, userId, phone, emailFrom, emailTo, type } = request;
  if (locationId === undefined) return undefined;
  const channel = channelOf(request);
  const address = channel === "sms" ? normalizePerson("sms", phone ?? "") : addressesOf(emailTo[0])[0];
  const [fromMailbox] = addressesOf(emailFrom);
  const about = { locationId, contactId, userId, address, fromMailbox, providers: providersOf(channel) };
  const chatType = chatTypes.includes(type) ? type : undefined;
  const isToNumber = ["SMS", "RCS"].includes(type) && phone !== undefined;
  const chosen = await chooseSender(tx, { ...about, chatType, service: wayOf(type), isToNumber });
  const row = chosen && (await findMapping(tx, chosen.id));
  return row && { mapping: describeMapping(row), chosenBy: chosen.rule };
}

/** Of WhatsApp and RCS, which not every number has. */
function wayOf(type: string) {
  const service = serviceNamed(type);
  return service && { type, providers: providersSendingBy(service) };
}

interface Sender {
  mapping: MappingFacts;
  chosenBy?: SenderRule;
}

/** An extra provider's call says `Custom` for texts and emails alike. */
function channelOf(request: OutboundEvent["request"]) {
  return request.type === "Email" || request.emailMessageId || request.emailTo.length > 0 ? "email" : "sms";
}

/**
 * The delivery URL stays that of the first: it may be the same in the location to which the mapping was moved, and is where
 * it was moved back to. Of several in the location it is the one that had the number then, else the last.
 */
async function followMoves(
  tx: Db,
  mapping: MappingFacts,
  about: { locationId: string | undefined; at: Date },
): Promise<MappingFacts> {
  const isThere = mapping.locationId === about.locationId;
  if (mapping.movedTo === null || (isThere && mapping.movedAt && mapping.movedAt >= about.at)) return mapping;
  const [next] = await findMappings(tx, [mapping.movedTo]);
  const last = next ? await followMoves(tx, describeMapping(next), about) : mapping;
  return isThere && last.locationId !== about.locationId ? mapping : last;
}

const movedMapping = "the number or mailbox was moved to another location: this one cannot send by it any more";
const deletedMapping =
  "the mapping was deleted, and its credentials with it: give the conversation provider another deliveryUrl";

/** It was stored before the door refused it. */
function foreignLocation({ locationId }: MappingFacts, request: OutboundEvent["request"]): string | undefined {
  return request.locationId === undefined || request.locationId === locationId
    ? undefined
    : `locationId: is ${request.locationId}, and this mapping is of location ${locationId}`;
}

function noSender({ request }: OutboundEvent): string {
  if (request.locationId === undefined)
    return "locationId: is missing, and nothing else tells which mapping is to send";
  const isNamed = chatTypes.includes(request.type) || serviceNamed(request.type) !== undefined;
  const kind = isNamed ? request.type : channelOf(request);
  return `location ${request.locationId} has no ${kind} mapping that could send it: add one, then replay`;
}
