import { and, eq, sql } from "drizzle-orm";
import { kindsToPeople } from "../../../model.ts";
import { wakeLanes } from "../../lanes/wake-lanes.ts";
import { isAnyOf } from "../../postgres/any-of.ts";
import type { Db } from "../../postgres/database.ts";
import { deliveries, messages } from "../../schema.ts";
import { chooseDead, type DeadFilter, nextAfter } from "./choose-dead.ts";

/**
 * Lets dead deliveries that match be attempted again, at the head of their lines, with all their attempts. One whose
 * last attempt may have been carried out is still looked for before it is repeated, unless that has been done and nobody
 * could tell: then a person has decided. A message that had failed is queued again. It counts as waiting from now on.
 *
 * The oldest ones first, in the order of their ids, so that two replays do not wait for each other. `walkedTo` says after
 * which one to go on where the limit was reached, or where it has looked at as many as it may.
 */
export async function replayDeliveries(
  tx: Db,
  { replayId, ...filter }: DeadFilter & { replayId?: number },
): Promise<{ replayed: number; walkedTo: number | undefined }> {
  const { chosen, end } = await chooseDead(tx, filter);
  const replayed = await tx
    .update(deliveries)
    .set({
      state: "pending",
      attempts: 0,
      firstAttemptedAt: null,
      retryAt: null,
      finishedAt: null,
      replayedAt: sql`now()`,
      replayId: replayId ?? null,
      isOutcomeUnknown: sql`${deliveries.isOutcomeUnknown} and ${deliveries.reason} <> 'unconfirmed'`,
    })
    .where(and(sql`${deliveries.id} = any(array(${chosen}))`, eq(deliveries.state, "dead")))
    .returning({
      id: deliveries.id,
      conversationId: deliveries.conversationId,
      kind: deliveries.kind,
      messageId: deliveries.messageId,
    });
  const sends = replayed.filter(({ kind }) => kindsToPeople.some((each) => each === kind));
  if (sends.length > 0) {
    const ids = sends.flatMap(({ messageId }) => messageId ?? []);
    const failed = and(isAnyOf(messages.id, ids), eq(messages.state, "failed"));
    await tx.update(messages).set({ state: "queued", error: null, recipients: null }).where(failed);
  }
  await wakeLanes(tx, replayed);
  const ids = replayed.map(({ id }) => id);
  return { replayed: ids.length, walkedTo: nextAfter(ids, filter.limit, end) };
}

/**
 * Has dead deliveries that match never be attempted again: they are no longer dead letters, and the content of their
 * messages goes after the retention time. The oldest ones first, as in a replay.
 */
export async function discardDeliveries(
  tx: Db,
  filter: DeadFilter,
  note: string,
): Promise<{ discarded: number; walkedTo: number | undefined }> {
  const { chosen, end } = await chooseDead(tx, filter);
  const discarded = await tx
    .update(deliveries)
    .set({ state: "discarded", note })
    .where(and(sql`${deliveries.id} = any(array(${chosen}))`, eq(deliveries.state, "dead")))
    .returning({ id: deliveries.id });
  const ids = discarded.map(({ id }) => id);
  return { discarded: ids.length, walkedTo: nextAfter(ids, filter.limit, end) };
}
