import { describe, expect, test } from "vitest";
import { zonesByAreaCode } from "../../../src/formats/times/area-codes.ts";
import { clockAt, dayAt, instantOf, isTimeZone, weekdayOf } from "../../../src/formats/times/local-time.ts";
import { zonesOfNumber } from "../../../src/formats/times/zones-of-number.ts";

const at = (time: string) => Date.parse(time);
const berlin = "Europe/Berlin";
const minutes = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const instant = (date: string, time: string, zone = berlin) =>
  new Date(instantOf(zone, at(`${date}T00:00Z`) / 86_400_000, minutes(time))).toISOString().slice(0, 16);

describe("a time by the clocks of a zone", () => {
  test.each([
    ["2026-07-01", "09:00", "2026-07-01T07:00"],
    ["2026-12-01", "09:00", "2026-12-01T08:00"],
    // The clocks go from 02:00 to 03:00.
    ["2026-03-29", "01:59", "2026-03-29T00:59"],
    ["2026-03-29", "02:30", "2026-03-29T01:30"],
    ["2026-03-29", "03:00", "2026-03-29T01:00"],
    // And from 03:00 back to 02:00.
    ["2026-10-25", "01:59", "2026-10-24T23:59"],
    ["2026-10-25", "02:30", "2026-10-25T00:30"],
    ["2026-10-25", "03:00", "2026-10-25T02:00"],
    ["2026-10-25", "24:00", "2026-10-25T23:00"],
  ])("%s %s is %s in UTC", (date, time, expected) => {
    expect(instant(date, time)).toBe(expected);
  });

  test("is told with its date, whatever the zone is", () => {
    expect(clockAt("Pacific/Auckland", at("2026-11-27T12:30Z"))).toEqual({ date: "2026-11-28", time: "01:30" });
    expect(clockAt("America/St_Johns", at("2026-11-28T02:29:59.900Z"))).toEqual({ date: "2026-11-27", time: "22:59" });
    expect(weekdayOf(dayAt("Asia/Kathmandu", at("2026-11-29T18:15Z")))).toBe(0);
    expect(weekdayOf(dayAt("Asia/Kathmandu", at("2026-11-29T18:14Z")))).toBe(6);
  });
});

test("takes names of zones and no offsets", () => {
  expect(["Europe/Berlin", "America/Argentina/Ushuaia", "UTC"].map(isTimeZone)).toEqual([true, true, true]);
  expect(["Europe/Bielefeld", "+01:00", "", "berlin", "GMT+1"].map(isTimeZone)).toEqual(Array(5).fill(false));
});

describe("the zones of a number", () => {
  test.each([
    ["+12125550100", ["America/New_York"]],
    ["+13105550100", ["America/Los_Angeles"]],
    ["+18505550100", ["America/Chicago", "America/New_York"]],
    ["+16045550100", ["America/Vancouver"]],
    ["+18095550100", ["America/Santo_Domingo"]],
    ["+436641234567", ["Europe/Vienna"]],
    ["+447400123456", ["Europe/London"]],
  ])("%s: %j", (number, zones) => {
    expect(zonesOfNumber(number)).toEqual(zones);
  });

  test("are all of its country where nothing tells more, and none where that is unknown", () => {
    expect(zonesOfNumber("+61412345678")).toEqual(expect.arrayContaining(["Australia/Perth", "Australia/Sydney"]));
    expect(zonesOfNumber("+5511961234567")).toEqual(
      expect.arrayContaining(["America/Sao_Paulo", "America/Rio_Branco"]),
    );
    // Kept for films, and of no plan: of all of that calling code.
    expect(zonesOfNumber("+447700900123")).toEqual(
      expect.arrayContaining(["Europe/London", "Europe/Jersey", "Europe/Isle_of_Man"]),
    );
    expect(["+99912345678", "72975", "ACME", "id:00000000:x"].map(zonesOfNumber)).toEqual([[], [], [], []]);
  });

  test("are known to this Node.js, each of every area code", () => {
    const unknown = [...zonesByAreaCode.values()].flat().filter((zone) => !isTimeZone(zone));
    expect(unknown).toEqual([]);
    expect([...zonesByAreaCode.keys()].filter((code) => !/^[2-9]\d\d$/.test(code))).toEqual([]);
    expect(zonesByAreaCode.size).toBeGreaterThan(380);
  });
});
