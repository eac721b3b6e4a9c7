import { describe, expect, test } from "vitest";
import type { WebhookRequest } from "../../src/model.ts";
import { inlineReading } from "../../src/providers/reading.ts";
import { signer } from "../fixtures/amazon-ses/sign.ts";
import { bytesOf, withFetched } from "../support/kept-mails.ts";
import { providerOf } from "../support/providers.ts";

const { adapter, fixtures } = providerOf("amazon-ses");
const given = adapter.credentials.parse(signer.fetchCredentials);
const at = new Date("2026-11-21T10:00:00.000Z");
const fixtureOf = (wanted: string) => {
  const found = fixtures.find(({ name }) => name === wanted)?.fixture;
  if (!found) throw new Error(`there is no ${wanted}.json`);
  return found;
};
const signed = (name: string) =>
  signer.sign(fixtureOf(name).request, { url: "https://bridge.example.com/webhooks/1", at });

const open = (request: WebhookRequest) => inlineReading.openFiles("amazon-ses", request, "any");

describe("a mail in S3", () => {
  test.each(["other-bucket/in/1", "example-mail.evil.example/in/1", "example-mail", "/in/1"])(
    "is not fetched from another bucket than the credentials name: %s",
    (fetchBy) => {
      const request = () => adapter.completion?.request(fetchBy, given);
      expect(request).toThrow(expect.objectContaining({ reason: "misconfigured" }));
    },
  );

  test("is not fetched where the credentials name no bucket", () => {
    const request = () => adapter.completion?.request("example-mail/in/1", signer.sendCredentials);
    expect(request).toThrow(expect.objectContaining({ reason: "misconfigured" }));
  });

  test("is fetched at the bucket's own host, whatever its key is", () => {
    const keys = ["in/a b", "../../x", "@evil.example/x", "?x=1#y", "Grüße/'(1)*!"];
    const urls = keys.map((key) => adapter.completion?.request(`example-mail/${key}`, given).url ?? "");
    expect(urls.map((url) => new URL(url).host)).toEqual(keys.map(() => "example-mail.s3.us-east-1.amazonaws.com"));
    expect(urls[0]).toMatch(/\/in\/a%20b$/);
    expect(urls[3]).toMatch(/\/%3Fx%3D1%23y$/);
    expect(urls[4]).toMatch(/\/Gr%C3%BC%C3%9Fe\/%27%281%29%2A%21$/);
  });

  test.each(["mail.example.com", "Upper", "a", "ends-"])("can be in no bucket that is called %s", (bucket) => {
    const { error } = adapter.credentials.safeParse({ ...(signer.sendCredentials as object), bucket });
    expect(error?.issues).toMatchObject([{ path: ["bucket"] }]);
  });
});

test("files are opened out of a mail that was fetched, and of one within the notification", async () => {
  const raw = bytesOf(fixtureOf("attachment").completion?.exchanges[0]?.answer.body);
  const fetched = await open(withFetched(signed("attachment"), raw));
  expect(fetched.map(String)).toEqual([expect.stringContaining("PNG"), "%PDF-1.4\n"]);
  expect(await open(signed("inline"))).toEqual([]);
  expect(await open(signed("attachment"))).toEqual([]);
  for (const name of ["subscription", "validated", "bounce-event"]) expect(await open(signed(name))).toEqual([]);
});
