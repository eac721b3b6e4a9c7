import type { Command } from "commander";
import { z } from "zod";
import type { Query } from "../call-bridge.ts";
import { addFilters, type Options, readFilters, take, walk } from "../lists.ts";
import { plural, say, sayJson, showTime } from "../print.ts";
import type { Session } from "../session.ts";
import { location } from "./locations.ts";

/** What went wrong in the same way at the same place. */
const problem = z.looseObject({
  of: z.string(),
  reason: z.string().nullable(),
  detail: z.string().nullable(),
  advice: z.string(),
  count: z.number(),
  firstAt: z.string(),
  lastAt: z.string(),
  example: z.looseObject({ id: z.number() }),
  filter: z.looseObject({
    kind: z.string().optional(),
    reason: z.string().optional(),
    code: z.string().optional(),
    mappingId: z.string().optional(),
    locationId: z.string().optional(),
    source: z.string().optional(),
    accountId: z.string().optional(),
  }),
});
type Problem = z.output<typeof problem>;
const found = z.looseObject({ items: z.array(problem), isAll: z.boolean() });

export function addProblems(program: Command, session: Session): void {
  const command = program.command("problems").description("what was given up or not understood, by reason and mapping");
  addFilters(command, ["mapping", "location", "address"], true).action(async (options: Options) => {
    const query = readFilters(options);
    const { items, isAll, ...rest } = found.parse(await session.bridge().get("/admin/problems", query));
    const pausedLocations = await findPaused(session, query);
    if (session.isJson()) return sayJson(session, { ...rest, items, isAll, pausedLocations });
    for (const { id, paused } of pausedLocations) {
      say(session, `Location ${id} is paused: ${paused?.reason}${paused?.detail ? `: ${paused.detail}` : ""}`);
      say(session, `  bridge locations check ${id}`);
    }
    for (const each of items) sayProblem(session, each);
    if (isAll && items.length + pausedLocations.length === 0) return say(session, "Nothing is dead, failed or paused.");
    if (!isAll)
      say(session, "There are older ones, which are not counted; --until, --mapping and --location narrow it.");
  });
}

const maxPaused = 10_000;

async function findPaused(session: Session, { locationId }: Query) {
  const paused = await take(walk(session.bridge(), "/admin/locations", location, { paused: true }), maxPaused);
  return paused.filter(({ id }) => locationId === undefined || locationId === id);
}

function sayProblem(
  session: Session,
  { of, reason, count, firstAt, lastAt, example, detail, advice, filter }: Problem,
): void {
  const { kind, code = "none", mappingId, locationId, accountId } = filter;
  const isWebhook = of === "webhooks";
  const app = accountId === undefined ? "the app" : `account ${accountId}`;
  const place = isWebhook ? app : (mappingId ?? `location ${locationId}`);
  const why = `${reason ?? "unknown"}${code === "none" ? "" : ` (${code})`}`;
  const times = count === 1 ? showTime(lastAt) : `${showTime(firstAt)} to ${showTime(lastAt)}`;
  say(session, `${plural(count, isWebhook ? "failed webhook" : `dead ${kind}`)}, ${why}, of ${place}`);
  say(session, `  ${times}, such as ${example.id}${detail ? `: ${detail}` : ""}`);
  say(session, `  ${advice}`);
  say(session, `  ${replayCommand(filter)}`);
}

/** The command that replays all of them. */
function replayCommand({ source, ...filter }: Problem["filter"]): string {
  const options = Object.entries({
    webhooks: source,
    kind: filter.kind,
    reason: filter.reason,
    code: filter.code === "none" ? undefined : filter.code,
    mapping: filter.mappingId,
    location: filter.locationId,
    account: filter.accountId,
  });
  const given = options.flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${quote(value)}`]));
  return ["bridge replay", ...given].join(" ");
}

/** As a shell takes it. */
const quote = (value: string) => (/^[\w.-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`);
