import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import express, { type Request, type Response, Router } from "express";
import { z } from "zod";
import { type Channel, consentCauses, type Wake } from "../../model.ts";
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
import { callerOf, requireReach } from "../caller.ts";
import { parseRecords, toLine } from "../csv.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { Problem, parseInput, parseQuery } from "../problem.ts";
import { address, note, readSearch, text } from "./fields.ts";

export interface OptOutsContext {
  db: Db;
  people: Db;
  onWork: Wake;
}

const maxRows = 10_000;
const channel = z.enum(["sms", "email"], "must be sms or email");
const flag = z.enum(["true", "false"], "must be true or false").transform((value) => value === "true");
const filter = {
  ...{ locationId: text.optional(), channel: channel.optional(), address: address.optional() },
  cause: z.enum(consentCauses, `must be one of ${consentCauses.join(", ")}`).optional(),
  /** Also those that do not stand any more. */
  lifted: flag.default(false),
};
const listQuery = z.object({ ...numberedPageQuery, ...filter });
const exportQuery = z.object(filter);
const entered = z.strictObject({ locationId: text, channel, address: text, note: note.optional() });
const target = { locationId: text, channel };
const importQuery = z.object({ ...target, dryRun: flag.default(false) });
const row = z.strictObject({ address: text, note: note.optional() });
const importBody = z.strictObject({
  ...target,
  dryRun: z.boolean().default(false),
  optOuts: z.array(row).min(1, "must hold an opt-out").max(maxRows, `must have ${maxRows} entries at most`),
});

/**
 * Who is not to be written to, by location and channel.
 *
 * `GET /admin/opt-outs` 200: those that stand, newest first; with `lifted=true` also those that do not any more ·
 * `PUT /admin/opt-outs` 200: this person is not written to, whatever they may say later ·
 * `DELETE /admin/opt-outs/{id}` 200: they may be written to again.
 * `POST /admin/opt-outs/import` 200 with how many are new, of JSON `{locationId, channel, optOuts}`, or of CSV with a column
 * `address`, and one `note` if wanted, and `?locationId=…&channel=…`: all of it is kept or nothing. 422 with the line of each
 * that is no address · `GET /admin/opt-outs/export` 200: all that the list would have, as CSV.
 */
export function optOutRoutes(context: OptOutsContext): Router {
  const { db, people, onWork } = context;
  const router = Router();

  router.get("/", async (req, res) => {
    const { limit, cursor, ...sought } = parseQuery(listQuery, req.query);
    const found = await readFilter(people, res, sought);
    const rows = await listOptOuts(people, { ...found, before: cursor, limit: limit + 1 });
    res.json(toPage(rows, { limit, keyOf: ({ id }) => id, show }));
  });

  router.put("/", async (req, res) => {
    const { address: given, ...about } = parseInput(entered, req.body);
    await requireReached(context, res, about.locationId);
    const person = readPerson(about.channel, given);
    if (person === undefined)
      throw new Problem(422, "whom?", { errors: [{ path: "address", message: wrong[about.channel] }] });
    const optOut = await enterOptOut(db, { ...about, address: person, note: about.note });
    callerOf(res).ids["optOutId"] = optOut.id;
    onWork("deliveries");
    res.json(show(optOut));
  });

  router.delete("/:id", async (req, res) => {
    const id = /^\d{1,15}$/.test(req.params.id) ? Number(req.params.id) : undefined;
    const found = id === undefined ? undefined : await findOptOutById(db, id, callerOf(res));
    if (!found) throw new Problem(404, `there is no opt-out ${req.params.id}`);
    callerOf(res).ids["optOutId"] = found.id;
    const lifted = await liftOptOut(db, found);
    onWork("deliveries");
    res.json(show(lifted));
  });

  router.post("/import", express.text({ type: "text/csv", limit: "2mb", inflate: false }), async (req, res) => {
    const { dryRun, rows, ...about } = readImport(req);
    await requireReached(context, res, about.locationId);
    const optOuts = readRows(about.channel, rows);
    const created = dryRun ? 0 : await importOptOuts(db, about, optOuts);
    callerOf(res).ids["optOuts"] = created;
    if (created > 0) onWork("deliveries");
    res.json({ dryRun, rows: optOuts.length, created });
  });

  router.get("/export", async (req, res) => {
    const found = await readFilter(people, res, parseQuery(exportQuery, req.query));
    res.type("text/csv").attachment("opt-outs.csv");
    await pipeline(Readable.from(linesOf(people, found)), res);
  });
  return router;
}

/** As fast as they are taken. */
async function* linesOf(people: Db, found: OptOutFilter): AsyncGenerator<string> {
  yield toLine(columns);
  for (let before: number | undefined; ; ) {
    const rows = await listOptOuts(people, { ...found, before, limit: 1000 });
    yield rows.map((each) => toLine(toCells(each))).join("");
    before = rows.at(-1)?.id;
    if (rows.length < 1000) return;
  }
}

type Sought = z.output<typeof exportQuery>;

async function readFilter(people: Db, res: Response, { lifted, ...sought }: Sought): Promise<OptOutFilter> {
  return { ...(await readSearch(people, callerOf(res), sought)), isWithLifted: lifted };
}

async function requireReached({ db }: OptOutsContext, res: Response, locationId: string): Promise<void> {
  requireReach(callerOf(res), locationId);
  callerOf(res).ids["locationId"] = locationId;
  await requireLocation(db, locationId);
}

interface GivenRow {
  line: number;
  address: string;
  note?: string | undefined;
}

function readImport({ body, query }: Request): z.output<typeof importQuery> & { rows: GivenRow[] } {
  if (typeof body !== "string") {
    parseQuery(z.object({}), query);
    const { optOuts, ...about } = parseInput(importBody, body);
    return { ...about, rows: optOuts.map((each, index) => ({ ...each, line: index + 1 })) };
  }
  const about = parseQuery(importQuery, query);
  return {
    ...about,
    rows: parseRecords(body, maxRows).map(({ line, record }) => {
      const { address: given, note: why } = record;
      if (given === undefined) throw new Problem(422, "the first line of the CSV must name a column address");
      return { line, address: given, note: why || undefined };
    }),
  };
}

const wrong: Record<Channel, string> = {
  sms: "must be a phone number with its country, such as +15005550006",
  email: "must be a mailbox, such as ann@example.org",
};
const maxShown = 100;

function readRows(kind: Channel, rows: GivenRow[]): ImportedOptOut[] {
  const read = rows.map(({ line, address: given, note: why }) => ({
    line,
    note: why,
    address: readPerson(kind, given),
  }));
  const errors = read
    .filter((each) => each.address === undefined)
    .map(({ line }) => ({ path: `line ${line}: address`, message: wrong[kind] }));
  if (errors.length > 0) {
    const detail = `${errors.length} errors in ${rows.length} rows: nothing was kept`;
    throw new Problem(422, detail, { errors: errors.slice(0, maxShown) });
  }
  return read.flatMap(({ address: person, note: why }) => (person === undefined ? [] : { address: person, note: why }));
}

const show = (optOut: OptOut) => ({ ...optOut, description: describeOptOut(optOut) });

const columns = ["locationId", "channel", "address", "cause", "detail", "optedOutAt", "liftedAt", "liftedBy"] as const;
const toCells = (optOut: OptOut) =>
  columns.map((name) => (optOut[name] instanceof Date ? optOut[name].toISOString() : (optOut[name] ?? "")));
