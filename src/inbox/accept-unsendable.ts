import { type Happening, messageFailed } from "../events/owe-events.ts";
import type { OutboundRequest } from "../highlevel/webhook.ts";
import { reportInSeconds } from "../messages/message-state.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import { ensureContactConversation } from "../store/conversations.ts";
import type { NewDelivery } from "../store/deliveries.ts";
import { findLocation } from "../store/locations.ts";
import { insertMessages } from "../store/messages/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Webhook } from "../store/schema.ts";
import { failed, messageOf } from "./outbound-message.ts";
import type { Acceptance } from "./read-webhook.ts";

/** What HighLevel asks, and no mapping could send. */
export interface UnsendableRequest {
  /** Whose delivery URL was called, if any. */
  mapping: MappingFacts | undefined;
  webhook: Webhook;
  request: OutboundRequest;
  problem: string;
}

/**
 * Keeps such requests as failed webhooks, for an operator to cure and replay, and owes HighLevel the report that they have
 * failed: by the location that they name where it is connected, else by that of the mapping. Where neither is known, there
 * is nobody to report it by.
 */
export async function acceptUnsendable(
  { tx, visibleAfterSeconds }: { tx: Db; visibleAfterSeconds: number },
  refused: UnsendableRequest[],
): Promise<Acceptance> {
  const owed: NewDelivery[] = [];
  const happened: Happening[] = [];
  for (const { mapping, webhook, request, problem } of refused) {
    const named = request.locationId === undefined ? undefined : await findLocation(tx, request.locationId);
    const locationId = named?.id ?? mapping?.locationId;
    if (locationId === undefined) continue;
    const conversation = await ensureContactConversation(tx, locationId, request.contactId);
    const given = request.phone ?? request.emailTo[0];
    // Without a mapping no other key tells a repeated call.
    const idempotencyKey = `delivery call ${locationId} ${request.emailMessageId ?? request.messageId}`;
    const row = { ...messageOf(request, conversation, webhook), ...failed({ problem, given }), idempotencyKey };
    const [message] = await insertMessages(tx, [row]);
    if (!message) continue;
    const inSeconds = reportInSeconds(visibleAfterSeconds, webhook);
    const report = { kind: "report-status" as const, conversationId: conversation.id, locationId, inSeconds };
    owed.push({ ...report, messageId: message.id });
    happened.push(messageFailed(locationId, { id: message.id, error: row.error }));
  }
  const outcomes = refused.map(({ webhook: { id }, problem }) => ({ id, state: "failed" as const, reason: problem }));
  return { outcomes, owed, happened };
}
