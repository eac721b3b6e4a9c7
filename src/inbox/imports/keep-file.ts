import { ParseError } from "../../errors.ts";
import { describeMapping } from "../../registry/mappings.ts";
import { insertImportRows } from "../../store/imports/import-rows.ts";
import { changeImport, lockImport, noteImportStep } from "../../store/imports/imports.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Import, MappingRow } from "../../store/schema.ts";
import { readFile } from "./read-file.ts";
import { sortImport } from "./step-import.ts";

/**
 * Keeps the messages of a file, some at a time so that nobody waits for it, and puts them in order: from then on a worker has the
 * import. Throws a ParseError for a file that cannot be read; then nothing of it is kept but that.
 */
export async function keepFile(db: Db, made: Import, mapping: MappingRow, file: string | unknown[]): Promise<void> {
  try {
    for await (const rows of readFile(describeMapping(mapping), file)) {
      const counts = await insertImportRows(db, made.id, rows);
      await noteImportStep(db, made.id, { counts, inSeconds: readSeconds });
    }
  } catch (error) {
    const reason = error instanceof ParseError ? error.message : "its file could not be kept: import it again";
    await changeImport(db, made.id, { state: "stopped", reason });
    throw error;
  }
  await db.transaction(async (tx) => {
    const locked = await lockImport(tx, made);
    if (locked) await sortImport(tx, locked, mapping);
  });
}

/** Whoever reads it has died where nothing came for so long. */
const readSeconds = 900;
