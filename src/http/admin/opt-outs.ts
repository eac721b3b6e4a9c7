import { z } from "zod";
import { jsonLimits } from "../../formats/bearable-json.ts";
import { consentCauses, type OptOutChannel, optOutChannels, type Wake } from "../../model.ts";
import { describeOptOut } from "../../registry/opt-outs/describe-opt-out.ts";
import {
  enterOptOut,
  type ImportedOptOut,
  importOptOuts,
  liftOptOut,
  readPerson,
} from "../../registry/opt-outs/enter-opt-outs.ts";
import { requireLocation } from "../../registry/register-account.ts";
import { findOptOutById, listOptOuts, type OptOutFilter } from "../../store/consent/opt-outs.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { OptOut } from "../../store/schema.ts";
import { pageOf } from "../answers/page.ts";
import { csvOfPeopleAnswer, importedOptOutsAnswer, shownOptOutAnswer } from "../answers/people.ts";
import { type Caller, requireReach } from "../caller.ts";
import { fromCell, parseRecords } from "../csv.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { operation, reply } from "../operations/operation.ts";
import { Problem, parseInput, parseQuery } from "../problem.ts";
import { address, csvField, flag, optionalNote, readSearch, rowIdOf, text } from "./fields.ts";
import { optOutLines } from "./opt-out-lines.ts";

export interface OptOutsContext {
  db: Db;
  people: Db;
  onWork: Wake;
}

const maxRows = 10_000;
/** JSON of more in one list is refused before it is read. */
const maxValues = jsonLimits.valuesOfOneList;
const channel = z.enum(optOutChannels, `must be one of ${optOutChannels.join(", ")}`);
const filter = {
  ...{ locationId: text.optional(), channel: channel.optional(), address: address.optional() },
  cause: z.enum(consentCauses, `must be one of ${consentCauses.join(", ")}`).optional(),
  lifted: flag.prefault("false").describe("Also those that do not stand any more."),
};
const exportQuery = z.object(filter);
const entered = z.strictObject({ locationId: text, channel, address: text, note: optionalNote });
const target = { locationId: text, channel };
const importQuery = z.object({ ...target, dryRun: flag.default(false) });
const row = z.strictObject({ address: text, note: optionalNote });
const importBody = z.strictObject({
  ...target,
  dryRun: z.boolean().default(false),
  optOuts: z.array(row).min(1, "must hold an opt-out").max(maxValues, `must have ${maxValues} entries at most`),
});

const tag = "Opt-outs";
const by = "any key";

/** Who is not to be written to, by location and channel. */
export const optOutOperations = {
  listOptOuts: operation({
    ...{ method: "GET", path: "/admin/opt-outs", tag, by },
    summary: "Lists who is not to be written to, newest first.",
    query: { ...numberedPageQuery, ...filter },
    answers: { 200: pageOf(shownOptOutAnswer) },
    async handle({ people }: OptOutsContext, { caller, query: { limit, cursor, ...sought } }) {
      const found = await readFilter(people, caller, sought);
      const { rows, walkedTo } = await listOptOuts(people, { ...found, before: cursor, limit: limit + 1 });
      return reply(200, toPage(rows, { limit, keyOf: ({ id }) => id, show, walkedTo }));
    },
  }),

  putOptOut: operation({
    ...{ method: "PUT", path: "/admin/opt-outs", tag, by },
    summary: "Enters an opt-out: this person is not written to, whatever they may say later.",
    body: entered,
    answers: { 200: shownOptOutAnswer },
    async handle(context: OptOutsContext, { caller, body: { address: given, ...about } }) {
      await requireReached(context, caller, about.locationId);
      const person = readPerson(about.channel, given);
      if (person === undefined)
        throw new Problem(422, "whom?", { errors: [{ path: "address", message: wrong(about.channel) }] });
      const optOut = await enterOptOut(context.db, { ...about, address: person, note: about.note });
      caller.ids["optOutId"] = optOut.id;
      context.onWork("deliveries");
      return reply(200, show(optOut));
    },
  }),

  liftOptOut: operation({
    ...{ method: "DELETE", path: "/admin/opt-outs/{id}", tag, by },
    summary: "Lifts an opt-out: the person may be written to again.",
    description:
      "Where the person has said it (`word`, `provider`, `refusal`), all of texts that they have said, for whatever channel, is lifted with it.",
    params: { id: rowIdOf("opt-out") },
    answers: { 200: shownOptOutAnswer },
    async handle(context: OptOutsContext, { caller, params: { id } }) {
      const found = await findOptOutById(context.db, id, caller);
      if (!found) throw new Problem(404, `there is no opt-out ${id}`);
      caller.ids["optOutId"] = found.id;
      const lifted = await liftOptOut(context.db, found);
      context.onWork("deliveries");
      return reply(200, show(lifted));
    },
  }),

  importOptOuts: operation({
    ...{ method: "POST", path: "/admin/opt-outs/import", tag, by },
    summary: "Enters many opt-outs: all is kept, or nothing.",
    description:
      "As JSON, or as CSV with a column `address`, and one `note` if wanted. 422 with the line of each that is no address.",
    csvLimit: "2mb",
    query: { locationId: csvField, channel: csvField, dryRun: csvField },
    body: importBody,
    answers: { 200: importedOptOutsAnswer },
    async handle(context: OptOutsContext, { caller, query, body }) {
      const given = typeof body === "string" ? readLines(query, body) : readJson(query, body);
      const { dryRun, rows, ...about } = given;
      await requireReached(context, caller, about.locationId);
      const optOuts = readRows(about.channel, rows);
      const created = dryRun ? 0 : await importOptOuts(context.db, about, optOuts);
      caller.ids["optOuts"] = created;
      if (created > 0) context.onWork("deliveries");
      return reply(200, { dryRun, rows: optOuts.length, created });
    },
  }),

  exportOptOuts: operation({
    ...{ method: "GET", path: "/admin/opt-outs/export", tag, by },
    summary: "Gives as CSV all that the list would have.",
    query: filter,
    answers: { 200: csvOfPeopleAnswer },
    async handle({ people }: OptOutsContext, { caller, query }) {
      const found = await readFilter(people, caller, query);
      return reply(200, optOutLines(people, found), {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": 'attachment; filename="opt-outs.csv"',
      });
    },
  }),
};

type Sought = z.output<typeof exportQuery>;

async function readFilter(people: Db, caller: Caller, { lifted, ...sought }: Sought): Promise<OptOutFilter> {
  return { ...(await readSearch(people, caller, sought)), isWithLifted: lifted };
}

async function requireReached({ db }: OptOutsContext, caller: Caller, locationId: string): Promise<void> {
  requireReach(caller, locationId);
  caller.ids["locationId"] = locationId;
  await requireLocation(db, locationId);
}

interface GivenRow {
  line: number;
  address: string;
  note?: string | undefined;
}

function readJson(query: unknown, { optOuts, ...about }: z.output<typeof importBody>) {
  parseQuery(z.object({}), query);
  return { ...about, rows: optOuts.map((each, index): GivenRow => ({ ...each, line: index + 1 })) };
}

function readLines(query: unknown, csv: string) {
  const about = parseInput(importQuery, query);
  const rows = parseRecords(csv, maxRows).map(({ line, record }): GivenRow => {
    const { address: given, note: why } = record;
    if (given === undefined) throw new Problem(422, "the first line of the CSV must name a column address");
    return { line, address: fromCell(given), note: fromCell(why ?? "") || undefined };
  });
  return { ...about, rows };
}

const wrong = (kind: OptOutChannel) =>
  kind === "email"
    ? "must be a mailbox, such as ann@example.org"
    : "must be a phone number with its country, such as +15005550006";
const maxShown = 100;

function readRows(kind: OptOutChannel, rows: GivenRow[]): ImportedOptOut[] {
  const read = rows.map(({ line, address: given, note: why }) => {
    const noted = optionalNote.safeParse(why);
    return { line, note: noted.data, address: readPerson(kind, given), problem: noted.error?.issues[0]?.message };
  });
  const errors = read.flatMap(({ line, address: person, problem }) => [
    ...(person === undefined ? [{ path: `line ${line}: address`, message: wrong(kind) }] : []),
    ...(problem === undefined ? [] : [{ path: `line ${line}: note`, message: problem }]),
  ]);
  if (errors.length > 0) {
    const detail = `${errors.length} errors in ${rows.length} rows: nothing was kept`;
    throw new Problem(422, detail, { errors: errors.slice(0, maxShown) });
  }
  return read.flatMap(({ address: person, note: why }) => (person === undefined ? [] : { address: person, note: why }));
}

const show = (optOut: OptOut) => ({ ...optOut, description: describeOptOut(optOut) });
