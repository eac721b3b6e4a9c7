import { expect, test } from "vitest";
import { storyOf } from "../../src/http/admin/messages/story.ts";
import type { WholeMessage } from "../../src/http/admin/messages/whole-message.ts";

type TriedDelivery = WholeMessage["deliveries"][number];

const begin = Date.UTC(2026, 0, 31, 9, 30);
const at = (seconds: number) => new Date(begin + seconds * 1000);

const delivery = (fields: Partial<TriedDelivery>) =>
  ({
    ...{ kind: "post-inbound", state: "pending", reason: null, detail: null, attemptLog: [], createdAt: at(0) },
    ...{ finishedAt: null, retryAt: null, replayedAt: null, note: null, mayHaveHappened: false },
    ...{ id: 1, replayId: null, interruptedAt: null },
    ...fields,
  }) as TriedDelivery;
const message = (fields: Partial<WholeMessage>) =>
  ({
    ...{ direction: "inbound", origin: "provider", state: "received", error: null, reportedState: null },
    ...{ sentAt: null, receivedAt: at(0), createdAt: at(0), webhooks: [], deliveries: [], fates: null, leftOut: null },
    ...fields,
  }) as WholeMessage;
const told = (fields: Partial<WholeMessage>) => storyOf(message(fields)).map(({ what }) => what);

test("a story has each attempt in the other side's words, what it means, and the waits between", () => {
  const attemptLog: TriedDelivery["attemptLog"] = [
    { startedAt: at(0.5), durationMs: 812, outcome: "unavailable", status: 503, detail: "Service Unavailable" },
    { startedAt: at(4), durationMs: 90, outcome: "delivered", status: 201, detail: null },
  ];
  const posted = delivery({ state: "delivered", finishedAt: at(4.09), attemptLog });
  const story = storyOf(message({ deliveries: [posted] }));
  expect(story.map(({ what }) => what)).toEqual([
    "Received from the provider, verified and stored",
    "Post to HighLevel, attempt 1: unavailable, 503 in 812 ms",
    "3.5 s passed",
    "Post to HighLevel: done, after a look by altId whether it was there, 201 in 90 ms",
  ]);
  expect(story[1]).toMatchObject({ said: "Service Unavailable", means: expect.stringContaining("503") });
});

test("what waits says for what, and that it is looked up first where an attempt may have been carried out", () => {
  const waiting = delivery({ reason: "outcome_unknown", mayHaveHappened: true });
  expect(told({ deliveries: [waiting] }).at(-1)).toBe(
    "Post to HighLevel: waits: outcome_unknown. An earlier attempt may have been carried out: it is looked up first.",
  );
  const later = delivery({ reason: "unavailable", retryAt: new Date(Date.now() + 3_600_000) });
  expect(told({ deliveries: [later] }).slice(-2)).toEqual([
    expect.stringMatching(/ to go$/),
    "Post to HighLevel: the next attempt.",
  ]);
});

test("what was given up, replayed or discarded says so", () => {
  const dead = delivery({ state: "dead", reason: "rejected", detail: "no such contact", finishedAt: at(1) });
  expect(storyOf(message({ deliveries: [dead] })).at(-1)).toMatchObject({ state: "bad", said: "no such contact" });
  const discarded = delivery({ state: "discarded", finishedAt: at(2), replayedAt: at(1), note: "called them" });
  expect(told({ deliveries: [discarded] }).slice(1)).toEqual([
    "1 s passed",
    "Post to HighLevel: replayed by somebody",
    "1 s passed",
    "Post to HighLevel: discarded",
  ]);
});

test("a lease that ended, a turn behind another message, and what verified it are told by name", () => {
  const attemptLog: TriedDelivery["attemptLog"] = [
    { startedAt: at(0.8), durationMs: 90, outcome: "delivered", status: 201, detail: null },
  ];
  const posted = delivery({ state: "delivered", interruptedAt: at(0.7), attemptLog });
  const turns = [{ deliveryId: 1, messageId: 41, state: "delivered" as const, finishedAt: at(0.5) }];
  const steps = storyOf(message({ deliveries: [posted] }), { turns, proof: ["x-signature"] });
  expect(steps.map(({ what }) => what)).toEqual([
    "Received from the provider, verified by x-signature, and stored",
    "Post to HighLevel: its turn, behind message 41",
    "Post to HighLevel: the lease of the process that held it ended, as that has died or overran it",
    "Post to HighLevel: done, after a look by altId whether it was there, 201 in 90 ms",
  ]);
  const waiting = storyOf(message({ deliveries: [delivery({})] }), {
    turns: [{ deliveryId: 1, messageId: 41, state: "pending", finishedAt: null }],
    proof: [],
  });
  expect(waiting.at(-1)?.what).toBe("Post to HighLevel: waits behind message 41.");
});

test("receipts stand where they came", () => {
  const fates = [
    { at: at(0.2).toISOString(), state: "sent" as const },
    { at: at(0.4).toISOString(), state: "delivered" as const },
  ];
  const read = message({ direction: "outbound", origin: "highlevel", state: "delivered", fates });
  expect(storyOf(read).map(({ what }) => what)).toEqual([
    "Received from HighLevel, verified and stored",
    "A receipt tells: sent",
    "A receipt tells: delivered",
    "The message is delivered",
  ]);
});

test.each([
  ["outbound", { "a@example.org": { status: "delivered" as const } }, "12 receipts of further recipients"],
  ["inbound", null, "12 files of the call"],
] as const)("what was not kept, as there was too much of it, is told of what is %s", (direction, recipients, what) => {
  expect(told({ direction, recipients, leftOut: 12 })).toContainEqual(expect.stringContaining(what));
});

test("of a message from before receipts' times were kept, a receipt's time is not known, and none is made up", () => {
  const failed = message({
    ...{ direction: "outbound", origin: "highlevel", state: "failed", reportedState: "failed" },
    error: { code: "30007", message: "Carrier violation" },
  });
  expect(storyOf(failed).at(-1)).toMatchObject({ at: null, state: "bad", said: "Carrier violation (30007)" });
});
