import { createSecretKey } from "node:crypto";
import { VerifyOptions, verify as verifyBySdk } from "messagebird/lib/webhook-signature-jwt.js";
import { describe, expect, test } from "vitest";
import type { WebhookRequest } from "../../src/model.ts";
import { messagebird } from "../../src/providers/sms/messagebird.ts";
import { signer, signGet } from "../fixtures/messagebird/sign.ts";
import { readFixtures } from "../support/fixtures.ts";

const url = "https://bridge.example.com/webhooks/1";
const at = new Date("2026-11-21T10:00:00.000Z");
const later = (seconds: number) => new Date(at.getTime() + seconds * 1000);

test("accepts a token that MessageBird's own SDK accepts, for its URL and body", async () => {
  const token =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI1NjYwLCJqdGkiOiJqMSIsInVybF9oYXNoIjoiYmY5ZjZkYTA2YzNjZjg0ZmY4ODBlYWZjMmVjYWJjMDY4ZGZjMGQ5ZjMxOWQ1OGUwOWMwY2NlNWI0MTBmY2QwZCIsInBheWxvYWRfaGFzaCI6IjA4MzRjYTY3ZWJhYjllYjc2YWNmMDE5NzIxMTY4NTRiMzU4OTlkZjhiZTgwN2Q2MDcxMWQ3MzI4N2NjYjA1NTEifQ.M8F-roaNMX_zQT2eTVaGStyFVcb6JRTxArUz2jYcLDs";
  const credentials = { signingKey: "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" };
  const genuine = {
    url: "https://bridge.example/hooks/mb?x=1",
    headers: { "messagebird-signature-jwt": token },
    ...{ body: Buffer.from("originator=%2B15005550006&payload=hi"), receivedAt: new Date(1767225600_000) },
  };
  expect(await messagebird.verify(genuine, credentials)).toBe(true);
  for (const changed of [
    { url: genuine.url.replace("x=1", "x=2") },
    { body: Buffer.from("originator=%2B15005550006&payload=ho") },
    { body: Buffer.alloc(0) },
    { receivedAt: new Date(1767225666_000) },
    { receivedAt: new Date(1767225594_000) },
  ]) {
    expect(await messagebird.verify({ ...genuine, ...changed }, credentials)).toBe(false);
  }
});

test("a webhook is taken from when it was signed until its end, give or take five seconds", async () => {
  const [first] = readFixtures("messagebird");
  const request = signer.sign(first?.fixture.request ?? expect.unreachable("no fixtures"), { url, at });
  const isTaken = (seconds: number) =>
    messagebird.verify({ ...request, receivedAt: later(seconds) }, signer.credentials);
  for (const seconds of [-5, 0, 64]) expect(await isTaken(seconds), String(seconds)).toBe(true);
  for (const seconds of [-6, 66]) expect(await isTaken(seconds), String(seconds)).toBe(false);
});

/** MessageBird's own SDK, as it stands but for the time: it throws what it does not accept. */
function acceptBySdk({ url, headers, body }: WebhookRequest): Promise<boolean> {
  const { signingKey } = signer.credentials as { signingKey: string };
  const options = new VerifyOptions(true, true, { issuer: "MessageBird", algorithms: ["HS256"], currentDate: at });
  const key = createSecretKey(Buffer.from(signingKey));
  return verifyBySdk(url, body, headers["messagebird-signature-jwt"] ?? "", key, options);
}

test.each(readFixtures("messagebird"))("its own SDK accepts how $name is signed", async ({ fixture }) => {
  const request = signer.sign(fixture.request, { url, at });
  expect(await acceptBySdk(request)).toBe(true);
  await expect(acceptBySdk({ ...request, body: Buffer.from("another") })).rejects.toThrow("payload_hash");
  if (fixture.request.contentType !== "application/json")
    expect(await acceptBySdk(signGet(fixture.request, { url, at }))).toBe(true);
});

const forms = readFixtures("messagebird").filter(({ fixture }) => fixture.request.contentType !== "application/json");

describe.each(forms)("by GET: $name", ({ fixture }) => {
  const request = signGet(fixture.request, { url, at });

  test("means the same", async () => {
    expect(JSON.parse(JSON.stringify(await messagebird.parse(request)))).toEqual(fixture.means);
  });

  test("is accepted as it was signed alone, without a body", async () => {
    const isTaken = (change: object) => messagebird.verify({ ...request, ...change }, signer.credentials);
    expect(await isTaken({})).toBe(true);
    expect(await isTaken({ url: `${request.url}1` })).toBe(false);
    expect(await isTaken({ body: Buffer.from("id=1") })).toBe(false);
  });
});
