import { type HighlevelEvent, type InstallEvent, readHighlevelEvent } from "../highlevel/webhook.ts";
import type { Log } from "../log.ts";
import { providersOf } from "../providers/registry.ts";
import { describeMapping, type MappingFacts } from "../registry/mappings.ts";
import { findMapping, findSendingMapping } from "../store/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import { eventDays } from "../store/retention.ts";
import type { Webhook } from "../store/schema.ts";
import { findKnownEvents, type WebhookOutcome } from "../store/webhooks.ts";
import { acceptOutbound, type Requested } from "./accept-outbound.ts";
import { type Read, readWebhook } from "./read-webhook.ts";

export interface HighlevelContext {
  tx: Db;
  log: Log;
  /** Keeps locations true; gives what it did, for the log. */
  applyInstall: (tx: Db, event: InstallEvent, at: Date | undefined) => Promise<string>;
}

/**
 * Takes in what HighLevel posted, to the delivery URL of one mapping or to that of the app, in the order given. An event
 * that was processed before is a duplicate, one that failed is not; so old that this could no longer be known, it is
 * refused. Gives what became of each webhook.
 */
export async function acceptHighlevel(
  context: HighlevelContext,
  mapping: MappingFacts | undefined,
  received: Webhook[],
): Promise<WebhookOutcome[]> {
  const { tx, log } = context;
  const read = await Promise.all(
    received.map((webhook) => readWebhook(log, webhook, () => readHighlevelEvent(webhook.body))),
  );
  const eventIds = read.flatMap((each) => ("said" in each ? (each.said.eventId ?? []) : []));
  const webhookIds = received.map((webhook) => webhook.id);
  const known = await findKnownEvents(tx, eventIds, webhookIds);
  const sendings = new Map<string, { sender: MappingFacts; requested: Requested[] }>();
  const outcomes: WebhookOutcome[] = [];
  for (const each of read) {
    const sorted = await sortOut(context, mapping, each, known);
    if ("sender" in sorted) {
      const sending = sendings.get(sorted.sender.id) ?? { sender: sorted.sender, requested: [] };
      sending.requested.push(sorted.requested);
      sendings.set(sorted.sender.id, sending);
    } else outcomes.push({ id: each.webhook.id, ...sorted });
    const isFailed = "state" in sorted && sorted.state === "failed";
    if ("said" in each && each.said.eventId !== undefined && !isFailed) known.add(each.said.eventId);
  }
  for (const { sender, requested } of sendings.values())
    outcomes.push(...(await acceptOutbound(tx, sender, requested)));

  const eventIdOf = new Map(read.map((each) => [each.webhook.id, "said" in each ? each.said.eventId : undefined]));
  return outcomes.map((outcome) => ({ ...outcome, eventId: eventIdOf.get(outcome.id) }));
}

type Outcome = Omit<WebhookOutcome, "id" | "eventId">;

/** What one event means: done with, or to be sent by a mapping. */
async function sortOut(
  context: HighlevelContext,
  mapping: MappingFacts | undefined,
  read: Read<HighlevelEvent>,
  known: Set<string>,
): Promise<Outcome | { sender: MappingFacts; requested: Requested }> {
  if ("failure" in read) return { state: "failed", reason: read.failure };
  const { webhook, said: event } = read;
  const refusal = refuseRepeated(event, webhook.receivedAt, known);
  if (refusal !== undefined) return { state: "ignored", reason: refusal };
  if (event.kind === "other") return { state: "ignored", reason: `event ${event.type} is not bridged` };
  if (event.kind === "install")
    return { state: "processed", reason: await context.applyInstall(context.tx, event.event, event.at) };
  const sender = mapping ?? (await findSender(context.tx, event));
  if (!sender) return { state: "failed", reason: noSender(event) };
  return { sender, requested: { webhookId: webhook.id, receivedAt: webhook.receivedAt, request: event.request } };
}

function refuseRepeated(event: HighlevelEvent, receivedAt: Date, known: Set<string>): string | undefined {
  if (event.eventId !== undefined && known.has(event.eventId))
    return "duplicate: an event with this webhookId is known";
  const ageMs = event.at ? receivedAt.getTime() - event.at.getTime() : 0;
  return ageMs > eventDays * 86_400_000
    ? `older than ${eventDays} days: not told from a repetition any more`
    : undefined;
}

type OutboundEvent = Extract<HighlevelEvent, { kind: "outbound" }>;

/** The mapping by which this person was written with last; else the location's default one of the channel. */
async function findSender(tx: Db, { request }: OutboundEvent): Promise<MappingFacts | undefined> {
  const { locationId, contactId } = request;
  const id = await findSendingMapping(tx, { locationId, contactId, providers: providersOf(channelOf(request)) });
  const row = id === undefined ? undefined : await findMapping(tx, id);
  return row && describeMapping(row);
}

/** An extra provider's call says `Custom` for texts and emails alike. */
function channelOf(request: OutboundEvent["request"]) {
  return request.type === "Email" || request.emailMessageId || request.emailTo.length > 0 ? "email" : "sms";
}

function noSender({ request }: OutboundEvent): string {
  return `location ${request.locationId} has no ${channelOf(request)} mapping that could send it: POST /admin/mappings, then replay`;
}
