import { expect, test } from "vitest";
import { type Caution, chooseWebhooks, newCaution } from "../../src/inbox/choose-webhooks.ts";
import type { ReceivedWebhook } from "../../src/store/received-webhooks.ts";

const webhook = (id: number, mappingId: string, bytes = 10, more: Partial<ReceivedWebhook> = {}): ReceivedWebhook => ({
  ...{ id, mappingId, body: Buffer.alloc(bytes), source: "provider", url: "u", headers: {}, state: "received" },
  ...{ reason: null, eventId: null, readAttempts: 0, lastReadAt: null, receivedAt: new Date(), isBeingRead: false },
  ...more,
});
const large = 1_000_000;

/** Which are processed one after the other, and together. */
function rounds(webhooks: ReceivedWebhook[], caution: Caution): number[][] {
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
  expect(rounds(received, newCaution())).toEqual([[5], [1, 2, 6], [7], [3], [4]]);
});

test("an endless stream of small ones does not keep a large one waiting", () => {
  const caution = newCaution();
  const received = [webhook(1, "a", large), webhook(2, "b")];
  expect(chooseWebhooks(received, caution)).toMatchObject({ webhooks: [{ id: 2 }] });
  caution.turn++;
  expect(chooseWebhooks([webhook(1, "a", large), webhook(3, "b")], caution)).toMatchObject({ webhooks: [{ id: 1 }] });
});

test("large ones of many mappings go together, two of each", () => {
  const received = [1, 2, 3].map((id) => webhook(id, "a", large));
  expect(rounds([...received, webhook(4, "b", large)], newCaution())).toEqual([[1, 2, 4], [3]]);
});

test("what was in a batch that failed, or that a process died over, is read alone; others up to it go together", () => {
  const caution = newCaution();
  caution.failures.set(3, 1);
  const received = [webhook(1, "a"), webhook(2, "b"), webhook(3, "b"), webhook(4, "a")];
  expect(rounds(received, caution)).toEqual([[1, 2], [3], [4]]);
  const suspect = webhook(1, "a", 10, { readAttempts: 1 });
  expect(chooseWebhooks([suspect, webhook(2, "b")], caution)).toEqual({ uncounted: [1] });
  caution.counted.add(1);
  const counted = { ...suspect, readAttempts: 2 };
  expect(chooseWebhooks([counted, webhook(2, "b")], caution)).toEqual({ webhooks: [counted] });
});

test("what another process may be reading for the last time is left, with all behind it in its line", () => {
  const fatal = webhook(1, "a", 10, { readAttempts: 3, isBeingRead: true });
  const received = [fatal, webhook(2, "a"), webhook(3, "b")];
  expect(chooseWebhooks(received, newCaution())).toMatchObject({ webhooks: [{ id: 3 }] });
  expect(chooseWebhooks([{ ...fatal, isBeingRead: false }, ...received.slice(1)], newCaution())).toMatchObject({
    fatal: [{ id: 1 }],
  });
});
