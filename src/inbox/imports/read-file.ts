import { ParseError } from "../../errors.ts";
import { requireBearableJson } from "../../formats/bearable-json.ts";
import type { MappingFacts } from "../../registry/mappings.ts";
import { readLargeCsv } from "../../registry/read-csv.ts";
import type { NewImportRow } from "../../store/imports/import-rows.ts";
import { createRowReader, requiredFields } from "./read-row.ts";

/** What a file may have; more is given in parts. */
export const fileLimits = { rows: 50_000, bytes: "20mb", lineCharacters: 500_000 };
/** With blank ones. */
const maxLines = 2 * fileLimits.rows;
const jsonLimits = { values: 200, valuesOfOneList: 50, depth: 4 };

/** One line: its number, and what it says; a text instead where it cannot be read. */
type Line = { line: number } & ({ given: unknown } | { reason: string });

/** The rows of a file of JSON lines or CSV, or of a list, as many at once as one statement takes. Throws a ParseError for what is none. */
export async function* readFile(mapping: MappingFacts, file: string | unknown[]): AsyncGenerator<NewImportRow[]> {
  const read = createRowReader(mapping);
  let rows: NewImportRow[] = [];
  let count = 0;
  for await (const line of typeof file === "string" ? linesOf(file) : listed(file)) {
    if (++count > fileLimits.rows)
      throw new ParseError(`it has more than ${fileLimits.rows} lines: give them in parts`);
    rows.push("reason" in line ? line : read(line.line, line.given));
    if (rows.length < rowsAtOnce) continue;
    yield rows;
    rows = [];
  }
  if (count === 0) throw new ParseError("it holds no messages");
  yield rows;
}

/** Between two statements everything else has its turn. */
const rowsAtOnce = 250;

const listed = (rows: unknown[]): Line[] => rows.map((given, index) => ({ line: index + 1, given }));

const linesOf = (file: string) => (/^\uFEFF?\s*\{/.test(file) ? jsonLines(file) : csvLines(file));

async function* csvLines(file: string): AsyncGenerator<Line> {
  if (/^\uFEFF?\s*\[/.test(file))
    throw new ParseError(
      "this is a list in JSON: give each of its messages a line of its own, or post it as application/json",
    );
  if (file.includes("\0")) throw new ParseError("this is no CSV: it holds U+0000, as text in UTF-16 does");
  try {
    for await (const { line, record } of readLargeCsv(file, requiredFields)) yield { line, given: cellsOf(record) };
  } catch (error) {
    if (error instanceof ParseError) throw error;
    // The parser repeats what a cell says, which is kept as the import's reason.
    const why = error instanceof Error ? error.message.replace(/, value is .*$/s, "") : "it cannot be read";
    throw new ParseError(`this is no CSV: ${why}`);
  }
}

/** An empty cell says nothing; URLs stand apart by blanks. */
function cellsOf(record: Record<string, string>): Record<string, unknown> {
  const filled = Object.entries(record).filter(([, value]) => value !== "");
  return Object.fromEntries(
    filled.map(([name, value]) => [name, name === "attachments" ? value.split(/\s+/).filter(Boolean) : value]),
  );
}

function* jsonLines(file: string): Generator<Line> {
  let line = 0;
  for (let at = 0; at < file.length; ) {
    const end = file.indexOf("\n", at);
    const text = file
      .slice(at, end === -1 ? file.length : end)
      .replace(/^\uFEFF/, "")
      .trim();
    at = end === -1 ? file.length : end + 1;
    if (++line > maxLines)
      throw new ParseError(`it has more than ${maxLines} lines, blank ones too: give them in parts`);
    if (text !== "") yield { line, ...readJson(text) };
  }
}

function readJson(text: string): { given: unknown } | { reason: string } {
  if (text.length > fileLimits.lineCharacters)
    return { reason: `it has more than ${fileLimits.lineCharacters} characters` };
  try {
    requireBearableJson(Buffer.from(text), jsonLimits);
    return { given: JSON.parse(text) };
  } catch (error) {
    return { reason: error instanceof ParseError ? error.message.replace("the body", "the line") : "it is no JSON" };
  }
}
