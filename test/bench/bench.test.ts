import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import twilio from "twilio";
import { expect, test } from "vitest";
import {
  type Finding,
  formatNumber,
  type Report,
  summaryOf,
  tableLines,
  verdictOf,
  writeReport,
} from "../../bench/report.ts";
import { median, quantile } from "../../bench/statistics.ts";
import { messageIdAt, publicUrl, requestAt, type Traffic, twilioAuthToken } from "../../bench/webhooks.ts";
import { telnyx } from "../../src/providers/sms/telnyx.ts";
import { signer as telnyxSigner } from "../fixtures/telnyx/sign.ts";

const unit = "/s";
const findings: Finding[] = [
  {
    measure: "acks",
    rows: [
      { what: "met", value: 120, unit, bar: { is: "at least", value: 100, because: "0.5 of the echo" } },
      { what: "short", value: 75, unit, bar: { is: "at least", value: 100 } },
      { what: "over", value: 16.5, unit: "ms", bar: { is: "under", value: 15 } },
      { what: "exactly", value: 15, unit: "ms", bar: { is: "under", value: 15 } },
      { what: "absent", unit: "ms", bar: { is: "under", value: 15 }, note: "broke off" },
      { what: "peer", value: 7000, unit },
    ],
    details: {},
  },
];

test("a number that misses its bar is never called met, and the table says by how much it missed", () => {
  expect(findings[0]?.rows.map(verdictOf)).toEqual(["met", "short", "short", "short", "not measured", "no bar"]);
  const lines = tableLines(findings).slice(1);
  expect(lines.map((cells) => cells[3])).toEqual([
    "met",
    "short by 25 %",
    "over by 10 %",
    "over by 0.0 %",
    "not measured",
    "",
  ]);
  expect(lines[0]).toEqual(["met", "120 /s", "at least 100 /s (0.5 of the echo)", "met", ""]);
  expect(summaryOf(findings)).toBe("1 of 5 bars met, 1 not measured");
  expect(formatNumber(1234.567)).toBe("1,235");
});

test("nor is a ratio of nothing", () => {
  expect(verdictOf({ what: "of no readings", value: Number.NaN, unit: "×", bar: { is: "under", value: 1.1 } })).toBe(
    "not measured",
  );
});

test("results are written with the machine that they are of, as JSON and as a page", () => {
  const folder = mkdtempSync(join(tmpdir(), "bench-test-"));
  const machine: Report["machine"] = {
    name: "some-cpu-2-cores",
    cpu: "Some CPU",
    cores: 2,
    memoryGb: 8,
    flushMs: 0.1,
    flushMsP99: 1,
    loadBefore: 0,
    platform: "linux x64",
    node: "v20.19.0",
    postgresql: "18",
    commit: "abcdef0",
    hasUncommittedChanges: false,
  };
  const times = { startedAt: "2026-01-02T03:04:05.000Z", finishedAt: "2026-01-02T03:05:00.000Z" };
  const report: Report = { ...times, scope: "whole", settings: {}, machine, findings };
  const path = writeReport(folder, report);
  expect(path).toBe(join(folder, "2026-01-02-some-cpu-2-cores"));
  expect(JSON.parse(readFileSync(`${path}.json`, "utf8"))).toEqual(report);
  expect(readFileSync(`${path}.md`, "utf8")).toContain("| short | 75 /s | at least 100 /s | short by 25 % |  |");
  expect(writeReport(folder, { ...report, scope: "quick" })).toBe(`${path}-quick`);
  rmSync(folder, { recursive: true });
});

const targets = [
  { mappingId: "11111111-1111-4111-8111-111111111111", address: "+15002000000" },
  { mappingId: "22222222-2222-4222-8222-222222222222", address: "+15002000001" },
];
const traffic: Traffic = { provider: "twilio", targets, people: 2, seed: "seed" };

function readRequest(bytes: Buffer) {
  const [head = "", body = ""] = bytes.toString().split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/s).slice(0, 2)));
  return { url: `${publicUrl}${first.split(" ")[1]}`, headers, body };
}

test("what the benchmark posts is signed as Twilio signs it, by the word of Twilio's SDK, and each message is another", () => {
  const requests = [0, 1, 2, 4].map((index) => readRequest(requestAt(traffic, index)));
  for (const { url, headers, body } of requests) {
    const fields = Object.fromEntries(new URLSearchParams(body));
    expect(twilio.validateRequest(twilioAuthToken, headers["x-twilio-signature"] ?? "", url, fields)).toBe(true);
    expect(Number(headers["content-length"])).toBe(body.length);
  }
  const [first, second, third, fifth] = requests.map(({ body }) => new URLSearchParams(body));
  expect(first?.get("MessageSid")).toBe(messageIdAt(traffic, 0));
  expect(first?.get("MessageSid")).not.toBe(fifth?.get("MessageSid"));
  expect(second?.get("To")).toBe("+15002000001");
  expect(first?.get("From")).not.toBe(third?.get("From"));
  expect(first?.get("From")).toBe(fifth?.get("From"));
});

test("and as Telnyx signs it", async () => {
  const { url, headers, body } = readRequest(requestAt({ ...traffic, provider: "telnyx" }, 7));
  const request = { url, headers, body: Buffer.from(body), receivedAt: new Date() };
  expect(await telnyx.verify(request, telnyxSigner.credentials as { publicKey: string })).toBe(true);
});

test("quantiles are values that were measured", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(quantile([1, 2, 3, 4], 1)).toBe(4);
  expect(quantile([5], 0.99)).toBe(5);
  expect(median([])).toBeNaN();
});
