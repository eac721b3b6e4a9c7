import { and, eq } from "drizzle-orm";
import type { Db } from "../postgres/database.ts";
import { type Message, messages } from "../schema.ts";

/** Messages that integrators have HighLevel send. */

export async function findByIdempotencyKey(db: Db, idempotencyKey: string): Promise<Message | undefined> {
  const [message] = await db.select().from(messages).where(eq(messages.idempotencyKey, idempotencyKey));
  return message;
}

/** Lets one caller try a failed message again; `false` for all others. */
export async function requeueFailed(tx: Db, id: number): Promise<boolean> {
  const requeued = await tx
    .update(messages)
    .set({ state: "queued", error: null, sendAnswer: null })
    .where(and(eq(messages.id, id), eq(messages.state, "failed")))
    .returning({ id: messages.id });
  return requeued.length > 0;
}

/** How a send that somebody waits for has ended. */
export async function finishSend(
  db: Db,
  id: number,
  end: Partial<Pick<Message, "state" | "error" | "sendAnswer" | "highlevelMessageId" | "highlevelEmailMessageId">>,
): Promise<void> {
  await db.update(messages).set(end).where(eq(messages.id, id));
}
