import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { layOut, toCurl } from "../../src/advice/show-request.ts";

test.each([
  ["JSON", "application/json", '{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}'],
  [
    "a form",
    "application/x-www-form-urlencoded; charset=utf-8",
    "From=%2B1500&Body=a+b%0Ac",
    "From: +1500\nBody: a b\nc\n",
  ],
  ["what says that it is JSON and is not", "application/json", "a=b", "a=b"],
  ["what says nothing", undefined, "a=b&c", "a=b&c"],
])("%s is shown as people read it", (_what, contentType, posted, shown) => {
  expect(layOut(posted, contentType)).toBe(shown);
});

test("the line for a shell hands on each byte, and nothing of it is a command of its own", () => {
  const hostile = `it's $(exit 3) \`exit 4\` "; exit 5`;
  const line = toCurl({
    url: `https://bridge.example/webhooks/1?a=${hostile}`,
    headers: { host: "bridge.example", "x-what": hostile },
    bodyBase64: Buffer.from([0, 255, 39, 10]).toString("base64"),
  });
  const script = `curl() { cat | od -An -tx1; for each in "$@"; do printf '%s\\n' "$each"; done; }\n${line}`;
  const [body, ...given] = execFileSync("sh", ["-c", script], { encoding: "utf8" }).trimEnd().split("\n");
  expect(body?.trim()).toBe("00 ff 27 0a");
  expect(given).toEqual([
    "-H",
    `x-what: ${hostile}`,
    "--data-binary",
    "@-",
    `https://bridge.example/webhooks/1?a=${hostile}`,
  ]);
});
