import { sql } from "drizzle-orm";
import { boolean, index, integer, jsonb, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { ConsentChange, ProviderMessage } from "../../model.ts";
import { bigId, createdAt, id, time } from "./columns.ts";
import { keys } from "./keys.ts";
import { mappings } from "./mappings.ts";

/**
 * What was before the bridge, brought to one mapping: read whole, put in order, and then posted step by step as a worker has
 * it, each step in a transaction of its own. `state` says whether it goes on, and `stage` where it is.
 */
export const imports = pgTable(
  "imports",
  {
    id: id(),
    mappingId: uuid()
      .notNull()
      .references(() => mappings.id),
    /** Null for a file. */
    history: jsonb().$type<HistorySpan>(),
    perSecond: integer().notNull(),
    /** Nothing is posted until somebody lets it go on. */
    isDryRun: boolean().notNull(),
    /** Whose it is; null for the holder of ADMIN_API_KEY. */
    keyId: bigId().references(() => keys.id),
    state: text().$type<ImportState>().notNull().default("running"),
    stage: text().$type<ImportStage>().notNull().default("reading"),
    /** Which page of a history comes next, or who was asked for last; null at first. */
    cursor: text(),
    /** Lines of the file, or messages of the history, that were read. */
    lines: integer().notNull().default(0),
    refused: integer().notNull().default(0),
    duplicates: integer().notNull().default(0),
    people: integer().notNull().default(0),
    /** Those of these whose contact the bridge knows. */
    knownPeople: integer().notNull().default(0),
    /** Of the others, once a dry run has asked: those whom HighLevel knows, and those for whom a contact would be made. */
    matchedPeople: integer().notNull().default(0),
    newPeople: integer().notNull().default(0),
    /** How many are on their way or posted. */
    begun: integer().notNull().default(0),
    /** Why it waits, or was stopped. */
    reason: text(),
    createdAt: createdAt(),
    /** When its next step is due. */
    nextAt: createdAt(),
    finishedAt: time(),
  },
  (table) => [
    index("imports_running").on(table.nextAt).where(sql`${table.state} = 'running'`),
    index("imports_mapping").on(table.mappingId, table.id),
    index("imports_open").on(table.mappingId).where(sql`${table.state} in ('running', 'paused')`),
  ],
);

export type ImportState = "running" | "paused" | "done" | "stopped";

/** `matching`: a dry run asks HighLevel which people it knows. */
export type ImportStage = "reading" | "sorting" | "matching" | "posting";

/** Times as in JSON. */
export interface HistorySpan {
  from?: string | undefined;
  until: string;
}

export type Import = typeof imports.$inferSelect;

/** Messages that an import has read and not begun to post yet, and those that it refused: of these the line and why alone. */
export const importRows = pgTable(
  "import_rows",
  {
    id: id(),
    importId: bigId()
      .notNull()
      .references(() => imports.id, { onDelete: "cascade" }),
    line: integer().notNull(),
    person: text(),
    sentAt: time(),
    providerMessageId: text(),
    message: jsonb().$type<ProviderMessage>(),
    /** What it says of whether the person may be written to. */
    consent: text().$type<ConsentChange>(),
    reason: text(),
  },
  (table) => [
    uniqueIndex("import_rows_message").on(table.importId, table.providerMessageId),
    index("import_rows_order")
      .on(table.importId, table.person, table.sentAt, table.line)
      .where(sql`${table.message} is not null`),
    index("import_rows_refused").on(table.importId, table.line).where(sql`${table.reason} is not null`),
  ],
);

export type ImportRow = typeof importRows.$inferSelect;
