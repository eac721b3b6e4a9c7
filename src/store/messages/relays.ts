import { and, desc, eq, inArray } from "drizzle-orm";
import { isThere } from "../deliveries.ts";
import type { Db } from "../postgres/database.ts";
import { conversations, deliveries, type Message, mappings, messages } from "../schema.ts";

/** Messages that integrators have HighLevel send. */

export async function findByIdempotencyKey(db: Db, idempotencyKey: string): Promise<Message | undefined> {
  const [message] = await db.select().from(messages).where(eq(messages.idempotencyKey, idempotencyKey));
  return message;
}

/**
 * Lets one caller try a failed message again; `false` for all others. What was given up of it is discarded: replayed later, it
 * would be sent once more.
 */
export async function requeueFailed(tx: Db, id: number): Promise<boolean> {
  // As a replay does it, deliveries before messages.
  await tx
    .update(deliveries)
    .set({ state: "discarded", note: "asked for again under its Idempotency-Key" })
    .where(
      and(eq(deliveries.messageId, id), eq(deliveries.kind, "send-through-highlevel"), eq(deliveries.state, "dead")),
    );
  const requeued = await tx
    .update(messages)
    .set({ state: "queued", error: null, sendAnswer: null })
    .where(and(eq(messages.id, id), eq(messages.state, "failed")))
    .returning({ id: messages.id });
  return requeued.length > 0;
}

/** Is it in the queue? Else somebody waits, or waited, for it. */
export function isRelayQueued(tx: Db, messageId: number): Promise<boolean> {
  return isThere(tx, "send-through-highlevel", { messageId, states: ["pending"] });
}

/** How a send that somebody waits for has ended. */
export async function finishSend(
  db: Db,
  id: number,
  end: Partial<Pick<Message, "state" | "error" | "sendAnswer" | "highlevelMessageId" | "highlevelEmailMessageId">>,
): Promise<void> {
  await db.update(messages).set(end).where(eq(messages.id, id));
}

/**
 * The message as which a mapping of ours was made to carry one that HighLevel was asked to send; undefined where it went
 * another way, or HighLevel has not called yet.
 */
export async function findCarrying(db: Db, relay: Message): Promise<Message | undefined> {
  const requestedId = relay.highlevelEmailMessageId ?? relay.highlevelMessageId;
  if (requestedId === null) return undefined;
  const ofLocation = db
    .select({ id: mappings.id })
    .from(mappings)
    .innerJoin(conversations, eq(conversations.locationId, mappings.locationId))
    .where(eq(conversations.id, relay.conversationId));
  const [carrying] = await db
    .select()
    .from(messages)
    .where(and(inArray(messages.mappingId, ofLocation), eq(messages.requestedId, requestedId)))
    .orderBy(desc(messages.id))
    .limit(1);
  return carrying;
}
