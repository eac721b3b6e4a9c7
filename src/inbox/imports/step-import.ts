import type { Wake } from "../../model.ts";
import { describeMapping } from "../../registry/mappings.ts";
import { countCallsToday } from "../../store/budgets.ts";
import { countWaitingOf, isLiveWaiting, sortImportRows } from "../../store/imports/import-rows.ts";
import {
  changeImport,
  type ImportWork,
  lockDueImport,
  nextStepInSeconds,
  noteImportStep,
} from "../../store/imports/imports.ts";
import { findKeyById } from "../../store/keys.ts";
import { findMapping } from "../../store/mappings.ts";
import { stepDue } from "../../store/operate/mend/step-due.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Import, MappingRow } from "../../store/schema.ts";
import { listPausedLocations } from "../../store/trouble/paused-locations.ts";
import { endImport } from "./manage-imports.ts";
import { endDryRun, type MatchContext, matchPeople } from "./match-people.ts";
import { postRows } from "./post-rows.ts";
import { type HistoryContext, readHistory } from "./read-history.ts";

type DueImport = Import & { lateSeconds: number };

export interface ImportsContext extends HistoryContext, MatchContext {
  onWork: Wake;
  /** How many calls to HighLevel a location may make in a day. */
  perDay: number;
}

/**
 * So many seconds of it may wait at once, and never more than of so many people or so many messages: what is posted live has few
 * before it.
 */
const maxWaiting = { seconds: 4, people: 8, messages: 80 };
/** Between two steps, of a fast import and of a slow one. */
const pause = { minSeconds: 0.1, maxSeconds: 1, messages: 10 };
/** The longest that asking may take: for a page of a history with its files, or for some people. */
const askSeconds = 300;
/** What of a location's day is left to what is live. */
const partOfDay = 0.5;

/**
 * Does the next step of an import that is due, of the work of one kind: a provider that answers slowly keeps back nothing that is
 * here. Gives in how many seconds the next one will be due; undefined where none is to come. See `stepDue`.
 */
export async function stepImport(context: ImportsContext, work: ImportWork): Promise<number | undefined> {
  const { db } = context;
  const stepped = await stepDue(db, {
    lock: (tx) => lockDueImport(tx, work),
    step: (tx, due) => stepOf(tx, context, due),
    noteFailure: ({ id }, reason) => noteImportStep(db, id, { reason, inSeconds: 60 }),
  });
  if (!stepped) return nextStepInSeconds(db, work);
  const due = stepped.job;
  if (due.stage === "posting") context.onWork("deliveries");
  if (!stepped.done) return 0;
  if (due.stage === "matching") await matchPeople(context, due);
  else if (due.history) await readHistory(context, due, due.history);
  return 0;
}

/** Gives whether a provider or HighLevel is to be asked once this is committed: nobody waits for them, and no other process asks meanwhile. */
async function stepOf(tx: Db, context: ImportsContext, due: DueImport): Promise<boolean> {
  const { id, stage } = due;
  const mapping = await findMapping(tx, due.mappingId);
  const why = !mapping || mapping.deletedAt ? "its mapping was deleted or moved" : await whyEnded(tx, due, mapping);
  if (!mapping || why) {
    await endImport(tx, due, why ?? "");
    context.log("warn", "import.stopped", { importId: id, mappingId: due.mappingId, reason: why });
    return false;
  }
  const isForHighlevel = stage === "matching" || stage === "posting";
  const waits = isForHighlevel ? await whyWaits(tx, context, { stage, mapping }) : undefined;
  const isAsking = !waits && (stage === "matching" || stage === "reading");
  if (waits) await noteImportStep(tx, id, waits);
  else if (isAsking) await noteImportStep(tx, id, { inSeconds: askSeconds });
  else if (stage === "sorting") await sortImport(tx, due, mapping);
  else await postSome(tx, due, mapping);
  return isAsking;
}

async function postSome(tx: Db, due: DueImport, mapping: MappingRow): Promise<void> {
  const { perSecond } = due;
  const inSeconds = Math.min(pause.maxSeconds, Math.max(pause.minSeconds, pause.messages / perSecond));
  const most = Math.min(perSecond * maxWaiting.seconds, maxWaiting.messages);
  const waiting = await countWaitingOf(tx, due.id, most);
  // A step that comes late begins what was to begin meanwhile.
  const sinceLast = Math.min(1, inSeconds + due.lateSeconds);
  const limit = Math.min(Math.floor(perSecond * sinceLast), most - waiting.messages);
  const people = maxWaiting.people - waiting.people.length;
  const waits = "it waits: what it has begun is not posted yet";
  if (limit <= 0 || people <= 0) return noteImportStep(tx, due.id, { reason: waits, inSeconds });
  // Of who waits nothing more is begun: one whose messages are many, or do not get through, keeps back no other.
  const next = { importId: due.id, mapping: describeMapping(mapping), limit, people, besides: waiting.people };
  const { isLast, ...counts } = await postRows(tx, next);
  await noteImportStep(tx, due.id, { counts, reason: null, inSeconds });
  if (isLast && waiting.messages === 0) await changeImport(tx, due.id, { state: "done", reason: null });
}

/** Why nothing of it may go on by now. */
async function whyEnded(
  tx: Db,
  { keyId, stage, history }: Import,
  { locationId }: MappingRow,
): Promise<string | undefined> {
  if (stage === "reading" && !history) return "its file did not come whole: import it again";
  if (keyId === null) return undefined;
  const key = await findKeyById(tx, keyId);
  const isReached = key?.access === "write" && (key.locationIds?.includes(locationId) ?? true);
  return isReached ? undefined : "its key has ended, is for reading, or does not reach the location";
}

interface PossibleStep {
  stage: Import["stage"];
  mapping: MappingRow;
}

/** Where nothing would be posted nothing is begun. What is live goes first, and so does what comes in the rest of the day. */
async function whyWaits(tx: Db, { perDay }: ImportsContext, { stage, mapping }: PossibleStep) {
  const { locationId, pausedAt } = mapping;
  if (pausedAt && stage === "posting") return { reason: "it waits: its mapping is paused", inSeconds: 5 };
  const [paused] = await listPausedLocations(tx, 1, { locationIds: [locationId] });
  if (paused) return { reason: `it waits: its location is paused, as ${paused.pausedReason}`, inSeconds: 5 };
  if (await isLiveWaiting(tx, locationId)) return { reason: "it waits: what is live goes first", inSeconds: 1 };
  const isHalfUsed = (await countCallsToday(tx, locationId)) >= perDay * partOfDay;
  const reason = `it waits for the next day of UTC: half of HIGHLEVEL_REQUESTS_PER_DAY, ${perDay}, is used, and the rest is for what is live`;
  return isHalfUsed ? { reason, inSeconds: 60 } : undefined;
}

/** All of it is here: what is known is taken out. A dry run asks who the people are, where contacts may be made, and waits for somebody's word. */
export async function sortImport(tx: Db, sorted: Import, mapping: MappingRow): Promise<void> {
  const { id, isDryRun, state } = sorted;
  const { duplicates, ...people } = await sortImportRows(tx, { id }, mapping);
  const reason = state === "paused" ? sorted.reason : null;
  const isToMatch = isDryRun && mapping.unknownSender === "create" && people.people > people.knownPeople;
  const stage = isToMatch ? "matching" : "posting";
  await noteImportStep(tx, id, { stage, cursor: null, ...people, counts: { duplicates }, reason });
  if (isDryRun && !isToMatch) await endDryRun(tx, id, 0);
}
