import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { parse as parseSlowly } from "csv-parse";
import { parse } from "csv-parse/sync";

/** What spreadsheets write: with or without a BOM, cells in quotes or not, apart by commas, semicolons or tabs. */
export interface CsvRow {
  /** The line in which it ends; the line of names is the first. */
  line: number;
  /** By the names of the first line. */
  record: Record<string, string>;
}

/** The rows below the line of names, so many at most. Throws an Error, in words for a person, for what is no CSV. */
export function readCsv(csv: string, maxRows: number): CsvRow[] {
  requireShortLines(csv, maxLineAtOnce);
  const rows = parse(csv, { ...optionsFor(csv), to: maxRows }) as unknown as ParsedRow[];
  return rows.map(toRow);
}

/**
 * The same row by row, of a CSV so large that others would wait for it. Throws at the first row that is no CSV, and for a line of names
 * without one of these.
 */
export async function* readLargeCsv(csv: string, required: readonly string[] = []): AsyncGenerator<CsvRow> {
  requireShortLines(csv, maxLine);
  const parser = Readable.from(piecesOf(csv)).pipe(
    parseSlowly({ ...optionsFor(csv, required), max_record_size: maxLine }),
  );
  for await (const row of parser) yield toRow(row as ParsedRow);
}

/** Without one it may be no line of names, but what somebody wrote: it is not repeated. */
function requireNamed(names: string[], required: readonly string[]): string[] {
  const missing = required.filter((name) => !names.includes(name));
  if (missing.length === 0) return names;
  throw new Error(`its first line must name the columns: it lacks ${missing.join(", ")}`);
}

const pieceCharacters = 64_000;
/** A quote that is not closed would make one cell of all that follows, and a line of separators a row of as many cells. */
const maxLine = 1_000_000;
/** Where everything else waits for it. */
const maxLineAtOnce = 100_000;

function requireShortLines(csv: string, max: number): void {
  let start = 0;
  for (let at = 0; at < csv.length; at++) {
    const sign = csv[at];
    if (sign === "\n" || sign === "\r") start = at + 1;
    else if (at - start >= max) throw new Error(`a line of it has more than ${max} characters`);
  }
}

/** Between two pieces everything else has its turn, also where they hold no row. */
async function* piecesOf(text: string): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += pieceCharacters) {
    yield text.slice(at, at + pieceCharacters);
    await nextTurn();
  }
}

function optionsFor(csv: string, required: readonly string[] = []) {
  const columns = (names: string[]) => requireDifferent(requireNamed(requireFew(names), required));
  const about = { bom: true, info: true, skip_empty_lines: true, skip_records_with_empty_values: true, trim: true };
  return { ...about, ...layoutOf(csv), ...lineEndOf(csv), columns };
}

const separators = [",", ";", "\t"];

/** By what cells are apart, as the line of names shows, or Excel's line before it says. Throws an Error where it cannot be told. */
function layoutOf(csv: string): { delimiter: string; from_line?: number } {
  const { first, before } = firstLineOf(csv);
  const said = /^"?sep=(.)"?$/i.exec(first)?.[1];
  if (said !== undefined && separators.includes(said))
    return { delimiter: said, from_line: 1 + before.split(/\r\n|\n|\r/).length };
  const found = separators.filter((each) => first.replace(/"[^"]*"/g, "").includes(each));
  if (said !== undefined || found.length > 1)
    throw new Error("the cells of its first line are not apart by commas alone, or semicolons, or tabs");
  return { delimiter: found[0] ?? "," };
}

/** How its first line ends outside of quotes; the parser by itself would look for that at each character until it knows. */
function lineEndOf(csv: string): { record_delimiter?: string } {
  for (const [found] of csv.matchAll(/"[^"]*"|\r\n|\n|\r/g))
    if (!found.startsWith('"')) return { record_delimiter: found };
  return {};
}

/** The first line that holds anything, and what is before it, which may be much: a pattern for the lines of it would end the stack. */
function firstLineOf(csv: string): { first: string; before: string } {
  const at = csv.search(/[^ \t\r\n\uFEFF]/);
  const start = at === -1 ? csv.length : Math.max(csv.lastIndexOf("\n", at), csv.lastIndexOf("\r", at)) + 1;
  const [first = ""] = csv.slice(start).split(/[\r\n]/, 1);
  return { first: first.replace(/^\uFEFF/, ""), before: csv.slice(0, start) };
}

interface ParsedRow {
  record: Record<string, string>;
  info: { lines: number };
}

const toRow = ({ record, info }: ParsedRow): CsvRow => ({ line: info.lines, record });

/** Nobody's table comes near it, and each row would be as wide. */
const maxColumns = 200;

function requireFew(names: string[]): string[] {
  if (names.length > maxColumns) throw new Error(`it has more than ${maxColumns} columns`);
  return names;
}

/** Else the last one of the same name would count, and nobody would know of the others. */
function requireDifferent(names: string[]): string[] {
  const again = names.find((name, index) => name !== "" && names.indexOf(name) !== index);
  if (again === undefined) return names;
  throw new Error(`the column ${again} stands in it twice`);
}
