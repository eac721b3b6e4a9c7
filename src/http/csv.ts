import { type CsvRow, readCsv } from "../registry/read-csv.ts";
import { Problem } from "./problem.ts";

/** The rows of a CSV that was posted, below its line of names. Throws a Problem, 422, for what is no CSV and for too many. */
export function parseRecords(csv: string, maxRows: number): CsvRow[] {
  if (csv.includes("\0")) throw new Problem(422, "this is no CSV: it holds U+0000, as text in UTF-16 does");
  const records = readRecords(csv, maxRows + 1);
  if (records.length === 0) throw new Problem(422, "the CSV holds no rows below its line of names");
  if (records.length > maxRows) throw new Problem(422, `the CSV has more than ${maxRows} rows: give them in parts`);
  return records;
}

function readRecords(csv: string, maxRows: number): CsvRow[] {
  try {
    return readCsv(csv, maxRows);
  } catch (error) {
    throw new Problem(422, `this is no CSV: ${error instanceof Error ? error.message : "it cannot be read"}`);
  }
}

/** A line of CSV. */
export const toLine = (cells: readonly string[]) => `${cells.map(quoted).join(",")}\n`;

/** What begins like a formula is none to a spreadsheet: a phone number's plus stays, as nothing follows it but digits. */
function quoted(cell: string): string {
  const safe = /^[=@\t\r-]|^\+(?!\d+$)/.test(cell) ? `'${cell}` : cell;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
