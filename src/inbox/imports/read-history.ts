import type { CallApi } from "../../calls/call-api.ts";
import { Failure } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Mapping, Mappings } from "../../registry/mappings.ts";
import { insertImportRows } from "../../store/imports/import-rows.ts";
import { changeImport, lockImport, noteImportStep } from "../../store/imports/imports.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { HistorySpan, Import } from "../../store/schema.ts";
import { rowOf } from "./read-row.ts";

export interface HistoryContext {
  db: Db;
  log: Log;
  mappings: Pick<Mappings, "get">;
  callProvider: CallApi;
}

/** A page that failed for a while is asked for again in so long. */
const retrySeconds = 60;

/**
 * Asks the provider for the next page of a history, and keeps its messages with the place of the next one: both or neither, so
 * that a process which dies in between has read nothing. Where the provider refuses, the import is paused, and says why.
 */
export async function readHistory(context: HistoryContext, due: Import, span: HistorySpan): Promise<void> {
  const { db, mappings } = context;
  const mapping = await mappings.get(due.mappingId);
  try {
    if (!mapping) throw new Failure("misconfigured", "its mapping is gone");
    const { messages, next } = await askFor(context, mapping, { due, span });
    const rows = messages.map((each, index) => {
      const line = due.lines + index + 1;
      return "reason" in each ? { line, reason: each.reason } : rowOf(mapping, line, each.message, each.sentAt);
    });
    await db.transaction(async (tx) => {
      if (!(await lockImport(tx, due))) return;
      const counts = await insertImportRows(tx, due.id, rows);
      const place = next === undefined ? { stage: "sorting" as const } : { cursor: next };
      await noteImportStep(tx, due.id, { counts, ...place, reason: null });
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const reason = `the provider was asked for its messages: ${error.message}`;
    if (!lasting.includes(error.reason)) return noteImportStep(db, due.id, { reason, inSeconds: retrySeconds });
    const isPaused = await changeImport(db, due.id, { state: "paused", reason });
    const { id: importId, mappingId } = due;
    if (isPaused) context.log("warn", "import.paused", { importId, mappingId, reason: error.reason });
  }
}

/** What waiting does not mend. */
const lasting: Failure["reason"][] = ["rejected", "unauthorized", "misconfigured", "invalid_answer"];

function askFor(
  { callProvider }: HistoryContext,
  { adapter, credentials: [credentials], address }: Mapping,
  { due, span: { from, until } }: { due: Import; span: HistorySpan },
) {
  if (!adapter.history || credentials === undefined)
    throw new Failure("misconfigured", "the mapping has no credentials, or its provider lists no messages");
  const times = { from: from === undefined ? undefined : new Date(from), until: new Date(until) };
  return adapter.history({ credentials, address, ...times, cursor: due.cursor ?? undefined }, callProvider);
}
