import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { z } from "zod";
import { addLimit, type Options, sayList } from "../lists.ts";
import { type Column, plural, say, sayJson, sayTable, showTime } from "../print.ts";
import { readWhole } from "../read-text.ts";
import type { Session } from "../session.ts";

const line = z.object({ line: z.number(), reason: z.string() });
const imported = z.looseObject({
  ...{ id: z.number(), mappingId: z.string(), state: z.string(), stage: z.string(), reason: z.string().nullable() },
  ...{ lines: z.number(), refused: z.number(), duplicates: z.number(), people: z.number(), knownPeople: z.number() },
  ...{ matchedPeople: z.number().default(0), newPeople: z.number().default(0) },
  ...{ begun: z.number(), createdAt: z.string(), notes: z.array(z.string()) },
  outcomes: z.looseObject({ pending: z.number(), delivered: z.number(), dead: z.number() }).optional(),
  firstRefused: z.array(line).default([]),
});
type Import = z.output<typeof imported>;

const columns: Column<Import>[] = [
  { head: "id", show: ({ id }) => id, isWhole: true },
  { head: "begun (UTC)", show: ({ createdAt }) => showTime(createdAt), isWhole: true },
  { head: "state", show: ({ state }) => state, isWhole: true },
  { head: "posted", show: ({ begun, lines }) => `${begun} of ${lines}`, isWhole: true },
  { head: "mapping", show: ({ mappingId }) => mappingId, isWhole: true },
  { head: "why", show: ({ reason }) => reason ?? "" },
];
const lineColumns: Column<z.output<typeof line>>[] = [
  { head: "line", show: ({ line: number }) => number, isWhole: true },
  { head: "why", show: ({ reason }) => reason },
];

interface How {
  mapping: string;
  perSecond?: string;
  from?: string;
  until?: string;
}

/** What was before, brought into HighLevel: each begins as a dry run, and asks before it goes on. */
export function addImports(program: Command, session: Session): void {
  const imports = program.command("imports").description("bring what was before into HighLevel, dated as it was");
  const tell = (answer: unknown) =>
    session.isJson() ? sayJson(session, answer) : sayImport(session, imported.parse(answer));
  const about = (command: Command) =>
    command
      .requiredOption("--mapping <id>", "whose number or mailbox it was")
      .option("--per-second <count>", "how many are begun in a second at most: 2 if nothing is said");
  about(imports.command("add <file>").description("a file of CSV or JSON lines; - for stdin")).action(
    async (file: string, { mapping: mappingId, perSecond }: How) => {
      const body = await readWhole(session, file);
      const query = { mappingId, perSecond, dryRun: true };
      tell(await goOn(session, await session.bridge().write("POST", "/admin/imports", { query, body })));
    },
  );
  about(imports.command("history").description("what the mapping's provider keeps, where it lists that"))
    .option("--from <time>", "such as 2024-01-01T00:00:00Z")
    .option("--until <time>")
    .action(async ({ mapping: mappingId, perSecond, ...times }: How) => {
      const rate = perSecond === undefined ? {} : { perSecond: Number(perSecond) };
      const body = { mappingId, ...rate, ...times, dryRun: true };
      tell(await session.bridge().write("POST", "/admin/imports/history", { body }));
      if (!session.isJson()) say(session, "It waits when all is read: bridge imports resume lets it go on.");
    });
  addLimit(imports.command("list").description("newest first")).action((options: Options) =>
    sayList(session, options, {
      ...{ path: "/admin/imports", item: imported, nothing: "Nothing was imported yet." },
      show: (items) => sayTable(session, columns, items),
    }),
  );
  addLimit(imports.command("refused <id>").description("the lines that were refused, and why")).action(
    (id: string, options: Options) =>
      sayList(session, options, {
        ...{ path: `${pathOf(id)}/refused`, item: line, nothing: "No line was refused." },
        show: (items) => sayTable(session, lineColumns, items),
      }),
  );
  const show = imports.command("show <id>").description("how far one is, and what became of what it has posted");
  show.action(async (id: string) => tell(await session.bridge().get(pathOf(id))));
  const changes = {
    pause: "begin nothing more of it",
    resume: "let it go on, also after a dry run",
    stop: "for good: what it has posted stays",
  };
  for (const [name, description] of Object.entries(changes))
    imports
      .command(`${name} <id>`)
      .description(description)
      .action(async (id: string) => tell(await session.bridge().write("POST", `${pathOf(id)}/${name}`)));
}

const pathOf = (id: string | number) => `/admin/imports/${encodeURIComponent(id)}`;

async function goOn(session: Session, tried: unknown): Promise<unknown> {
  const dry = await untilMatched(session, imported.parse(tried));
  const { id, lines, refused, duplicates, people, notes } = dry;
  const left = lines - refused - duplicates;
  for (const note of notes) session.io.complain(`${note}\n`);
  if (left === 0) return dry;
  const said = `${plural(left, "message")} of ${people} people (${describePeople(dry)}); ${refused} refused, ${duplicates} there already. Post them?`;
  session.io.complain(`Import ${id} waits: bridge imports stop ${id} ends it.\n`);
  await session.confirm(said);
  return session.bridge().write("POST", `${pathOf(id)}/resume`);
}

/** HighLevel is asked for one person after another: how far that is stands on stderr, and why it does not go on. */
async function untilMatched(session: Session, tried: Import): Promise<Import> {
  let [now, hindered] = [tried, 0];
  while (now.state === "running" && now.stage === "matching" && hindered < patience) {
    const why = now.reason === null ? "" : `; ${now.reason}`;
    session.io.complain(`Import ${now.id} asks HighLevel which people it knows: ${describePeople(now)}${why}\n`);
    await sleep(waitMs);
    now = imported.parse(await session.bridge().get(pathOf(now.id)));
    hindered = now.reason === null ? 0 : hindered + 1;
  }
  return now;
}

const waitMs = 1000;
/** So often in a row it may be hindered: what passes, such as live messages that go first, has passed by then. */
const patience = 15;

function describePeople({ people, knownPeople, matchedPeople, newPeople }: Import): string {
  const unasked = people - knownPeople - matchedPeople - newPeople;
  const known = `${knownPeople + matchedPeople} known, ${newPeople} new`;
  return unasked > 0 ? `${known}, ${unasked} not asked for` : known;
}

function sayImport(session: Session, { id, state, stage, reason, lines, begun, ...rest }: Import): void {
  const { refused, duplicates, outcomes, firstRefused } = rest;
  say(session, `Import ${id} is ${state}, ${stage}${reason === null ? "" : `: ${reason}`}.`);
  say(session, `  ${plural(lines, "line")}, ${refused} refused, ${duplicates} there already, ${begun} begun`);
  if (outcomes)
    say(session, `  by now ${outcomes.delivered} posted, ${outcomes.pending} waiting, ${outcomes.dead} given up`);
  for (const each of firstRefused.slice(0, 5)) say(session, `  line ${each.line}: ${each.reason}`);
  if (refused > 5) say(session, `  bridge imports refused ${id} has all of them`);
}
