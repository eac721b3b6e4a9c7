import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { z } from "zod";
import { addLimit, type Options, sayList } from "../lists.ts";
import { type Column, plural, say, sayJson, sayTable, showTime } from "../print.ts";
import type { Session } from "../session.ts";

export const replay = z.looseObject({
  id: z.number(),
  filter: z.looseObject({}),
  state: z.string(),
  reason: z.string().nullable(),
  counted: z.number(),
  replayed: z.number(),
  skipped: z.number().nullable(),
  createdAt: z.string(),
  outcomes: z
    .looseObject({ pending: z.number(), delivered: z.number(), dead: z.number(), discarded: z.number() })
    .nullish(),
});
type Replay = z.output<typeof replay>;

const columns: Column<Replay>[] = [
  { head: "id", show: ({ id }) => id, isWhole: true },
  { head: "begun (UTC)", show: ({ createdAt }) => showTime(createdAt), isWhole: true },
  { head: "state", show: ({ state }) => state, isWhole: true },
  { head: "replayed", show: ({ replayed, counted }) => `${replayed} of ${counted}`, isWhole: true },
  { head: "of", show: ({ filter }) => Object.values(filter).join(" ") },
];

export function addReplays(program: Command, session: Session): void {
  const replays = program.command("replays").description("what is done again of what was given up, step by step");
  addLimit(replays.command("list").description("newest first")).action((options: Options) =>
    sayList(session, options, {
      ...{ path: "/admin/replays", item: replay, nothing: "Nothing was replayed yet." },
      show: (items) => sayTable(session, columns, items),
    }),
  );
  const tell = (answer: unknown) =>
    session.isJson() ? sayJson(session, answer) : sayReplay(session, replay.parse(answer));
  replays
    .command("show <id>")
    .description("how far one is, and what became of what went out again")
    .action(async (id: string) => tell(await session.bridge().get(pathOf(id))));
  replays
    .command("stop <id>")
    .description("what has gone out again stays so")
    .action(async (id: string) => tell(await session.bridge().write("POST", `${pathOf(id)}/stop`)));
}

const pathOf = (id: string | number) => `/admin/replays/${encodeURIComponent(id)}`;

const pollMs = 500;

/** Until it has ended. It goes on by itself where nobody follows it. */
export async function followReplay(session: Session, id: number): Promise<{ answer: unknown; ended: Replay }> {
  session.io.complain(`Replay ${id} begins. Ctrl+C leaves it alone; bridge replays stop ${id} stops it.\n`);
  for (let said = 0; ; ) {
    const answer = await session.bridge().get(pathOf(id));
    const { state, replayed, counted, ...rest } = replay.parse(answer);
    if (state !== "running") return { answer, ended: { state, replayed, counted, ...rest } };
    if (replayed > said) session.io.complain(`${replayed} of ${counted}\n`);
    said = replayed;
    await sleep(pollMs, undefined, { signal: session.io.signal });
  }
}

export function sayReplay(session: Session, { id, state, reason, counted, replayed, skipped, outcomes }: Replay): void {
  say(
    session,
    `Replay ${id} is ${state}${reason === null ? "" : `, ${reason}`}: ${replayed} of ${counted} on the way again.`,
  );
  if (skipped) say(session, `  ${plural(skipped, "other")} had been replayed or discarded before`);
  if (outcomes) {
    const { delivered, pending, dead, discarded } = outcomes;
    say(session, `  by now ${delivered} delivered, ${pending} waiting, ${dead} dead again, ${discarded} discarded`);
  }
  say(session, outcomes ? `  bridge replays show ${id}` : "  bridge problems shows what comes back");
}
