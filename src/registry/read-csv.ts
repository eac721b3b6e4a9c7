import { parse } from "csv-parse/sync";

/** What spreadsheets write: with or without a BOM, cells in quotes or not. */
export interface CsvRow {
  /** The line in which it ends; the line of names is the first. */
  line: number;
  /** By the names of the first line. */
  record: Record<string, string>;
}

/** The rows below the line of names, so many at most. Throws an Error, in words for a person, for what is no CSV. */
export function readCsv(csv: string, maxRows: number): CsvRow[] {
  const options = {
    bom: true,
    columns: requireDifferent,
    info: true,
    skip_empty_lines: true,
    trim: true,
    to: maxRows,
  } as const;
  const rows = parse(csv, options) as unknown as { record: Record<string, string>; info: { lines: number } }[];
  return rows.map(({ record, info }) => ({ line: info.lines, record }));
}

/** Else the last one of the same name would count, and nobody would know of the others. */
function requireDifferent(names: string[]): string[] {
  const again = names.find((name, index) => name !== "" && names.indexOf(name) !== index);
  if (again === undefined) return names;
  throw new Error(`the column ${again} stands in it twice`);
}
