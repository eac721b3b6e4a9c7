import { z } from "zod";
import { ParseError } from "../../errors.ts";
import { keepFile } from "../../inbox/imports/keep-file.ts";
import { endImport, makeImport } from "../../inbox/imports/manage-imports.ts";
import { fileLimits } from "../../inbox/imports/read-file.ts";
import type { Wake } from "../../model.ts";
import { requireAdapter } from "../../registry/require-fitting.ts";
import { countPosted, listRefusedRows } from "../../store/imports/import-rows.ts";
import { changeImport, findImport, listImports, type NewImport } from "../../store/imports/imports.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Import, MappingRow } from "../../store/schema.ts";
import { importListAnswer, refusedLinesAnswer, wholeImportAnswer } from "../answers/jobs/import.ts";
import { showOutcomes } from "../answers/jobs/outcomes.ts";
import { type Caller, requireKeyId, whoOf } from "../caller.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { operation, reply } from "../operations/operation.ts";
import { Problem, parseInput, parseQuery } from "../problem.ts";
import { requireMapping } from "./connections/reached.ts";
import { csvField, flag, rowIdOf, time } from "./fields.ts";

export interface ImportsContext {
  db: Db;
  people: Db;
  onWork: Wake;
}

const mappingId = z.uuid("must be the id of a mapping").describe("Whose number or mailbox it was.");
const rate = z.number().int().min(1).max(1000);
const aboutRate = "How many messages a second are begun at most: what is live, and HighLevel's limits, leave less.";
const perSecond = rate.default(2).describe(aboutRate);
const dryRun = z.boolean().default(false).describe("Tells what it would be, and waits to be resumed.");
const query = z.object({
  mappingId,
  dryRun: flag.default(false),
  perSecond: z.coerce.number().pipe(rate).default(2),
});
const body = z.strictObject({
  mappingId,
  ...{ dryRun, perSecond },
  messages: z
    .array(z.unknown())
    .min(1, "must hold a message")
    .max(fileLimits.rows, `must have ${fileLimits.rows} entries at most`)
    .describe(
      "With the columns or names date, direction, person and text, and if wanted id, name, subject, html, attachments.",
    ),
});
const historyBody = z.strictObject({
  mappingId,
  from: time.optional().describe("Else all that the provider has kept."),
  until: time.optional(),
  ...{ dryRun, perSecond },
});
/** What was sent so lately may not have its id in the ledger yet. */
const liveMs = 900_000;
const params = { id: rowIdOf("import") };
const tag = "Imports";
const by = "any key";

/** What HighLevel does with what is posted, and nobody can keep it from. */
const notes = [
  "HighLevel may start workflows for messages that come in, such as those of Customer Replied, also for old ones: pause them, or have them leave out what is dated before today.",
  "HighLevel counts each message that came in as unread. After the last one of a conversation the bridge sets the count back to what it was, and what has come live since.",
  "No endpoint is told of these messages, HighLevel is told no status of theirs, and nobody is sent anything. A STOP counts where it is the person's newest word; nothing in an import lifts an opt-out.",
];

export const importsOperations = {
  createImport: operation({
    ...{ method: "POST", path: "/admin/imports", tag, by },
    summary:
      "Brings the messages of a file into HighLevel, dated as they were; with `dryRun` it tells first what that would be.",
    description: `As JSON, as JSON lines, or as CSV with the names in its first line. HighLevel may start workflows for them, and counts them as unread until the bridge sets that back: \`notes\` says more.`,
    csvLimit: fileLimits.bytes,
    takesLines: true,
    query: { mappingId: csvField, dryRun: csvField, perSecond: csvField },
    body,
    answers: { 201: wholeImportAnswer },
    errors: { 404: "There is no such mapping.", 409: "One of the mapping is under way, or as many as may be." },
    async handle(context: ImportsContext, { caller, query: asked, body: posted }) {
      const { messages, ...how } =
        typeof posted === "string" ? { messages: posted, ...parseInput(query, asked) } : readJson(asked, posted);
      const mapping = await requireOfTexts(context, caller, how.mappingId);
      const made = await begin(context, caller, {
        mappingId: how.mappingId,
        perSecond: how.perSecond,
        isDryRun: how.dryRun,
        history: null,
      });
      await keepFile(context.db, made, mapping, messages).catch((error: unknown) => {
        throw error instanceof ParseError ? new Problem(422, error.message) : error;
      });
      return reply(201, await showWhole(context, await requireImport(context, caller, made.id)));
    },
  }),

  importHistory: operation({
    ...{ method: "POST", path: "/admin/imports/history", tag, by },
    summary:
      "Brings what the provider keeps of a number's messages into HighLevel; with `dryRun` it tells first what that would be.",
    description:
      "Of providers that list them, by the mapping's credentials, page by page; what is of the last 15 minutes comes live. HighLevel may start workflows for them: `notes` says more.",
    body: historyBody,
    answers: { 201: wholeImportAnswer },
    errors: { 404: "There is no such mapping.", 409: "One of the mapping is under way, or as many as may be." },
    async handle(context: ImportsContext, { caller, body: { mappingId, from, until, ...how } }) {
      const { provider } = await requireOfTexts(context, caller, mappingId);
      if (!requireAdapter(provider).history)
        throw new Problem(422, `${provider} lists no messages, as far as the bridge knows: import a file`);
      const latest = new Date(Date.now() - liveMs);
      const end = until === undefined || until > latest ? latest : until;
      if (from && from >= end)
        throw new Problem(422, "from must be before until, and before the last 15 minutes, which come live");
      const history = { from: from?.toISOString(), until: end.toISOString() };
      const about = { mappingId, history, perSecond: how.perSecond, isDryRun: how.dryRun };
      return reply(201, await showWhole(context, await begin(context, caller, about)));
    },
  }),

  listImports: operation({
    ...{ method: "GET", path: "/admin/imports", tag, by },
    summary: "Lists imports, newest first.",
    query: numberedPageQuery,
    answers: { 200: importListAnswer },
    async handle({ people }: ImportsContext, { caller, query: { limit, cursor } }) {
      const page = { locationIds: caller.locationIds, before: cursor, limit: limit + 1 };
      const { rows, walkedTo } = await listImports(people, page);
      return reply(200, toPage(rows, { limit, keyOf: ({ id }) => id, show: showImport, walkedTo }));
    },
  }),

  getImport: operation({
    ...{ method: "GET", path: "/admin/imports/{id}", tag, by },
    summary: "Tells how far an import is, and what became of what it has begun.",
    params,
    answers: { 200: wholeImportAnswer },
    async handle(context: ImportsContext, { caller, params: { id } }) {
      return reply(200, await showWhole(context, await requireImport(context, caller, id)));
    },
  }),

  listRefusedLines: operation({
    ...{ method: "GET", path: "/admin/imports/{id}/refused", tag, by },
    summary: "Lists the lines that were refused, and why.",
    params,
    query: numberedPageQuery,
    answers: { 200: refusedLinesAnswer },
    async handle(context: ImportsContext, { caller, params: { id }, query: { limit, cursor } }) {
      await requireImport(context, caller, id);
      const rows = await listRefusedRows(context.people, id, { after: cursor, limit: limit + 1 });
      return reply(200, toPage(rows, { limit, keyOf: ({ line }) => line, show: showRefused }));
    },
  }),

  pauseImport: operation({
    ...{ method: "POST", path: "/admin/imports/{id}/pause", tag, by },
    summary: "Pauses an import: what it has begun goes on, and nothing more is begun.",
    params,
    answers: { 200: wholeImportAnswer },
    errors: { 409: "It does not run." },
    handle: changeTo("paused", ["running"]),
  }),

  resumeImport: operation({
    ...{ method: "POST", path: "/admin/imports/{id}/resume", tag, by },
    summary: "Lets an import go on that was paused, or that was a dry run, also one that still asks HighLevel.",
    params,
    answers: { 200: wholeImportAnswer },
    errors: { 409: "It is not paused." },
    handle: changeTo("running", ["paused"]),
  }),

  stopImport: operation({
    ...{ method: "POST", path: "/admin/imports/{id}/stop", tag, by },
    summary: "Stops an import for good: what it has begun stays, and the rest is deleted.",
    params,
    answers: { 200: wholeImportAnswer },
    errors: { 409: "It has ended." },
    handle: changeTo("stopped", ["running", "paused"]),
  }),
};

function readJson(asked: unknown, posted: z.output<typeof body>) {
  parseQuery(z.object({}), asked);
  return posted;
}

async function begin({ db }: ImportsContext, caller: Caller, about: Omit<NewImport, "keyId">): Promise<Import> {
  const made = await makeImport(db, { ...about, keyId: requireKeyId(caller, "an import is for keys") });
  caller.ids["importId"] = made.id;
  return made;
}

type About = { caller: Caller; params: { id: number } };

function changeTo(state: "paused" | "running" | "stopped", from: Import["state"][]) {
  return async (context: ImportsContext, { caller, params: { id } }: About) => {
    const { db } = context;
    const found = await requireImport(context, caller, id);
    const reason = `by ${caller.who}`;
    const change = async () => {
      if (state === "stopped") return endImport(db, found, reason);
      return changeImport(db, id, { state, reason: state === "paused" ? reason : null });
    };
    const isToChange = from.includes(found.state) || (state === "running" && found.stage === "matching");
    const isChanged = isToChange && (await change());
    const now = await requireImport(context, caller, id);
    if (!isChanged) throw new Problem(409, `import ${id} is ${now.state}`);
    context.onWork("deliveries");
    return reply(200, await showWhole(context, now));
  };
}

async function requireOfTexts(context: ImportsContext, caller: Caller, id: string): Promise<MappingRow> {
  const mapping = await requireMapping(context, caller, id);
  if (mapping.type === "Call") throw new Problem(422, "the mapping is of type Call, which has calls alone");
  return mapping;
}

async function requireImport({ db }: ImportsContext, caller: Caller, id: number): Promise<Import> {
  caller.ids["importId"] = id;
  const found = await findImport(db, id, { locationIds: caller.locationIds });
  if (!found) throw new Problem(404, `there is no import ${id}`);
  return found;
}

function showImport({ keyId, isDryRun, cursor: _cursor, nextAt: _nextAt, history, ...shown }: Import) {
  return {
    ...shown,
    source: history ? ("history" as const) : ("file" as const),
    history: history && { from: history.from ?? null, until: history.until },
    who: whoOf(keyId),
    dryRun: isDryRun,
    notes,
  };
}

const showRefused = ({ line, reason }: { line: number; reason: string | null }) => ({ line, reason: reason ?? "" });

async function showWhole({ people }: ImportsContext, row: Import) {
  const refused = row.refused > 0 ? await listRefusedRows(people, row.id, { after: undefined, limit: 20 }) : [];
  return {
    ...showImport(row),
    outcomes: showOutcomes(await countPosted(people, row.id)),
    firstRefused: refused.map(showRefused),
  };
}
