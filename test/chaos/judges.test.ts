import { describe, expect, test } from "vitest";
import type { AskedSend, HeardEvent } from "../../chaos/beside/door.ts";
import {
  judgeDelivered,
  judgeImport,
  judgeReceived,
  judgeSends,
  judgeTaken,
  type PastMessage,
} from "../../chaos/beside/judges.ts";
import { idOf, personNumber } from "../support/load.ts";

const idsOf = (person: number) => [1, 2, 3].map((number) => idOf("generic-sms", person, number));
const [first = "", second = "", third = ""] = idsOf(500);
const ids = new Set([first, second, third]);

describe("the judge of an import", () => {
  const person = personNumber(500);
  const rows = [...ids].map(
    (id, index): PastMessage => ({
      id,
      date: `2024-01-0${index + 1}T00:00:00.000Z`,
      direction: "inbound",
      person,
      text: id,
    }),
  );
  const stored = rows.map(({ id, date, direction }) => ({ altId: id, dateAdded: date, direction }));
  const accepted = [...ids].map((id) => ({ altId: id, address: person, text: id }));

  test("finds nothing wrong with all of it, the oldest first", () => {
    expect(judgeImport(rows, accepted, stored)).toEqual([]);
  });

  test.each([
    ["what is lost", accepted.slice(1), `1 lost: ${first}`],
    ["what is doubled", [...accepted, ...accepted.slice(2)], `1 doubled: ${third}`],
    ["a younger one that came first", accepted.toReversed(), `2 out of order: ${second}, ${first}`],
    ["another one of the person's", [...accepted, { altId: "x", address: person, text: "x" }], "1 invented: x"],
  ])("sees %s", (_what, there, complaint) => {
    expect(judgeImport(rows, there, stored)).toEqual([complaint]);
  });

  test.each([
    ["another date", { dateAdded: "2026-01-01T00:00:00.000Z" }],
    ["another direction", { direction: "outbound" }],
  ])("sees %s", (_what, change) => {
    const changed = stored.map((each) => (each.altId === second ? { ...each, ...change } : each));
    expect(judgeImport(rows, accepted, changed)).toEqual([`1 with another date or direction: ${second}`]);
  });
});

describe("the judge of an agent's sends", () => {
  const ask = (text: string, change: Partial<AskedSend> = {}): AskedSend => {
    return { key: `msg_${text}`, to: personNumber(500), text, isTaken: true, ...change };
  };
  const judged = (asked: AskedSend[]) => judgeSends(ids, asked);

  test("finds nothing wrong with what is taken once, and asked for again by the same key before the next", () => {
    const asked = [ask(first, { isTaken: false }), ask(first), ask(second), ask(second), ask(third)];
    expect(judged(asked)).toEqual([]);
  });

  test.each([
    ["what was never taken", [ask(first), ask(second), ask(third, { isTaken: false })], [`1 lost: ${third}`]],
    ["a second key", [ask(first), ask(first, { key: "other" }), ask(second), ask(third)], [`1 doubled: ${first}`]],
    [
      "what came again although it was recorded",
      [...[...ids].map((id) => ask(id)), ask(first)],
      [`1 after a later one: ${first}`],
    ],
    [
      "what was sent to somebody else",
      [ask(first, { to: "+15005550000" }), ask(second), ask(third)],
      [`1 misplaced: ${first}`],
    ],
    [
      "what nobody wrote",
      [...[...ids].map((id) => ask(id)), ask("generic-sms-500-9")],
      ["1 invented: generic-sms-500-9"],
    ],
    [
      "what passed another",
      [ask(first), ask(third), ask(second)],
      [`1 out of order: ${second}`, `1 after a later one: ${second}`],
    ],
  ])("sees %s", (_what, asked, complaints) => {
    expect(judged(asked)).toEqual(complaints);
  });
});

test("the judge of a limit counts what was taken, once, and not what was asked for in vain", () => {
  const ask = (key: string, isTaken = true): AskedSend => ({ key, to: personNumber(500), text: key, isTaken });
  const asked = [ask("a"), ask("a"), ask("b"), ask("c", false)];
  expect(judgeTaken(asked, 2)).toEqual([]);
  expect(judgeTaken(asked, 1)).toEqual(["2 were sent where 1 might be"]);
  expect(judgeTaken([], 0)).toEqual([]);
});

describe("the judge of events", () => {
  const hear = (id: string, change: Partial<HeardEvent> = {}): HeardEvent => {
    const data = { messageId: 1, address: personNumber(500), providerMessageId: id, highlevelMessageId: id, text: id };
    return { id: `event-${id}`, type: "message.received", data, ...change };
  };
  const all = [...ids].map((id) => hear(id));

  test("finds nothing wrong with what was told by one event, however often", () => {
    expect(judgeReceived(ids, ids, [...all, ...all])).toEqual([]);
    expect(judgeDelivered(ids, [...all.toReversed(), ...all])).toEqual([]);
  });

  test("sees what was not told, what was told by two events, and what is none of those", () => {
    expect(judgeReceived(ids, ids, all.slice(1))).toEqual([`1 lost: ${first}`]);
    expect(judgeReceived(ids, ids, [...all, hear(third, { id: "other" })])).toEqual([`1 doubled: ${third}`]);
    expect(judgeReceived(new Set(), new Set(), [hear(first)])).toEqual([`1 invented: ${first}`]);
    expect(judgeDelivered(ids, all.slice(1))).toEqual([`1 lost: ${first}`]);
    expect(judgeDelivered(ids, [...all, hear(third, { id: "other" })])).toEqual([`1 doubled: ${third}`]);
    expect(judgeDelivered(new Set(), [hear(first)])).toEqual([`1 invented: ${first}`]);
  });

  test("sees what a person wrote told in another order", () => {
    expect(judgeReceived(ids, ids, all.toReversed())).toEqual([`2 out of order: ${second}, ${first}`]);
  });
});
