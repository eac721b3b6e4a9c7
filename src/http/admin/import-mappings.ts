import express, { Router } from "express";
import { z } from "zod";
import { type ImportedRow, importMappings } from "../../registry/import-mappings.ts";
import { type Caller, callerOf, reaches } from "../caller.ts";
import { parseRecords } from "../csv.ts";
import { Problem, parseInput, parseQuery } from "../problem.ts";
import { requireUsable } from "./accounts.ts";
import { text } from "./fields.ts";
import { type MappingsContext, mappingSettings } from "./mappings.ts";

const maxRows = 2000;
const row = z.strictObject({ address: text, locationId: text, ...mappingSettings, name: text.optional() });
const flag = z.enum(["true", "false"], "must be true or false").transform((value) => value === "true");
const query = z.object({ accountId: z.uuid("must be the id of an account"), dryRun: flag.default(false) });
const body = z.strictObject({
  accountId: z.uuid("must be the id of an account"),
  dryRun: z.boolean().default(false),
  mappings: z.array(z.unknown()).min(1, "must hold a mapping").max(maxRows, `must have ${maxRows} entries at most`),
});

/**
 * `POST /admin/mappings/import` 200 with how many were created and updated, of JSON `{accountId, dryRun, mappings}`, or of
 * CSV with the fields' names in its first line and `?accountId=…&dryRun=true`. What the account has mapped already is
 * changed, by its address; all of it is kept or nothing. 422 with the error of each row by its line: in JSON the first is 1,
 * in CSV that of the names.
 */
export function importRoutes(context: MappingsContext): Router {
  const router = Router();
  router.post("/import", express.text({ type: "text/csv", limit: "1mb", inflate: false }), async (req, res) => {
    const caller = callerOf(res);
    const given = typeof req.body === "string" ? readRows(req.query, req.body) : readJson(req.query, req.body);
    const { accountId, dryRun } = given;
    const read = given.rows.map(readRow);
    const errors = read.flatMap((each) => ("errors" in each ? each.errors : []));
    const rows = read.flatMap((each) => ("input" in each ? each : []));
    for (const locationId of new Set(rows.map(({ input }) => input.locationId))) requireReached(caller, locationId);
    const [first] = rows;
    const account = first && (await usableByAll(context, caller, accountId, rows));
    const { errors: more, ...done } = account
      ? await importMappings(context, account, rows, {
          isDryRun: dryRun || errors.length > 0,
          reaches: (locationId) => reaches(caller, locationId),
        })
      : { created: 0, updated: 0, replayed: 0, errors: [] };
    const all = [...errors, ...more].sort((a, b) => a.line - b.line);
    if (all.length > 0) {
      const detail = `${all.length} errors in ${given.rows.length} rows: nothing was kept`;
      const lines = all.slice(0, maxShown).map(({ line, path, message }) => {
        return { path: [`line ${line}`, path].filter(Boolean).join(": "), message };
      });
      throw new Problem(422, detail, { errors: lines });
    }
    if (!dryRun) {
      context.accounts.forget(accountId);
      if (done.replayed > 0) context.onWork("accounts");
    }
    res.json({ dryRun, rows: rows.length, ...done });
  });
  return router;
}

/** As many errors are shown. */
const maxShown = 100;

interface Given {
  accountId: string;
  dryRun: boolean;
  rows: { line: number; values: unknown }[];
}

function readJson(givenQuery: unknown, given: unknown): Given {
  parseQuery(z.object({}), givenQuery);
  const { accountId, dryRun, mappings } = parseInput(body, given);
  return { accountId, dryRun, rows: mappings.map((values, index) => ({ line: index + 1, values })) };
}

function readRows(given: unknown, csv: string): Given {
  const rows = parseRecords(csv, maxRows).map(({ line, record }) => ({ line, values: valuesOf(record) }));
  return { ...parseQuery(query, given), rows };
}

/** An empty cell says nothing; what is true or false is no text. */
function valuesOf(record: Record<string, string>): Record<string, unknown> {
  const words: Record<string, unknown> = { true: true, false: false };
  const isFlag = (name: string) => ["postAutomatic", "isDefault", "stripQuoted"].includes(name);
  return Object.fromEntries(
    Object.entries(record)
      .filter(([, value]) => value !== "")
      .map(([name, value]) => [name, isFlag(name) ? (words[value.toLowerCase()] ?? value) : value]),
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

function requireReached(caller: Caller, locationId: string): void {
  if (!reaches(caller, locationId)) throw new Problem(403, `this key does not reach location ${locationId}`);
}

async function usableByAll(context: MappingsContext, caller: Caller, accountId: string, rows: ImportedRow[]) {
  const locationIds = [...new Set(rows.map(({ input }) => input.locationId))];
  const accounts = await Promise.all(locationIds.map((id) => requireUsable(context, caller, accountId, id)));
  return accounts[0];
}
