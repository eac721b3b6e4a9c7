import Telnyx from "telnyx";
import { describe, expect, test } from "vitest";
import { isAllowedHost } from "../../src/calls/fetch-file.ts";
import { normalizeAddress } from "../../src/formats/address.ts";
import { isMediaUrl } from "../../src/providers/media-urls.ts";
import { telnyx } from "../../src/providers/sms/telnyx.ts";
import { signer } from "../fixtures/telnyx/sign.ts";
import { readFixtures } from "../support/fixtures.ts";

test("our test signer signs as Telnyx does: its own SDK accepts it", async () => {
  const { publicKey } = signer.credentials as { publicKey: string };
  const client = new Telnyx({ apiKey: "unused", publicKey });
  for (const { fixture } of readFixtures("telnyx")) {
    const { headers, body } = signer.sign(fixture.request, { url: "https://bridge.example.com", at: new Date() });
    await client.webhooks.unwrap(body.toString("utf8"), { headers });
    await expect(async () => client.webhooks.unwrap(`${body.toString("utf8")} `, { headers })).rejects.toThrow();
  }
});

test("accepts a signature made by another implementation", async () => {
  const body = '{"data":{"event_type":"message.received","id":"e1","payload":{"id":"m1","text":"hi é"}}}';
  const request = {
    url: "https://bridge.example.com",
    headers: {
      "telnyx-timestamp": "1767225600",
      "telnyx-signature-ed25519":
        "5rDLw7wx659i611Tf2DGzlef73YWsIFeS+JpE8dj4oUEpH140Q3fxPc9+r32IetDy6WK6+ixLwLtAFdPVS/8Cw==",
    },
    body: Buffer.from(body),
    receivedAt: new Date(1767225600_000),
  };
  expect(await telnyx.verify(request, { publicKey: "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=" })).toBe(true);
});

test("a recording is asked for by its id with the API key, and fetched without it from where the answer says", () => {
  const { media } = telnyx;
  const credentials = telnyx.credentials.parse(signer.sendCredentials);
  const url = "https://api.telnyx.com/v2/recordings/10cd86ac-fef8-4765-b203-0f7511f9fc75";
  if (!media?.located) return expect.unreachable("there is no way to its files");
  const link = "https://s3.amazonaws.com/telephony-recorder-prod/a.wav?X-Amz-Signature=x";
  expect(isMediaUrl(media, credentials, url)).toBe(true);
  expect(isMediaUrl(media, credentials, "https://api.telnyx.com/v2/messages/1")).toBe(false);
  expect(media.located.at({ data: { download_urls: { wav: link } } })).toBe(link);
  expect(media.located.at({ data: {} })).toBeUndefined();
  expect(isAllowedHost(new URL(link).host, media.located.hosts)).toBe(true);
});

describe("an answer by RCS", () => {
  const request = (from: string, messagingProfileId?: string) => {
    const message = { from, to: "rcs:+15005550006", text: "Hello", attachments: [], cc: [], bcc: [], references: [] };
    const callApi = () => Promise.reject(new Error("it was called"));
    const given = { ...(signer.sendCredentials as object), messagingProfileId };
    return telnyx.send({ ...message, reference: "42", receiptUrl: "https://bridge.example.com" }, given, callApi);
  };

  test("says what is missing before Telnyx is asked: an agent, or the messaging profile", async () => {
    const profile = "16fd2706-8baf-433b-82eb-8c7fada847da";
    await expect(request("rcs:+15005550009", profile)).rejects.toMatchObject({ reason: "rejected" });
    await expect(request("rcs:e4448a5c0670c2a9")).rejects.toMatchObject({ reason: "misconfigured" });
  });

  test("goes by an agent whose id is a mapping's address as it is", () => {
    expect(normalizeAddress("sms", "e4448a5c0670c2a9")).toBe("e4448a5c0670c2a9");
  });
});
