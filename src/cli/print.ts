import { escapeText, shorten, toSafeJson, widthOf } from "./escape.ts";
import type { Session } from "./session.ts";

/** Everything that is printed goes through here, so that nothing of it can command the terminal. */

export const say = ({ io }: Pick<Session, "io">, line = ""): void => io.write(`${escapeText(line)}\n`);
export const sayJson = ({ io }: Pick<Session, "io">, value: unknown): void => io.write(`${toSafeJson(value)}\n`);

/** Where stdout is no terminal, too: what is piped is read by people, or asked for as JSON. */
const usualColumns = 80;
const gap = "  ";
const leastColumns = 6;

/** On one line, for who reads them line by line. */
export const sayJsonLine = ({ io }: Pick<Session, "io">, value: unknown): void => io.write(`${toSafeJson(value, 0)}\n`);

export interface Column<Row> {
  head: string;
  show(row: Row): string | number | null | undefined;
  /** Is it of no use in part, as an id? Others are shortened where the table is too wide. */
  isWhole?: true;
}

/** A table as wide as the terminal at most. */
export function sayTable<Row>(session: Session, columns: Column<Row>[], rows: Row[]): void {
  const cells = [
    columns.map(({ head }) => head.toUpperCase()),
    ...rows.map((row) => columns.map(({ show }) => escapeText(String(show(row) ?? "")))),
  ];
  const widths = narrow(columns, widest(cells), session.io.columns ?? usualColumns);
  for (const line of cells) {
    const padded = line.map((cell, index) => {
      const text = shorten(cell, widths[index] ?? 0);
      return text + " ".repeat(Math.max(0, (widths[index] ?? 0) - widthOf(text)));
    });
    session.io.write(`${padded.join(gap).trimEnd()}\n`);
  }
}

const widest = (cells: string[][]) =>
  (cells[0] ?? []).map((_, index) => Math.max(...cells.map((c) => widthOf(c[index] ?? ""))));

/** Takes from the widest column, again and again, what is too much. */
function narrow<Row>(columns: Column<Row>[], wanted: number[], available: number): number[] {
  const widths = [...wanted];
  const tooMuch = () => widths.reduce((sum, width) => sum + width, 0) + gap.length * (widths.length - 1) - available;
  while (tooMuch() > 0) {
    const widestLeft = widths.reduce(
      (best, width, index) => (columns[index]?.isWhole || width <= (widths[best] ?? leastColumns) ? best : index),
      -1,
    );
    const width = widths[widestLeft];
    if (width === undefined || width <= leastColumns) break;
    widths[widestLeft] = width - 1;
  }
  return widths;
}

/** What is known of one thing, a line each; what is not known is left out. */
export function sayFields(session: Session, fields: Record<string, unknown>): void {
  const known = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const width = Math.max(0, ...known.map(([name]) => name.length));
  for (const [name, value] of known) {
    say(session, `${name.padEnd(width)}${gap}${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  }
}

/** In UTC, to the second. */
export const showTime = (time: string | null | undefined) =>
  time ? new Date(time).toISOString().slice(0, 19).replace("T", " ") : "";

/** As it is said: 812 ms, 3.1 s, 4 min, 2 h, 3 d. */
export function showDuration(ms: number): string {
  const steps: [unit: string, ms: number, below: number][] = [
    ["ms", 1, 1000],
    ["s", 1000, 60_000],
    ["min", 60_000, 3_600_000],
    ["h", 3_600_000, 86_400_000],
    ["d", 86_400_000, Number.POSITIVE_INFINITY],
  ];
  const [unit, size] = steps.find(([, , below]) => ms < below) ?? ["d", 86_400_000];
  const value = ms / size;
  return `${value < 10 && unit !== "ms" ? Number(value.toFixed(1)) : Math.round(value)} ${unit}`;
}

export const plural = (count: number, word: string) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
