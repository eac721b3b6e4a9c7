import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine.ts";

/** What a number is held to. */
export interface Bar {
  is: "at least" | "under";
  value: number;
  /** Where the value comes from, if it was measured too. */
  because?: string;
}

export interface Row {
  what: string;
  /** Absent when it could not be measured; `note` says why. */
  value?: number;
  unit: string;
  bar?: Bar;
  note?: string;
}

export interface Finding {
  measure: string;
  rows: Row[];
  /** What the rows were made of. */
  details: Record<string, unknown>;
}

export interface Report {
  startedAt: string;
  finishedAt: string;
  /** `whole`, or which part or size was run. */
  scope: string;
  settings: Record<string, string>;
  machine: Machine;
  findings: Finding[];
}

export type Verdict = "met" | "short" | "not measured" | "no bar";

export function verdictOf({ value, bar }: Row): Verdict {
  if (value === undefined || Number.isNaN(value)) return "not measured";
  if (!bar) return "no bar";
  return (bar.is === "under" ? value < bar.value : value >= bar.value) ? "met" : "short";
}

const words: Record<Verdict, (row: Row) => string> = {
  met: () => "met",
  short: ({ value = 0, bar }) => {
    const percent = bar ? Math.abs(value / bar.value - 1) * 100 : 0;
    return `${bar?.is === "under" ? "over" : "short"} by ${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
  },
  "not measured": () => "not measured",
  "no bar": () => "",
};

export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const digits = Math.abs(value) >= 100 ? 0 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

/** One line per row: what was measured, how much it was, what it is held to, and whether it holds. */
export function tableLines(findings: Finding[]): string[][] {
  const rows = findings.flatMap(({ rows: own }) => own);
  return [
    ["what", "measured", "bar", "verdict", "note"],
    ...rows.map((row) => {
      const { what, value, unit, bar, note = "" } = row;
      const measured = value === undefined ? "-" : `${formatNumber(value)} ${unit}`;
      const because = bar?.because ? ` (${bar.because})` : "";
      const held = bar ? `${bar.is} ${formatNumber(bar.value)} ${unit}${because}` : "";
      return [what, measured, held, words[verdictOf(row)](row), note];
    }),
  ].map((cells) => cells.map((cell) => cell.trim()));
}

export function printTable(findings: Finding[]): string {
  const lines = tableLines(findings);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** How many of the bars are met. */
export function summaryOf(findings: Finding[]): string {
  const held = findings.flatMap(({ rows }) => rows).filter(({ bar }) => bar);
  const count = (verdict: Verdict) => held.filter((row) => verdictOf(row) === verdict).length;
  const unmeasured = count("not measured");
  return `${count("met")} of ${held.length} bars met${unmeasured > 0 ? `, ${unmeasured} not measured` : ""}`;
}

/** Writes <name>.json and <name>.md, and gives the path without the ending. */
export function writeReport(folder: string, report: Report): string {
  mkdirSync(folder, { recursive: true });
  const scope = report.scope === "whole" ? "" : `-${report.scope}`;
  const path = join(folder, `${report.startedAt.slice(0, 10)}-${report.machine.name}${scope}`);
  writeFileSync(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${path}.md`, asMarkdown(report));
  return path;
}

function asMarkdown(report: Report): string {
  const { machine, findings, startedAt, finishedAt, scope, settings } = report;
  const [head = [], ...rows] = tableLines(findings);
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const facts = Object.entries(machine).map(([name, value]) => line([name, String(value)]));
  const changed = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return [
    `# Benchmark of ${startedAt.slice(0, 10)}${scope === "whole" ? "" : ` (${scope})`}`,
    "",
    `From ${startedAt} to ${finishedAt}, all on one machine. ` +
      `Settings of the bridge: ${changed.length === 0 ? "the defaults" : changed.join(", ")}.`,
    "",
    line(head),
    line(head.map(() => "---")),
    ...rows.map(line),
    "",
    `${summaryOf(findings)}.`,
    "",
    line(["machine", ""]),
    line(["---", "---"]),
    ...facts,
    "",
  ].join("\n");
}
