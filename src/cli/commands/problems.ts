import type { Command } from "commander";
import { z } from "zod";
import type { Query } from "../call-bridge.ts";
import { addFilters, type Options, readFilters, take, walk } from "../lists.ts";
import { plural, say, sayJson, showTime } from "../print.ts";
import type { Session } from "../session.ts";
import { adviceFor } from "./findings.ts";
import { location } from "./locations.ts";

export const deadDelivery = z.looseObject({
  id: z.number(),
  kind: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
  detail: z.string().nullable(),
  messageId: z.number().nullable(),
  mappingId: z.string().nullable(),
  locationId: z.string().nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});

export const failedWebhook = z.looseObject({
  id: z.number(),
  accountId: z.string().nullable(),
  state: z.string(),
  source: z.string().optional(),
  reason: z.string().nullable(),
  receivedAt: z.string(),
});

/** What went wrong in the same way at the same place. */
export interface Problem {
  /** Such as `post-inbound`, or `webhook`. */
  what: string;
  reason: string;
  /** A mapping, or where none is, an account or a location. */
  where: string;
  count: number;
  firstAt: string;
  lastAt: string;
  /** The newest one's id, and the other side's words. */
  example: number;
  detail: string | null;
  advice: string;
  /** The command that replays all of them. */
  replay: string;
}

export function addProblems(program: Command, session: Session): void {
  const command = program.command("problems").description("what was given up or not understood, by reason and mapping");
  addFilters(command, ["mapping", "location", "address"], true).action(async (options: Options) => {
    const found = await findProblems(session, readFilters(options));
    if (session.isJson()) return sayJson(session, found);
    for (const { id, paused } of found.pausedLocations) {
      say(session, `Location ${id} is paused: ${paused?.reason}${paused?.detail ? `: ${paused.detail}` : ""}`);
      say(session, `  bridge locations check ${id}`);
    }
    for (const problem of found.problems) sayProblem(session, problem);
    if (found.problems.length + found.pausedLocations.length === 0)
      return say(session, "Nothing is dead, failed or paused.");
    if (found.isCut) say(session, `Of the newest ${most} alone; --since, --mapping and --location narrow it.`);
  });
}

const most = 10_000;

async function findProblems(session: Session, query: Query) {
  const bridge = session.bridge();
  const deliveries = walk(bridge, "/admin/deliveries", deadDelivery, { ...query, state: "dead" });
  const webhooks = walk(bridge, "/admin/webhooks", failedWebhook, { ...query, state: "failed" });
  const dead = (await take(deliveries, most)).map(readDelivery);
  const failed = (await take(webhooks, most)).map(readWebhook);
  const paused = await take(walk(bridge, "/admin/locations", location, { paused: true }), most);
  const { locationId } = query;
  return {
    problems: group([...dead, ...failed]),
    pausedLocations: paused.filter(({ id }) => locationId === undefined || locationId === id),
    isCut: dead.length === most || failed.length === most,
  };
}

type One = Omit<Problem, "count" | "firstAt" | "lastAt"> & { at: string };

function readDelivery(dead: z.output<typeof deadDelivery>): One {
  const { id, kind, detail, reason, mappingId, locationId, createdAt, finishedAt } = dead;
  const [word, where] = [reason ?? "unknown", mappingId ?? locationId ?? "no location"];
  const place = mappingId === null ? `--location ${locationId}` : `--mapping ${mappingId}`;
  const replay = `bridge replay --kind ${kind} --reason ${word} ${place}`;
  return {
    what: kind,
    reason: word,
    where,
    at: finishedAt ?? createdAt,
    example: id,
    detail,
    advice: adviceFor(word),
    replay,
  };
}

function readWebhook({ id, reason, accountId, receivedAt }: z.output<typeof failedWebhook>): One {
  const words = reason ?? "unknown";
  // Whose number it was for is told by the example.
  const common = words.replace(/\S*(?:\d{4}|@)\S*/g, "…");
  const advice = /^no mapping for/.test(words) ? whenUnmapped : whenUnread;
  const where = accountId === null ? "the app" : `account ${accountId}`;
  return {
    what: "webhook",
    reason: common,
    where,
    at: receivedAt,
    example: id,
    detail: reason,
    advice,
    replay: `bridge replay --webhook ${id}`,
  };
}

const whenUnmapped = "bridge mappings add makes a mapping for it, and it is read again by itself.";
const whenUnread = "Correct what the reason names, or have a version that can read it, then replay it.";

/** The most frequent first; of each the newest, which comes first, is the example. */
function group(all: One[]): Problem[] {
  const groups = new Map<string, Problem>();
  for (const { at, ...one } of all) {
    const key = JSON.stringify([one.what, one.reason, one.where]);
    const known = groups.get(key);
    if (!known) groups.set(key, { ...one, count: 1, firstAt: at, lastAt: at });
    else Object.assign(known, { count: known.count + 1, firstAt: [known.firstAt, at].sort()[0] });
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

function sayProblem(
  session: Session,
  { what, reason, where, count, firstAt, lastAt, example, detail, advice, replay }: Problem,
): void {
  const times = count === 1 ? showTime(lastAt) : `${showTime(firstAt)} to ${showTime(lastAt)}`;
  say(session, `${plural(count, what === "webhook" ? "failed webhook" : `dead ${what}`)}, ${reason}, of ${where}`);
  say(session, `  ${times}, such as ${example}${detail ? `: ${detail}` : ""}`);
  say(session, `  ${advice}`);
  say(session, `  ${replay}`);
}
