import type { Command } from "commander";
import { z } from "zod";
import { wrongUse } from "../command-error.ts";
import { addFilters, addLimit, type Options, sayList } from "../lists.ts";
import { type Column, say, sayFields, sayJson, sayTable, showTime } from "../print.ts";
import type { Session } from "../session.ts";
import { checkResult, sayFindings } from "./findings.ts";

export const location = z.looseObject({
  id: z.string(),
  name: z.string().nullable(),
  auth: z.string().nullable(),
  companyId: z.string().nullable(),
  tokenExpiresAt: z.string().nullable(),
  paused: z.object({ reason: z.string(), until: z.string().nullable(), detail: z.string().nullable() }).nullable(),
  callsLeftToday: z.number().optional(),
});
const listedLocation = location.extend({
  waiting: z.object({ count: z.number(), isAll: z.boolean() }).optional(),
});
/** Of one that was asked for by itself. */
const wholeLocation = location.extend({
  waiting: z.object({ count: z.number(), oldestAt: z.string().nullable() }).optional(),
});

const columns: Column<z.output<typeof listedLocation>>[] = [
  { head: "id", show: ({ id }) => id, isWhole: true },
  { head: "name", show: ({ name }) => name },
  { head: "by", show: ({ auth }) => auth ?? "nothing" },
  { head: "token ends (UTC)", show: ({ tokenExpiresAt }) => showTime(tokenExpiresAt) },
  { head: "paused", show: ({ paused }) => paused?.reason },
  { head: "calls left today", show: ({ callsLeftToday }) => callsLeftToday },
  { head: "waiting", show: ({ waiting }) => waiting && `${waiting.count}${waiting.isAll ? "" : "+"}` },
];

const pathOf = (id: string) => `/admin/locations/${encodeURIComponent(id)}`;

export function addLocations(program: Command, session: Session): void {
  const locations = program.command("locations").description("HighLevel's sub-accounts");
  const list = addFilters(locations.command("list"), ["paused"]);
  addLimit(list.description("all that the key reaches")).action((options: Options) =>
    sayList(session, options, {
      path: "/admin/locations",
      item: listedLocation,
      nothing: options["paused"]
        ? "No location is paused."
        : "No location is connected. bridge locations reconnect <id>",
      show: (items) => sayTable(session, columns, items),
    }),
  );
  locations
    .command("show <id>")
    .description("one, and why it is paused")
    .action(async (id: string) => sayLocation(session, await session.bridge().get(pathOf(id))));
  locations
    .command("check <id>")
    .description("does HighLevel take its token, with the scopes that are needed? Exit code 1 where it does not")
    .action(async (id: string) => {
      const answer = await session.bridge().write("POST", `${pathOf(id)}/check`);
      const { state, checks } = checkResult.parse(answer);
      if (session.isJson()) sayJson(session, answer);
      else sayFindings(session, checks);
      if (state === "failure") session.foundWrong();
    });
  locations
    .command("resume <id>")
    .description("lift its pause; what is not mended pauses it again")
    .action(async (id: string) => sayLocation(session, await session.bridge().write("POST", `${pathOf(id)}/resume`)));
  locations
    .command("reconnect <id>")
    .description("connect it, or give it another token: typed, or by stdin")
    .option("--name <name>", "what people call it")
    .option("--company <id>", "by the token of this agency, which has installed the app")
    .action((id: string, options: { name?: string; company?: string }) => reconnect(session, id, options));
}

async function reconnect(session: Session, id: string, { name, company }: { name?: string; company?: string }) {
  const body = company === undefined ? { name, token: await readToken(session) } : { name, companyId: company };
  sayLocation(session, await session.bridge().write("PUT", pathOf(id), { body }));
}

async function readToken({ io, bridge }: Session): Promise<string> {
  const install = `${bridge().url}/oauth/install`;
  const question = `A location of the app is connected in a browser: ${install}\nElse its token: `;
  const token = (io.ask ? await io.ask(question, { isSecret: true }) : await io.readStdin()).trim();
  if (token === "") throw wrongUse("no token was given", `open ${install} in a browser`);
  return token;
}

function sayLocation(session: Session, answer: unknown): void {
  if (session.isJson()) return void sayJson(session, answer);
  const { id, name, auth, companyId, tokenExpiresAt, paused, callsLeftToday, waiting } = wholeLocation.parse(answer);
  sayFields(session, {
    ...{ id, name, "connected by": auth ?? "nothing: it has no token", agency: companyId },
    ...{ "token ends": showTime(tokenExpiresAt), paused: paused?.reason ?? "no" },
    ...{ waiting: waiting?.count, "calls left today": callsLeftToday },
    ...{ "paused until": showTime(paused?.until), because: paused?.detail },
  });
  if (!paused) return;
  say(session);
  say(
    session,
    "  bridge locations check <id>, and when it is mended bridge locations resume <id>".replaceAll("<id>", id),
  );
}
