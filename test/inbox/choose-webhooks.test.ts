import { expect, test } from "vitest";
import { type Caution, chooseWebhooks, newCaution } from "../../src/inbox/choose-webhooks.ts";
import type { Webhook } from "../../src/store/schema.ts";

const webhook = (id: number, accountId: string, bytes = 10, more: Partial<Webhook> = {}): Webhook => ({
  ...{ id, accountId, body: Buffer.alloc(bytes), source: "provider", url: "u", headers: {}, state: "received" },
  ...{ reason: null, fetchedFrom: null, eventId: null, readAttempts: 0, receivedAt: new Date() },
  ...more,
});
const large = 1_000_000;

/** Which are processed one after the other, and together. */
function rounds(webhooks: Webhook[], caution: Caution): number[][] {
  const left = [...webhooks];
  const done: number[][] = [];
  while (left.length > 0) {
    const choice = chooseWebhooks(left, caution);
    if (!("webhooks" in choice)) throw new Error(JSON.stringify(Object.keys(choice)));
    done.push(choice.webhooks.map(({ id }) => id));
    for (const each of choice.webhooks) left.splice(left.indexOf(each), 1);
    caution.turn++;
  }
  return done;
}

test("one mapping's large webhooks wait for the others' small ones, take turns with them, and keep their order", () => {
  const ofOne = [1, 2, 3].map((id) => webhook(id, "a", large));
  const received = [...ofOne, webhook(4, "a"), webhook(5, "b"), webhook(6, "b", large), webhook(7, "b")];
  expect(rounds(received, newCaution())).toEqual([[5], [1, 2, 6], [3], [4, 7]]);
});

test("an endless stream of small ones keeps neither a large one waiting, nor one that is read alone", () => {
  const caution = newCaution();
  caution.failures.set(2, 1);
  const [heavy, suspect] = [webhook(1, "a", large), webhook(2, "b")];
  const chosen = [3, 4, 5].map((id) => {
    const choice = chooseWebhooks([heavy, suspect, webhook(id, "c")], caution);
    caution.turn++;
    return "webhooks" in choice ? choice.webhooks.map((each) => each.id) : [];
  });
  expect(chosen).toEqual([[3], [2], [1]]);
});

test("large ones of many mappings go together, two of each", () => {
  const received = [1, 2, 3].map((id) => webhook(id, "a", large));
  expect(rounds([...received, webhook(4, "b", large)], newCaution())).toEqual([[1, 2, 4], [3]]);
});

test("what was in a batch that failed, or that a process died over, is read alone and in its line; all others go together", () => {
  const caution = newCaution();
  caution.failures.set(3, 1);
  const received = [webhook(1, "a"), webhook(2, "b"), webhook(3, "b"), webhook(4, "a")];
  expect(rounds(received, caution)).toEqual([[1, 2, 4], [3]]);
  const suspect = webhook(1, "a", 10, { readAttempts: 1 });
  expect(chooseWebhooks([suspect, webhook(2, "a")], caution)).toEqual({ webhooks: [suspect], uncounted: [1] });
  caution.counted.add(1);
  const counted = { ...suspect, readAttempts: 2 };
  expect(chooseWebhooks([counted, webhook(2, "a")], caution)).toEqual({ webhooks: [counted], uncounted: [] });
});

test("processes that are killed by chance again and again do not die over the same webhook", () => {
  const left = ["a", "b", "c", "d"].map((accountId, index) => webhook(index + 1, accountId, 10, { readAttempts: 1 }));
  for (let kills = 0; kills < left.length; kills++) {
    const choice = chooseWebhooks(left, newCaution());
    if (!("webhooks" in choice)) throw new Error("one is failed");
    for (const each of choice.webhooks) each.readAttempts++;
  }
  expect(left.map(({ readAttempts }) => readAttempts)).toEqual([2, 2, 2, 2]);
});

test("what the bridge has died over too often is read by nobody, and first of all", () => {
  const fatal = webhook(2, "a", 10, { readAttempts: 3 });
  expect(chooseWebhooks([webhook(1, "b"), fatal], newCaution())).toEqual({ fatal: [fatal] });
});
