import { describe, expect, test } from "vitest";
import { escapeText, shorten, toSafeJson, widthOf } from "../../src/cli/escape.ts";
import { type Column, sayTable, showDuration } from "../../src/cli/print.ts";

describe("what people write", () => {
  test.each([
    ["\u001b[31mred", "\\u001b[31mred"],
    ["\u009b2J", "\\u009b2J"],
    ["a\r\nb\tc", "a\\r\\nb\\tc"],
    ["\u202egnp.exe", "\\u202egnp.exe"],
    ["zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"],
    ["half \ud83d of a pair", "half \\ud83d of a pair"],
    ["Grüße 😀 漢字", "Grüße 😀 漢字"],
  ])("is shown so that no terminal obeys it: %j", (text, shown) => {
    expect(escapeText(text)).toBe(shown);
    expect(JSON.parse(toSafeJson({ text }))).toEqual({ text });
    expect(toSafeJson(text, 0)).toBe(JSON.stringify(shown).replaceAll("\\\\", "\\"));
  });

  test("is as wide as a terminal shows it, and shortened to that", () => {
    expect([widthOf("abc"), widthOf("漢字"), widthOf("😀"), widthOf("e\u0301")]).toEqual([3, 4, 2, 1]);
    expect([shorten("漢字漢字", 5), shorten("abcdef", 6), shorten("abcdefg", 6)]).toEqual([
      "漢字…",
      "abcdef",
      "abcde…",
    ]);
  });
});

test("a table takes from its widest columns what is too much, and nothing from ids", () => {
  const columns: Column<string>[] = [
    { head: "id", show: () => "5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11", isWhole: true },
    { head: "name", show: (name) => name },
    { head: "why", show: (name) => name.repeat(2) },
  ];
  let out = "";
  const write = (text: string) => {
    out += text;
  };
  const session = { io: { columns: 80, write } } as Parameters<typeof sayTable>[0];
  sayTable(session, columns, ["x".repeat(300)]);
  const line = `5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11  ${"x".repeat(19)}…  ${"x".repeat(19)}…`;
  expect(out.split("\n")[1]).toBe(line);
  expect(line).toHaveLength(80);
});

test.each([
  [812, "812 ms"],
  [3100, "3.1 s"],
  [240_000, "4 min"],
  [7_200_000, "2 h"],
  [259_200_000, "3 d"],
])("%d milliseconds are %s", (ms, words) => expect(showDuration(ms)).toBe(words));
