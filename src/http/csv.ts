import { isUtf8 } from "node:buffer";
import type { Request, RequestHandler } from "express";
import { charsetOf, decodeText } from "../formats/email/charset.ts";
import { type CsvRow, readCsv } from "../registry/read-csv.ts";
import { Problem } from "./problem.ts";

/** Makes the bytes of a body to text. Nothing is guessed, as that would change people's names. */
export const readAsText: RequestHandler = (req, _res, next) => {
  if (Buffer.isBuffer(req.body)) req.body = textOf(req.body, req);
  next();
};

/** By its byte order mark, else as the request says, else as UTF-8. Throws a Problem: 415 no charset · 422 not what it should be */
function textOf(bytes: Buffer, req: Request): string {
  const [, label] = /;\s*charset=([^;]+)/i.exec(req.headers["content-type"] ?? "") ?? [];
  const charset = label === undefined ? "utf-8" : charsetOf(label);
  if (charset === undefined) throw new Problem(415, `there is no charset ${label}`);
  const isMarked = ["fffe", "feff"].includes(bytes.subarray(0, 2).toString("hex"));
  if (!isMarked && charset === "utf-8" && !isUtf8(bytes)) {
    const advice = "save it as CSV UTF-8, or say what it is, as in Content-Type: text/csv; charset=windows-1252";
    throw new Problem(422, `this is no text in UTF-8: ${advice}`);
  }
  return decodeText(bytes, charset);
}

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

/** A cell of a line that we wrote, or of what people force a spreadsheet to take for text. */
export const fromCell = (cell: string) => cell.replace(/^'(?=[=@+-])/, "");

/** What begins like a formula is none to a spreadsheet: a phone number's plus stays, as nothing follows it but digits. */
function quoted(cell: string): string {
  const safe = /^[=@\t\r-]|^\+(?!\d+$)/.test(cell) ? `'${cell}` : cell;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
