import { expect, test } from "vitest";
import { refusal } from "../../src/calls/failures.ts";
import { createHighlevel } from "../../src/highlevel/client.ts";

test("what a refusal says of the limits is heeded, too: a 429 says most plainly that nothing is left", async () => {
  const heeded: unknown[] = [];
  const headers = { "x-ratelimit-daily-remaining": "0" };
  const highlevel = createHighlevel({
    callApi: () => Promise.reject(refusal({ status: 429, headers }, "")),
    baseUrl: "https://highlevel.example",
    limit: { takePermit: async () => {}, heed: (locationId, said) => heeded.push([locationId, said]) },
  });
  const sent = highlevel.sendMessage({ locationId: "location-1", token: "t" }, {});
  await expect(sent).rejects.toMatchObject({ reason: "throttled" });
  expect(heeded).toEqual([["location-1", headers]]);
});
