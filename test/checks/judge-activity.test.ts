import { expect, test } from "vitest";
import { judgeActivity } from "../../src/checks/judge-activity.ts";
import type { Activity } from "../../src/store/messages/activity.ts";

const now = new Date("2026-11-26T12:00:00Z");
const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
const nothing: Activity = { webhooks: [], messages: [], deliveries: [] };
const sent = { id: 7, direction: "outbound", state: "sent", error: null, createdAt: ago(90) } as const;
const waiting = { kind: "post-inbound", state: "pending", reason: null, count: 2, oldestSeconds: 1000 } as const;

function judge(activity: Partial<Activity>): Record<string, string> {
  const findings = judgeActivity({ ...nothing, ...activity }, now);
  return Object.fromEntries(findings.map(({ check, state, detail }) => [check, `${state}: ${detail}`]));
}

test("a mapping on which all goes well has nothing but ok", () => {
  const webhook = { source: "provider", state: "processed", reason: null, receivedAt: ago(1) } as const;
  const states = judgeActivity({ ...nothing, webhooks: [webhook], messages: [{ ...sent, state: "delivered" }] }, now);
  expect(states.map(({ check, state }) => `${check} ${state}`)).toEqual([
    ...[
      "lastWebhook ok",
      "lastSend ok",
      "lastReceipt ok",
      "deadDeliveries ok",
      "heldMessages ok",
      "waitingDeliveries ok",
    ],
  ]);
});

test.each<[string, Partial<Activity>, string, RegExp]>([
  [
    "HighLevel's calls alone",
    { webhooks: [{ source: "highlevel", state: "processed", reason: null, receivedAt: ago(1) }] },
    ...(["lastWebhook", /^warning: no webhook of the provider/] as [string, RegExp]),
  ],
  [
    "a webhook that cannot be read",
    { webhooks: [{ source: "provider", state: "failed", reason: "From is missing", receivedAt: ago(1) }] },
    ...(["lastWebhook", /^warning: .*2026-11-26 11:59.*From is missing/] as [string, RegExp]),
  ],
  [
    "a send that failed",
    { messages: [{ ...sent, state: "failed", error: { code: "30007", message: "filtered" } }] },
    ...(["lastSend", /^warning: .*filtered \(30007\)/] as [string, RegExp]),
  ],
  ["sends without receipts", { messages: [sent, { ...sent, id: 6 }] }, "lastReceipt", /^warning: of 2 messages/],
  [
    "deliveries that were given up",
    { deliveries: [{ ...waiting, state: "dead", reason: "rejected" }] },
    ...(["deadDeliveries", /^warning: .*2 post-inbound \(rejected\)/] as [string, RegExp]),
  ],
  [
    "messages of unknown people",
    { deliveries: [{ ...waiting, state: "dead", reason: "unknown_sender" }] },
    ...(["heldMessages", /^warning: .*2 are held/] as [string, RegExp]),
  ],
  [
    "what waits",
    { deliveries: [{ ...waiting, reason: "throttled" }] },
    "waitingDeliveries",
    /^warning: .*2 .*throttled/,
  ],
])("%s is a warning", (_what, activity, check, words) => {
  expect(judge(activity)[check]).toMatch(words);
});

test("what is held is not counted as given up, and what has just been sent needs no receipt yet", () => {
  const held = { ...waiting, state: "dead", reason: "unknown_sender" } as const;
  expect(judge({ deliveries: [held] })["deadDeliveries"]).toMatch(/^ok/);
  expect(judge({ messages: [{ ...sent, createdAt: ago(5) }] })).not.toHaveProperty("lastReceipt");
});
