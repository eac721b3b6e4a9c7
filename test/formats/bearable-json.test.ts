import { describe, expect, test } from "vitest";
import { jsonLimits, requireBearableJson } from "../../src/formats/bearable-json.ts";

const check = (text: string) => requireBearableJson(Buffer.from(text));
const list = (length: number, item: string) => `[${Array(length).fill(item).join(",")}]`;

describe("a JSON body", () => {
  test.each([
    ["a list", list(5001, "1"), "a list or object of more than 5000 values"],
    ["a list within", `{"a":{"b":${list(5001, "{}")}}}`, "a list or object of more than 5000 values"],
    ["an object", `{${Array.from({ length: 5001 }, (_, n) => `"${n}":1`).join(",")}}`, "of more than 5000 values"],
    ["many lists", list(100, list(600, "1")), "more than 50000 values"],
    ["a tower", `${"[".repeat(65)}${"]".repeat(65)}`, "nested more than 64 deep"],
    ["a tower that never ends", '{"a":'.repeat(1_000_000), "nested more than 64 deep"],
    ["24 MB of numbers", list(12_000_000, "1"), "a list or object of more than 5000 values"],
  ])("that is unbearable is refused before it is parsed: %s", (_what, text, words) => {
    expect(() => check(text)).toThrow(words);
  });

  test("of any size that a mail may have is taken: what counts is in its structure, not in its texts", () => {
    const html = JSON.stringify(`<p class="a">${'[{,"\\}]'.repeat(500_000)}</p>\\`);
    const headers = list(1000, '{"Name":"Received","Value":"from [10.0.0.1] by {mail}, with ESMTP"}');
    check(`{"HtmlBody":${html},"Headers":${headers},"Attachments":[{"Content":"${"A".repeat(10_000_000)}"}]}`);
    check(list(5000, "1"));
    check(list(10, list(4999, "1")));
    check(`${"[".repeat(64)}${"]".repeat(64)}`);
  });

  test("that is none is left to the parser", () => {
    for (const text of ["", "}", "]]]]", '"', '"\\', "\\", ",", "nul"]) check(text);
  });

  test("is counted as JSON.parse would", () => {
    const value = { a: [1, "x,y", { b: "[[[", c: ['"', "\\", '\\"'] }], d: {}, e: [] };
    const exact = { ...jsonLimits, values: 5, depth: 4 };
    requireBearableJson(Buffer.from(JSON.stringify(value)), { ...exact, values: 7 });
    expect(() => requireBearableJson(Buffer.from(JSON.stringify(value)), { ...exact, depth: 3 })).toThrow("3 deep");
  });
});
