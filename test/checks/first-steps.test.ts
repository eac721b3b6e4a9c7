import { expect, test } from "vitest";
import { judgeTraffic } from "../../src/checks/first-steps.ts";

type Traffic = Parameters<typeof judgeTraffic>[0];
type Change = Partial<Traffic["activity"]> & Partial<Omit<Traffic, "activity">>;

const at = (minute: number) => new Date(Date.UTC(2026, 10, 27, 10, minute));
const webhook = { source: "provider", state: "processed", reason: null, receivedAt: at(5) } as const;
const refused = { source: "provider", reason: "no_match", count: 3, lastAt: at(6) } as const;
const sent = { id: 7, direction: "outbound", state: "sent", error: null, createdAt: at(7) } as const;
const owed = { kind: "post-inbound", state: "pending", reason: null, count: 1, oldestSeconds: 1 } as const;

function judge({ refused = [], isPosted = false, ...activity }: Change): Record<string, string> {
  const nothing = { webhooks: [], messages: [], deliveries: [] };
  const found = judgeTraffic({ activity: { ...nothing, ...activity }, refused, isPosted });
  return Object.fromEntries(found.map(({ check, state, detail }) => [check, `${state}: ${detail}`]));
}

test("all is done once a message went both ways and a receipt came", () => {
  const messages = [{ ...sent, state: "delivered" as const }];
  const states = Object.values(judge({ webhooks: [webhook], messages, isPosted: true }));
  expect(states.every((each) => each.startsWith("ok: "))).toBe(true);
});

test.each<[string, Change, string, RegExp]>([
  ["nothing came", {}, "webhook", /^warning: no webhook/],
  ["all was refused", { refused: [refused] }, "webhook", /^failure: 3 were refused, no_match: None of/],
  ["the last was refused", { webhooks: [webhook], refused: [refused] }, "webhook", /^failure/],
  ["one was let in since", { webhooks: [{ ...webhook, receivedAt: at(9) }], refused: [refused] }, "webhook", /^ok/],
  [
    "one could not be read",
    { webhooks: [{ ...webhook, state: "failed", reason: "no From" }] },
    ...(["webhook", /^failure: .*no From/] as [string, RegExp]),
  ],
  [
    "a message waits",
    { deliveries: [{ ...owed, reason: "throttled" }] },
    "inHighlevel",
    /^warning: it waits: throttled/,
  ],
  ["it was given up", { deliveries: [{ ...owed, state: "dead", reason: "rejected" }] }, "inHighlevel", /^failure/],
  ["HighLevel was refused", { refused: [{ ...refused, source: "highlevel" }] }, "deliveryUrl", /^failure/],
  ["an answer is sent", { messages: [sent] }, "deliveryUrl", /^ok/],
  ["an answer waits", { messages: [{ ...sent, state: "queued" }] }, "sent", /^warning: message 7 waits/],
  [
    "an answer failed",
    { messages: [{ ...sent, state: "failed", error: { code: "30007", message: "filtered" } }] },
    ...(["sent", /^failure: message 7 failed: filtered \(30007\)/] as [string, RegExp]),
  ],
  ["no receipt came", { messages: [sent] }, "receipt", /^warning: no receipt/],
])("the first steps tell that %s", (_what, change, check, words) => {
  expect(judge(change)[check]).toMatch(words);
});
