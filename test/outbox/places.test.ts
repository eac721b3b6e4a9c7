import { expect, test, vi } from "vitest";
import { createPlaces } from "../../src/outbox/places.ts";

test("a place is held by its location, towards HighLevel or a provider, until it is given back", () => {
  const places = createPlaces(32);
  const giveBack = [
    places.take({ locationId: "a", mappingId: "m", kind: "send-outbound" }),
    places.take({ locationId: "a", mappingId: "m", kind: "post-inbound" }),
    places.take({ locationId: "a", mappingId: "n", kind: "report-status" }),
  ];
  expect(places.now()).toMatchObject({
    ...{ free: 29, reserved: 4, held: { highlevel: { a: 2 }, provider: { a: 1 } } },
    heldByMapping: { "a m": 2, "a n": 1 },
  });
  for (const each of giveBack) each();
  expect(places.now()).toEqual({
    ...{ free: 32, reserved: 4, held: { highlevel: {}, provider: {} } },
    ...{ heldByMapping: {}, maxOfMapping: 24 },
  });
});

test("some places are reserved wherever there are four, and never most of them", () => {
  const reserved = [1, 2, 3, 4, 8, 16, 32, 64].map((count) => createPlaces(count).now().reserved);
  expect(reserved).toEqual([0, 0, 0, 1, 2, 2, 4, 8]);
});

test("one mapping leaves as many to the others of its location, and has one at least", () => {
  const max = [1, 2, 3, 4, 8, 16, 32, 64].map((count) => createPlaces(count).now().maxOfMapping);
  expect(max).toEqual([1, 2, 3, 2, 4, 12, 24, 48]);
});

test("half of the places that no slow lane holds are free, or not", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const places = createPlaces(8);
  const take = () => places.take({ locationId: "a", mappingId: "m", kind: "send-outbound" });
  const slow = [take(), take(), take(), take()];
  expect(places.areHalfFree()).toBe(true);
  const fifth = take();
  expect(places.areHalfFree()).toBe(false);
  fifth();
  expect(places.areHalfFree()).toBe(true);
  vi.advanceTimersByTime(1001);
  const giveBack = [take(), take()];
  expect(places.areHalfFree()).toBe(true);
  giveBack.push(take());
  expect(places.areHalfFree()).toBe(false);
  for (const each of [...slow, ...giveBack]) each();
  expect(places.areHalfFree()).toBe(true);
  vi.useRealTimers();
});

test("what is offered is half of what is free beside what is reserved, and nobody else's meanwhile", () => {
  const places = createPlaces(32);
  const [first, second] = [places.offer(), places.offer()];
  expect([first.places, second.places, places.now().free]).toEqual([12, 6, 14]);
  first.end();
  expect(places.now().free).toBe(26);
  second.end();
  expect(places.now().free).toBe(32);
  for (let lane = 0; lane < 32; lane++) places.take({ locationId: "a", mappingId: "m", kind: "post-inbound" });
  expect(places.offer().places).toBe(0);
  expect([1, 2, 3, 4].map((count) => createPlaces(count).offer().places)).toEqual([0, 1, 1, 1]);
});
