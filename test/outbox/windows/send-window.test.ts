import { describe, expect, test } from "vitest";
import { nextOpening, type SendWindow } from "../../../src/outbox/windows/send-window.ts";

const window = (from: string, until: string, days: SendWindow["days"] = null): SendWindow => ({ from, until, days });
const opening = (each: SendWindow, zones: string[], from: string) => {
  const found = nextOpening(each, zones, Date.parse(from));
  return found && new Date(found.atMs).toISOString().slice(0, 16);
};
const berlin = ["Europe/Berlin"];

describe("a message may go", () => {
  test.each([
    ["within the hours at once", "2026-11-27T12:00Z", "2026-11-27T12:00"],
    ["from the first minute on", "2026-11-27T08:00Z", "2026-11-27T08:00"],
    ["before them later that day", "2026-11-27T07:59Z", "2026-11-27T08:00"],
    ["after them on the next day", "2026-11-27T19:00Z", "2026-11-28T08:00"],
    ["and that may be another one than in UTC", "2026-11-27T23:30Z", "2026-11-28T08:00"],
    ["by summer time on the day that it begins", "2026-03-28T20:00Z", "2026-03-29T07:00"],
    ["by winter time on the day that it begins", "2026-10-24T20:00Z", "2026-10-25T08:00"],
  ])("%s", (_, from, expected) => {
    expect(opening(window("09:00", "20:00"), berlin, from)).toBe(expected);
  });

  test.each([
    ["on the next of the days", "2026-11-27T12:00Z", "2026-11-30T08:00"],
    ["on one of them at once", "2026-11-30T12:00Z", "2026-11-30T12:00"],
    ["a week later after the last hour of the only one", "2026-11-30T19:00Z", "2026-12-07T08:00"],
  ])("%s", (_, from, expected) => {
    expect(opening(window("09:00", "20:00", ["mon"]), berlin, from)).toBe(expected);
  });

  test.each([
    ["before midnight", "2026-11-27T22:30Z", "2026-11-27T22:30"],
    ["after midnight, of the day before", "2026-11-28T00:59Z", "2026-11-28T00:59"],
    ["not after its end, which is the next day's", "2026-11-28T01:00Z", "2026-12-04T21:00"],
    ["not on a day that only ends it", "2026-11-26T23:30Z", "2026-11-27T21:00"],
  ])("over midnight %s", (_, from, expected) => {
    expect(opening(window("22:00", "02:00", ["fri"]), berlin, from)).toBe(expected);
  });

  test("the whole day, up to the last moment", () => {
    const friday = window("00:00", "24:00", ["fri"]);
    expect(opening(friday, berlin, "2026-11-27T22:59Z")).toBe("2026-11-27T22:59");
    expect(opening(friday, berlin, "2026-11-27T23:00Z")).toBe("2026-12-03T23:00");
    expect(opening(window("00:00", "24:00"), berlin, "2026-11-27T23:00Z")).toBe("2026-11-27T23:00");
  });

  test("when a time that summer time leaves out would be, and at the first of two that winter time makes", () => {
    expect(opening(window("02:30", "04:00"), berlin, "2026-03-29T00:00Z")).toBe("2026-03-29T01:30");
    expect(opening(window("02:30", "04:00"), berlin, "2026-10-25T00:00Z")).toBe("2026-10-25T00:30");
    // Until the first 02:30, and not the second one.
    expect(opening(window("01:00", "02:30"), berlin, "2026-10-25T00:45Z")).toBe("2026-10-26T00:00");
  });

  test("where several zones are meant, once it is within the hours in all of them", () => {
    const both = ["America/New_York", "America/Los_Angeles"];
    expect(opening(window("09:00", "20:00"), both, "2026-11-27T14:30Z")).toBe("2026-11-27T17:00");
    expect(opening(window("09:00", "20:00"), both, "2026-11-28T00:59Z")).toBe("2026-11-28T00:59");
    // 20:00 in New York.
    expect(opening(window("09:00", "20:00"), both, "2026-11-28T01:00Z")).toBe("2026-11-28T17:00");
    expect(opening(window("09:00", "20:00", ["fri"]), both, "2026-11-28T01:00Z")).toBe("2026-12-04T17:00");
  });

  test("never where they have no hour in common", () => {
    expect(opening(window("09:00", "12:00"), ["Europe/Berlin", "America/Los_Angeles"], "2026-11-27T09:00Z")).toBe(
      undefined,
    );
  });
});
