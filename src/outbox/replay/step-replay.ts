import type { Queue } from "../../model.ts";
import { findKeyById } from "../../store/keys.ts";
import { findLocation } from "../../store/locations.ts";
import { previewDead } from "../../store/operate/mend/choose-dead.ts";
import { replayFailed } from "../../store/operate/mend/failed-webhooks.ts";
import { replayDeliveries } from "../../store/operate/mend/replay-deliveries.ts";
import {
  countUnprocessed,
  countWaiting,
  endReplay,
  lockDueReplay,
  noteFailedStep,
  noteStep,
  whichDead,
  whichFailed,
} from "../../store/operate/mend/replays.ts";
import { stepDue } from "../../store/operate/mend/step-due.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Replay } from "../../store/schema.ts";
import type { WebhookReach } from "../../store/webhooks.ts";
import type { ReplayContext } from "./replay.ts";

/** Does the next step of a replay that is due; `false` where none is. See `stepDue`. */
export async function stepReplay({ db, onWork }: ReplayContext): Promise<boolean> {
  const stepped = await stepDue(db, {
    lock: lockDueReplay,
    step: stepOf,
    noteFailure: ({ id }, reason) => noteFailedStep(db, id, reason),
  });
  for (const queue of stepped?.done ?? []) onWork(queue);
  return stepped !== undefined;
}

async function stepOf(tx: Db, replay: Replay): Promise<Queue[]> {
  const reach = await reachOf(tx, replay);
  if (!reach) {
    await endReplay(tx, replay.id, {
      state: "stopped",
      reason: "its key has ended, or is for reading; or its location is gone",
    });
    return [];
  }
  const { replayed, walkedTo, reason = null } = await replaySome(tx, replay, reach);
  await noteStep(tx, replay.id, { replayed, after: walkedTo ?? null, reason });
  if (walkedTo === undefined)
    await endReplay(tx, replay.id, { state: "done", reason: await whatIsLeft(tx, replay, reach) });
  return replay.filter.of === "webhooks" ? ["accounts", "app"] : ["deliveries"];
}

/** What its key reaches by now, or its user; undefined where that may replay nothing any more. */
async function reachOf(tx: Db, { keyId, userId, filter }: Replay): Promise<WebhookReach | undefined> {
  if (userId !== null) {
    const { locationId = "" } = filter;
    return (await findLocation(tx, locationId)) && { locationIds: [locationId], isToMapping: true };
  }
  if (keyId === null) return {};
  const key = await findKeyById(tx, keyId);
  return key?.access === "write" ? { locationIds: key.locationIds ?? undefined, isToMapping: true } : undefined;
}

/** So many seconds of it may wait at once: what comes meanwhile has few before it. */
const maxWaitingSeconds = 4;

interface Step {
  replayed: number;
  walkedTo: number | undefined;
  /** Why it did nothing. */
  reason?: string;
}

async function replaySome(
  tx: Db,
  { id, filter, perSecond, createdAt, after }: Replay,
  reach: WebhookReach,
): Promise<Step> {
  const before = justAfter(createdAt);
  const isWebhooks = filter.of === "webhooks";
  const most = perSecond * maxWaitingSeconds;
  const waiting = isWebhooks ? await countUnprocessed(tx, after ?? 0, most) : await countWaiting(tx, id, most);
  const limit = Math.min(perSecond, most - waiting);
  if (limit === 0) return { replayed: 0, walkedTo: after ?? 0, reason: "what it has had go out again goes first" };
  const from = { after: after ?? undefined, limit };
  if (isWebhooks) {
    const { until = before, ...which } = whichFailed(filter, reach);
    const { ids, walkedTo } = await replayFailed(tx, { ...which, ...from, until: until < before ? until : before });
    return { replayed: ids.length, walkedTo };
  }
  const which = { ...whichDead(filter, reach), deadBefore: before, ofPaused: "none" as const };
  return replayDeliveries(tx, { ...which, ...from, replayId: id });
}

/** What was given up since is not meant: it was replayed, perhaps, by this very one. */
const justAfter = (time: Date) => new Date(time.getTime() + 1);

/** Of paused mappings nothing goes out: it would all go at once when that is over, or keep everything else back until then. */
async function whatIsLeft(tx: Db, { filter, createdAt }: Replay, reach: WebhookReach): Promise<string | null> {
  if (filter.of === "webhooks") return null;
  const ofPaused = { ofPaused: "only" as const, deadBefore: justAfter(createdAt), limit: 1 };
  const { count } = await previewDead(tx, { ...whichDead(filter, reach), ...ofPaused });
  return count > 0 ? "what is of paused mappings was left as it is: replay it once they are resumed" : null;
}
