import { expect, test } from "vitest";
import { parseMailDate } from "../../src/formats/mail-headers.ts";
import { believeTime } from "../../src/formats/read-time.ts";

const receivedAt = new Date("2026-11-25T09:14:05Z");

test.each(["2026-11-25T06:14:05Z", "2026-11-25T09:20:00Z", "2026-11-20T09:14:05Z"])("%s is believed", (given) => {
  expect(believeTime(new Date(given), receivedAt)).toEqual(new Date(given));
});

test.each([
  "2234-06-16T16:55:24Z",
  "2024-01-01T00:04:44Z",
  "1970-01-01T00:00:00Z",
  "2026-11-25T10:14:05Z",
  "2026-11-18T09:14:05Z",
])("%s is the time of a wrong clock", (given) => expect(believeTime(new Date(given), receivedAt)).toBeUndefined());

test.each([
  "Thu, 1 Jan 1970 00:00:00 +0000",
  "Tue, 01 Jan 1980 00:00:00 +0000",
  "Mon, 16 Jun 2234 18:55:24 +0200",
  "Thu, 31 Dec 2099 23:59:59 GMT",
])("an email of %s has no time", (header) => expect(parseMailDate(header)).toBeUndefined());
