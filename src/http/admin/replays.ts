import { z } from "zod";
import { findMessages, namesMessage, namesPerson } from "../../store/operate/find-messages.ts";
import { type Preview, previewDead } from "../../store/operate/mend/choose-dead.ts";
import { previewFailed } from "../../store/operate/mend/failed-webhooks.ts";
import {
  countOutcomes,
  countRunning,
  endReplay,
  findReplay,
  insertReplay,
  listReplays,
  whichDead,
  whichFailed,
} from "../../store/operate/mend/replays.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Replay, ReplayFilter } from "../../store/schema.ts";
import { showOutcomes } from "../answers/jobs/outcomes.ts";
import { replayListAnswer, replayPreviewAnswer, wholeReplayAnswer } from "../answers/jobs/replay.ts";
import { rowId } from "../answers/words.ts";
import { type Caller, requireKeyId, userIdOf, whoOf } from "../caller.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { operation, reply } from "../operations/operation.ts";
import { Problem } from "../problem.ts";
import { deadFields, showDelivery } from "./deliveries.ts";
import { readSearch, rowIdOf } from "./fields.ts";
import { accountOf, failedFields } from "./webhooks.ts";

interface ReplaysContext {
  db: Db;
  people: Db;
}

const how = {
  perSecond: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(5)
    .describe("How many a second go out again at most: what comes meanwhile, and HighLevel's limits, leave less."),
  dryRun: z.boolean().default(false),
};
const messageIds = z.array(rowId).min(1).max(200).optional().describe("Of these messages alone.");
const ofDeliveries = z.strictObject({ of: z.literal("deliveries"), ...deadFields, messageIds, ...how });
const ofWebhooks = z.strictObject({ of: z.literal("webhooks"), ...failedFields, ...how });
const params = { id: rowIdOf("replay") };
const tag = "Replays";
const by = "any key";

export const replayOperations = {
  createReplay: operation({
    ...{ method: "POST", path: "/admin/replays", tag, by },
    summary: "Has all that fits be done again, step by step; with `dryRun` it tells how many that would be.",
    description:
      "It goes on whatever becomes of a process, as far as the key reaches that made it, and until that key ends; one of a user inside HighLevel is of that location, as long as that is connected. One of the operator's goes on when ADMIN_API_KEY is changed: it is the operator's still, who stops it. What is of paused mappings it leaves as it is.",
    body: z.discriminatedUnion("of", [ofDeliveries, ofWebhooks], "must be named, deliveries or webhooks"),
    answers: { 200: replayPreviewAnswer, 201: wholeReplayAnswer },
    errors: { 409: "As many run as may at once." },
    async handle(context: ReplaysContext, { caller, body: { perSecond, dryRun, ...body } }) {
      const filter = await readFilter(context, caller, body);
      const { counted, sample } = await preview(context, caller, filter);
      if (dryRun) return reply(200, { dryRun, counted, sample });
      const owner = ownerOf(caller);
      await requireRoom(context, owner);
      const made = await insertReplay(context.db, { filter, perSecond, ...owner, counted });
      caller.ids["replayId"] = made.id;
      return reply(201, await showWhole(context, made));
    },
  }),

  listReplays: operation({
    ...{ method: "GET", path: "/admin/replays", tag, by },
    summary: "Lists replays, newest first; to a key those of keys that reach no further.",
    query: numberedPageQuery,
    answers: { 200: replayListAnswer },
    async handle({ people }: ReplaysContext, { caller, query: { limit, cursor } }) {
      const { rows, walkedTo } = await listReplays(people, { ...reachOf(caller), before: cursor, limit: limit + 1 });
      return reply(200, toPage(rows, { limit, keyOf: ({ id }) => id, show: showReplay, walkedTo }));
    },
  }),

  getReplay: operation({
    ...{ method: "GET", path: "/admin/replays/{id}", tag, by },
    summary: "Tells how far a replay is, and what became of what went out again.",
    params,
    answers: { 200: wholeReplayAnswer },
    async handle(context: ReplaysContext, { caller, params: { id } }) {
      return reply(200, await showWhole(context, await requireReplay(context, caller, id)));
    },
  }),

  stopReplay: operation({
    ...{ method: "POST", path: "/admin/replays/{id}/stop", tag, by },
    summary: "Stops a replay: what has gone out again stays so.",
    params,
    answers: { 200: wholeReplayAnswer },
    errors: { 409: "It has ended." },
    async handle(context: ReplaysContext, { caller, params: { id } }) {
      const { state } = await requireReplay(context, caller, id);
      if (!(await endReplay(context.db, id, { state: "stopped", reason: `by ${caller.who}` })))
        throw new Problem(409, `replay ${id} is ${state}: only one that runs can be stopped`);
      return reply(200, await showWhole(context, await requireReplay(context, caller, id)));
    },
  }),
};

/** One process does a step of one of them at a time. */
const most = { own: 5, all: 50 };

const ownerOf = (caller: Caller): Pick<Replay, "keyId" | "userId"> =>
  caller.isInside ? { keyId: null, userId: userIdOf(caller) } : { keyId: requireKeyId(caller, ""), userId: null };

async function requireRoom({ db }: ReplaysContext, owner: ReturnType<typeof ownerOf>): Promise<void> {
  const running = await countRunning(db, owner);
  if (running.own >= most.own)
    throw new Problem(409, `${running.own} replays of this key run: wait for one, or stop one, at /admin/replays`);
  if (running.all >= most.all) throw new Problem(409, `${running.all} replays run: begin this one later`);
}

type Asked =
  | Omit<z.output<typeof ofDeliveries>, "perSecond" | "dryRun">
  | Omit<z.output<typeof ofWebhooks>, "perSecond" | "dryRun">;

/** As it is kept: who is meant by an address is found now, and their messages stand for them. */
async function readFilter({ people }: ReplaysContext, caller: Caller, asked: Asked): Promise<ReplayFilter> {
  const { mappingId } = asked;
  // What a user of HighLevel may is told by the location alone, which the replay keeps.
  const locationId = caller.isInside ? caller.locationIds?.[0] : asked.locationId;
  if (mappingId !== undefined) caller.ids["mappingId"] = mappingId;
  if (locationId !== undefined) caller.ids["locationId"] = locationId;
  const times = { from: asked.from?.toISOString(), until: asked.until?.toISOString() };
  if (asked.of === "webhooks") {
    const { of, source, reason } = asked;
    return { of, source, reason, locationId, ...times, accountId: await accountOf(people, caller, asked) };
  }
  const { of, kind, reason, code } = asked;
  const search = await readSearch(people, caller, asked);
  const found = namesMessage(search) || namesPerson(search) ? await findMessages(people, search) : undefined;
  const ticked = asked.messageIds;
  const messageIds = found && ticked ? ticked.filter((id) => found.includes(id)) : (found ?? ticked);
  return { of, kind, reason, code, mappingId, locationId, messageIds, ...times };
}

async function preview({ people }: ReplaysContext, caller: Caller, filter: ReplayFilter) {
  if (filter.of === "webhooks") {
    const which = whichFailed(filter, caller);
    return countAll((after) => previewFailed(people, { ...which, after, limit: countedAtOnce }));
  }
  const which = whichDead(filter, caller);
  const { counted, sample } = await countAll((after) => previewDead(people, { ...which, after, limit: countedAtOnce }));
  return { counted, sample: sample.map(showDelivery) };
}

const [maxCounted, countedAtOnce, maxRounds] = [100_000, 10_000, 10];

async function countAll<Row>(read: (after: number | undefined) => Promise<Preview<Row>>) {
  const first = await read(undefined);
  let [counted, walkedTo] = [first.count, first.walkedTo];
  for (let round = 1; walkedTo !== undefined && counted < maxCounted && round < maxRounds; round++) {
    const next = await read(walkedTo);
    [counted, walkedTo] = [counted + next.count, next.walkedTo];
  }
  return { counted, sample: first.sample };
}

const reachOf = ({ who, locationIds }: Caller) => ({ ofKeys: who === "admin" ? undefined : { locationIds } });

async function requireReplay({ db }: ReplaysContext, caller: Caller, id: number): Promise<Replay> {
  caller.ids["replayId"] = id;
  const replay = await findReplay(db, id, reachOf(caller));
  if (!replay) throw new Problem(404, `there is no replay ${id}`);
  return replay;
}

function showReplay({ filter, keyId, userId, counted, replayed, after: _after, nextAt: _nextAt, ...shown }: Replay) {
  const { messageIds, ...named } = { messageIds: undefined, ...filter };
  const skipped = shown.state === "done" ? Math.max(0, counted - replayed) : null;
  return {
    ...{ ...shown, counted, replayed, skipped, who: whoOf(keyId, userId) },
    filter: messageIds === undefined ? named : { ...named, messages: messageIds.length },
  };
}

async function showWhole({ people }: ReplaysContext, replay: Replay) {
  const outcomes = replay.filter.of === "webhooks" ? null : showOutcomes(await countOutcomes(people, replay.id));
  return { ...showReplay(replay), outcomes };
}
