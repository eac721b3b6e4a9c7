import { isFaultless, type Result } from "./run-scenario.ts";
import { verdictWords } from "./verdict-words.ts";

const columns: [string, (result: Result) => string | number][] = [
  ["fault", ({ name }) => name],
  ["processes", ({ processes }) => processes],
  ["messages", ({ messages }) => messages],
  ["requests", ({ requests }) => requests],
  ["lost", ({ verdict }) => verdict.missing.length],
  ["doubled", ({ verdict }) => verdict.doubled.length],
  ["out of order", ({ verdict }) => verdict.outOfOrder.length],
  ["invented", ({ verdict }) => verdict.invented.length],
  ["misplaced", ({ verdict }) => verdict.misplaced.length],
  ["seconds", ({ seconds }) => seconds],
  ["", (result) => (isFaultless(result) ? "ok" : "FAILED")],
];

/** A line for each run, under its headings. */
export function table(results: Result[]): string {
  const rows = [
    columns.map(([heading]) => heading),
    ...results.map((result) => columns.map(([, read]) => `${read(result)}`)),
  ];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
    )
    .map((row) => row.join("  ").trimEnd())
    .join("\n");
}

/** What is wrong with a run, in words; empty for one without faults. */
export const complaints = ({ verdict, troubles }: Result): string[] => [...verdictWords(verdict), ...troubles];
