import { expect, test } from "vitest";
import { oweEvents } from "../../src/events/owe-events.ts";
import { createListeners } from "../../src/registry/endpoints/listeners.ts";
import type { Listener } from "../../src/store/events/endpoints.ts";
import type { Db } from "../../src/store/postgres/database.ts";

/** A database that has these endpoints, and must be asked for nothing else. */
function dbOf(listeners: Listener[]): Db {
  const chain = { from: () => chain, where: () => chain, orderBy: async () => listeners };
  return { select: () => chain } as unknown as Db;
}
const untouched = new Proxy({}, { get: (_, name) => expect.unreachable(`asked for ${String(name)}`) }) as Db;
const happened = [{ type: "message.received" as const, locationId: "a", messageId: 1 }];

test("where nobody listens nothing is asked of the database", async () => {
  expect(await oweEvents(untouched, createListeners(dbOf([])), happened)).toEqual([]);
  const listeners = createListeners(
    dbOf([
      { id: "of another location", events: ["message.received"], locationIds: ["b"] },
      { id: "of another event", events: ["message.failed"], locationIds: null },
    ]),
  );
  await listeners.learn();
  expect(await oweEvents(untouched, listeners, happened)).toEqual([]);
});

test("who listens to a location is told of no other, and who names none of all", async () => {
  const listeners = createListeners(
    dbOf([
      { id: "one", events: ["message.received", "message.failed"], locationIds: ["a", "b"] },
      { id: "all", events: ["message.received"], locationIds: null },
    ]),
  );
  await listeners.learn();
  const told = (type: "message.received" | "message.failed", locationId: string) =>
    listeners.of(type, locationId).map(({ id }) => id);
  expect(told("message.received", "a")).toEqual(["one", "all"]);
  expect(told("message.received", "c")).toEqual(["all"]);
  expect(told("message.failed", "b")).toEqual(["one"]);
  expect(told("message.failed", "c")).toEqual([]);
});

test("of two that learn at once the later one counts, however late the earlier one is answered", async () => {
  const answers: ((listeners: Listener[]) => void)[] = [];
  const chain = {
    from: () => chain,
    where: () => chain,
    orderBy: () => new Promise<Listener[]>((resolve) => answers.push(resolve)),
  };
  const listeners = createListeners({ select: () => chain } as unknown as Db);
  const learning = [listeners.learn(), listeners.learn()];
  answers[1]?.([{ id: "new", events: ["message.received"], locationIds: null }]);
  answers[0]?.([]);
  await Promise.all(learning);
  expect(listeners.ofType("message.received").map(({ id }) => id)).toEqual(["new"]);
});
