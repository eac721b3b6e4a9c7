import type { Command } from "commander";
import { z } from "zod";
import { addFilters, addLimit, type Options, sayList } from "../lists.ts";
import { type Column, say, sayFields, sayJson, sayTable, showTime } from "../print.ts";
import type { Session } from "../session.ts";
import { addMappingChanges, mappingPath } from "./change-mappings.ts";
import { checkResult, sayFindings } from "./findings.ts";

export const mapping = z.looseObject({
  id: z.string(),
  accountId: z.string(),
  provider: z.string(),
  address: z.string(),
  locationId: z.string(),
  name: z.string().nullable(),
  webhookUrl: z.string(),
  deliveryUrl: z.string(),
  pausedAt: z.string().nullish(),
});
export type ShownMapping = z.output<typeof mapping>;

const shown = mapping.extend({
  refused: z
    .array(z.looseObject({ reason: z.string(), source: z.string(), count: z.number(), lastAt: z.string() }))
    .default([]),
  checks: checkResult.shape.checks.default([]),
});

const columns: Column<ShownMapping>[] = [
  { head: "id", show: ({ id }) => id, isWhole: true },
  { head: "provider", show: ({ provider }) => provider },
  { head: "address", show: ({ address }) => address },
  { head: "location", show: ({ locationId }) => locationId },
  { head: "paused since", show: ({ pausedAt }) => (pausedAt ? showTime(pausedAt) : "") },
];

export function addMappings(program: Command, session: Session): void {
  const mappings = program
    .command("mappings")
    .description("numbers and mailboxes, and the locations that they stand for");
  const list = addFilters(mappings.command("list"), ["location", "account", "address"]);
  addLimit(list.description("all that the key reaches")).action((options: Options) =>
    sayList(session, options, {
      path: "/admin/mappings",
      item: mapping,
      nothing: "No mapping is there. bridge mappings add --help",
      show: (items) => sayTable(session, columns, items),
    }),
  );
  mappings
    .command("show <id>")
    .description("one, its URLs, and what was refused at them")
    .action(async (id: string) => sayMapping(session, await session.bridge().get(mappingPath(id))));
  mappings
    .command("check <id>")
    .description("is it connected rightly on both sides? Exit code 1 where it is not")
    .action(async (id: string) => {
      const answer = await session.bridge().write("POST", `${mappingPath(id)}/check`);
      const { state, checks } = checkResult.parse(answer);
      if (session.isJson()) sayJson(session, answer);
      else sayFindings(session, checks);
      if (state === "failure") session.foundWrong();
    });
  addMappingChanges(mappings, session, sayMapping);
}

function sayMapping(session: Session, answer: unknown): void {
  if (session.isJson()) return void sayJson(session, answer);
  const { id, accountId, webhookUrl, deliveryUrl, refused, checks, ...fields } = shown.parse(answer);
  sayFields(session, {
    ...{ id, account: accountId, ...fields },
    ...{ "webhookUrl, to paste at the provider": webhookUrl, "deliveryUrl, for HighLevel's app": deliveryUrl },
  });
  if (refused.length + checks.length > 0) say(session);
  for (const { reason, source, count, lastAt } of refused)
    say(session, `refused from ${source}: ${reason}, ${count} times, the last at ${showTime(lastAt)}`);
  sayFindings(session, checks);
}
