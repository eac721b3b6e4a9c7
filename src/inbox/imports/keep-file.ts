import { ParseError } from "../../errors.ts";
import { describeMapping } from "../../registry/mappings.ts";
import { insertImportRows } from "../../store/imports/import-rows.ts";
import { changeImport, lockUnended, noteImportStep, readFileSeconds } from "../../store/imports/imports.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Import, MappingRow } from "../../store/schema.ts";
import { readFile } from "./read-file.ts";
import { sortImport } from "./step-import.ts";

/**
 * Keeps the messages of a file, some at a time so that nobody waits for it, and puts them in order: from then on a worker has the
 * import. Nothing more of it is kept once the import is stopped; one that is paused meanwhile stays so. Throws a ParseError for a
 * file that cannot be read; then nothing of it is kept but that.
 */
export async function keepFile(db: Db, made: Import, mapping: MappingRow, file: string | unknown[]): Promise<void> {
  try {
    for await (const rows of readFile(describeMapping(mapping), file)) {
      const isKept = await db.transaction(async (tx) => {
        if (!(await lockUnended(tx, made.id))) return false;
        const counts = await insertImportRows(tx, made.id, rows);
        await noteImportStep(tx, made.id, { counts, inSeconds: readFileSeconds });
        return true;
      });
      if (!isKept) return;
    }
  } catch (error) {
    const reason = error instanceof ParseError ? error.message : "its file could not be kept: import it again";
    await changeImport(db, made.id, { state: "stopped", reason });
    throw error;
  }
  await db.transaction(async (tx) => {
    const locked = await lockUnended(tx, made.id);
    if (locked) await sortImport(tx, locked, mapping);
  });
}
