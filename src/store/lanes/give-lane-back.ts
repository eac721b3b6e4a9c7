import { sql } from "drizzle-orm";
import { type Db, secondsFromNow } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";
import type { HeldLane } from "./held-lane.ts";

/**
 * What becomes of a lease: it stays as it is, goes on for so long, or the lane is given back. Then it is due at once when
 * its counter has grown meanwhile; else it is `idle` until something new comes, `due` because more is known to wait, or
 * due when its head may be tried again.
 */
export type LeaseChange = "kept" | { holdSeconds: number } | { giveBack: GiveBack };
type GiveBack = "idle" | "due" | { inSeconds: number };

/** Gives a lane back without an attempt. Gives in how many seconds it is due again; undefined where it is idle, or was lost. */
export async function giveLaneBack(db: Db, lane: HeldLane, giveBack: GiveBack): Promise<number | undefined> {
  const { conversationId, kind, leaseToken, counter } = lane;
  const dueIn = typeof giveBack === "object" ? giveBack.inSeconds : { idle: null, due: 0 }[giveBack];
  const [changed] = await endLease(db, { conversationId, kind, leaseToken, counter, dueIn });
  if (!changed) return undefined;
  return changed.isDue ? 0 : (dueIn ?? undefined);
}

const endLease = prepare<
  Pick<HeldLane, "conversationId" | "kind" | "leaseToken" | "counter"> & { dueIn: number | null },
  { isDue: boolean }
>(
  "end-lease",
  (value) => sql`
    update lanes
    set lease_token = null,
      due_at = case when counter <> ${value("counter")} then now() else ${secondsFromNow(value("dueIn"))} end
    where conversation_id = ${value("conversationId")} and kind = ${value("kind")}
      and lease_token = ${value("leaseToken")}
    returning coalesce(due_at <= now(), false) as "isDue"`,
);
