import { z } from "zod";
import { type ImportedRow, importMappings } from "../../../registry/import-mappings.ts";
import { importAnswer } from "../../answers/connections.ts";
import { type Caller, reaches, requireReach } from "../../caller.ts";
import { parseRecords } from "../../csv.ts";
import { operation, reply } from "../../operations/operation.ts";
import { Problem, parseInput, parseQuery } from "../../problem.ts";
import { csvField, flag, text } from "../fields.ts";
import { mappingSettings } from "./mapping-settings.ts";
import type { MappingsContext } from "./mappings.ts";
import { requireUsable } from "./reached.ts";

const maxRows = 2000;
const row = z.strictObject({ address: text, locationId: text, ...mappingSettings, name: text.optional() });
const query = z.object({ accountId: z.uuid("must be the id of an account"), dryRun: flag.default(false) });
const body = z.strictObject({
  accountId: z.uuid("must be the id of an account"),
  dryRun: z.boolean().default(false),
  mappings: z.array(z.unknown()).min(1, "must hold a mapping").max(maxRows, `must have ${maxRows} entries at most`),
});

export const importOperations = {
  importMappings: operation({
    ...{ method: "POST", path: "/admin/mappings/import", tag: "Mappings", by: "any key" },
    summary: "Makes and changes many mappings of an account, by their address: all is kept, or nothing.",
    description:
      "As JSON, or as CSV with the fields' names in its first line. 422 with the error of each row by its line: in JSON the first is 1, in CSV that of the names.",
    csvLimit: "1mb",
    query: { accountId: csvField, dryRun: csvField },
    body,
    answers: { 200: importAnswer },
    async handle(context: MappingsContext, { caller, query: asked, body: posted }) {
      const given = typeof posted === "string" ? readRows(asked, posted) : readJson(asked, posted);
      const { accountId, dryRun } = given;
      const read = given.rows.map(readRow);
      const errors = read.flatMap((each) => ("errors" in each ? each.errors : []));
      const rows = read.flatMap((each) => ("input" in each ? each : []));
      for (const locationId of new Set(rows.map(({ input }) => input.locationId))) requireReach(caller, locationId);
      const [first] = rows;
      const account = first && (await usableByAll(context, caller, accountId, rows));
      const { errors: more, ...done } = account
        ? await importMappings(context, account, rows, {
            isDryRun: dryRun || errors.length > 0,
            reaches: (locationId) => reaches(caller, locationId),
          })
        : { created: 0, updated: 0, replayed: 0, errors: [] };
      refuse([...errors, ...more], given.rows.length);
      if (!dryRun) {
        context.accounts.forget(accountId);
        if (done.replayed > 0) context.onWork("accounts");
        context.onWork("deliveries");
      }
      return reply(200, { dryRun, rows: rows.length, ...done });
    },
  }),
};

function refuse(errors: LineError[], rows: number): void {
  if (errors.length === 0) return;
  const lines = errors
    .sort((a, b) => a.line - b.line)
    .slice(0, maxShown)
    .map(({ line, path, message }) => ({ path: [`line ${line}`, path].filter(Boolean).join(": "), message }));
  throw new Problem(422, `${errors.length} errors in ${rows} rows: nothing was kept`, { errors: lines });
}

/** As many errors are shown. */
const maxShown = 100;

interface Given {
  accountId: string;
  dryRun: boolean;
  rows: { line: number; values: unknown }[];
}

function readJson(query: unknown, { accountId, dryRun, mappings }: z.output<typeof body>): Given {
  parseQuery(z.object({}), query);
  return { accountId, dryRun, rows: mappings.map((values, index) => ({ line: index + 1, values })) };
}

function readRows(given: unknown, csv: string): Given {
  const rows = parseRecords(csv, maxRows).map(({ line, record }) => ({ line, values: valuesOf(record) }));
  return { ...parseInput(query, given), rows };
}

/** An empty cell says nothing; what is true or false is no text. */
function valuesOf(record: Record<string, string>): Record<string, unknown> {
  const words: Record<string, unknown> = { true: true, false: false };
  const flags = ["postAutomatic", "isDefault", "stripQuoted", "replyTokens", "listUnsubscribe"];
  const isFlag = (name: string) => flags.includes(name);
  const readCell = (name: string, value: string) => {
    if (name === "userIds" || name === "sendDays") return value.split(/[\s,;]+/).filter(Boolean);
    if (name === "answerHours" || name === "dailyCap") return Number(value);
    return isFlag(name) ? (words[value.toLowerCase()] ?? value) : value;
  };
  return Object.fromEntries(
    Object.entries(record)
      .filter(([, value]) => value !== "")
      .map(([name, value]) => [name, readCell(name, value)]),
  );
}

function readRow({ line, values }: Given["rows"][number]): ImportedRow | { errors: LineError[] } {
  const parsed = row.safeParse(values);
  if (parsed.success) return { line, input: parsed.data };
  return { errors: parsed.error.issues.map(({ path, message }) => ({ line, path: path.join("."), message })) };
}

interface LineError {
  line: number;
  path: string;
  message: string;
}

async function usableByAll(context: MappingsContext, caller: Caller, accountId: string, rows: ImportedRow[]) {
  const locationIds = [...new Set(rows.map(({ input }) => input.locationId))];
  const accounts = await Promise.all(locationIds.map((id) => requireUsable(context, caller, accountId, id)));
  return accounts[0];
}
