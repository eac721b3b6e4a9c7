import { Readable } from "node:stream";
import { z } from "zod";
import type { Live } from "../../observe/live/live.ts";
import { isTrouble, type Told } from "../../observe/live/occurrences.ts";
import type { Db } from "../../store/postgres/database.ts";
import { eventStreamAnswer } from "../answers/operator.ts";
import { direction } from "../answers/words.ts";
import { type Caller, reaches, renewCaller } from "../caller.ts";
import { operation, reply } from "../operations/operation.ts";
import { Problem } from "../problem.ts";
import { flag, text } from "./fields.ts";

export interface LiveContext {
  db: Db;
  live: Live;
}

const query = {
  locationId: text.optional(),
  mappingId: z.uuid().optional(),
  direction: direction.optional(),
  problems: flag
    .prefault("false")
    .describe("Only what was held, refused, not understood, given up, or is tried again."),
  seconds: z.coerce.number().positive().max(86_400).optional().describe("Ends it after so long."),
};
type Query = z.output<z.ZodObject<typeof query>>;

export const liveOperations = {
  watchLive: operation({
    method: "GET",
    path: "/admin/live",
    tag: "Messages",
    summary: "Tells what happens as it happens, as server-sent events, until the caller hangs up or the key ends.",
    by: "any key",
    query,
    answers: { 200: eventStreamAnswer },
    errors: { 429: "Too many watch, with this key or in all." },
    async handle(context: LiveContext, { caller, query: wanted }) {
      return reply(200, openStream(context, caller, wanted), streamHeaders);
    },
  }),
};

/** Proxies pass it on as it comes; and a process that ends does not wait for the connection to be of use again. */
const streamHeaders = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  "X-Accel-Buffering": "no",
  Connection: "close",
};

/** So often it is seen whether the key still opens anything; and proxies see that the connection is alive. */
const beatMs = 10_000;
/** Who does not read is hung up on, instead of being kept for. */
const maxWaitingBytes = 1_000_000;

function openStream({ db, live }: LiveContext, caller: Caller, wanted: Query): Readable {
  let reach = caller;
  const stream = new Readable({
    read() {},
    destroy(error, done) {
      end?.();
      clearInterval(beat);
      clearTimeout(over);
      done(error);
    },
  });
  const close = () => stream.push(null);
  const end = live.watch({
    who: caller.who,
    onTold(told, missed) {
      if (stream.readableLength > maxWaitingBytes) return void stream.destroy();
      const lines = linesOf({ told, missed }, reach, wanted);
      if (lines.length > 0) stream.push(lines);
    },
    onEnd: close,
  });
  if (!end) throw new Problem(429, "too many watch already, with this key or in all: close some of them");
  const beat = setInterval(async () => {
    const renewed = await renewCaller(db, reach).catch(() => reach);
    if (renewed && !stream.destroyed) stream.push(": nothing else\n\n");
    else close();
    reach = renewed ?? reach;
  }, beatMs).unref();
  const over = wanted.seconds === undefined ? undefined : setTimeout(close, wanted.seconds * 1000).unref();
  stream.push(": watching\n\n");
  return stream;
}

/** Twice in a second: nobody reads faster. Of what is wanted the rest is counted. */
const maxAtOnce = 50;
/** Of what was told last: many who watch alike are told by the same bytes. */
let last: { told: Told[]; texts: Map<string, Buffer> } | undefined;

function linesOf({ told, missed }: { told: Told[]; missed: number }, reach: Caller, wanted: Query): Buffer {
  if (last?.told !== told) last = { told, texts: new Map() };
  const { seconds: _seconds, ...filter } = wanted;
  const isHidden = reach.access === "metadata";
  const alike = JSON.stringify([reach.isToMapping, reach.locationIds, isHidden, filter]);
  const known = last.texts.get(alike);
  if (known !== undefined) return known;
  const seen = told.filter((each) => isSeenBy(reach, each) && isWanted(wanted, each));
  const lines = seen
    .slice(0, maxAtOnce)
    .map(({ item: { address, ...item } }) => `data: ${JSON.stringify(isHidden ? item : { ...item, address })}\n\n`);
  const more = missed + Math.max(0, seen.length - maxAtOnce);
  const isAllWanted = reach.locationIds === undefined && !Object.values(filter).some(Boolean);
  // What was missed nobody looked at: how much of it is of others, or not wanted, is not known, and not told.
  const count = missed > 0 && !isAllWanted ? "some" : more;
  const text = Buffer.from(lines.join("") + (more > 0 ? `event: missed\ndata: ${count}\n\n` : ""));
  last.texts.set(alike, text);
  return text;
}

/** What belongs to no location is the operator's, and an account's is seen by who reaches all of its locations. */
function isSeenBy(caller: Caller, { item, locationIds }: Told): boolean {
  if (caller.isToMapping && item.accountId === undefined && locationIds === undefined) return false;
  if (caller.locationIds === undefined) return true;
  return locationIds !== undefined && locationIds.length > 0 && locationIds.every((id) => reaches(caller, id));
}

function isWanted(wanted: Query, { item, locationIds }: Told): boolean {
  if (wanted.problems && !isTrouble(item.what)) return false;
  if (wanted.mappingId !== undefined && item.mappingId !== wanted.mappingId) return false;
  if (wanted.direction !== undefined && item.direction !== wanted.direction) return false;
  return wanted.locationId === undefined || (locationIds ?? []).includes(wanted.locationId);
}
