import { verifySignature } from "@vonage/jwt";
import { expect, test } from "vitest";
import { vonage } from "../../src/providers/sms/vonage.ts";
import { signer } from "../fixtures/vonage/sign.ts";
import { readFixtures, readSendFixtures } from "../support/fixtures.ts";

const url = "https://bridge.example.com/webhooks/1";
const at = new Date("2026-11-21T10:00:00.000Z");

test("accepts a token that Vonage's own SDK accepts, for the body that it was made for", async () => {
  const authorization =
    "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjcyMjU2MDAsImp0aSI6ImoxIiwiaXNzIjoiVm9uYWdlIiwicGF5bG9hZF9oYXNoIjoiYTRjODNkN2Q5ZjhiZTEwMGM1MDYxNzczMWNkM2M0M2UzNGE4M2M1MmU5Mzc1NjM3ODYxMWExZDlmZGRlODBiYiIsImFwaV9rZXkiOiJhYmNkMTIzNCJ9.LUb6MRqV3ue0jmBeMo2HX9oA9t1R0qTWtVjjr7jEgeU";
  const body = '{"channel":"sms","message_uuid":"u1","text":"hi"}';
  const of = (text: string, receivedAt = new Date(1767225600_000)) => {
    return { url, headers: { authorization }, body: Buffer.from(text), receivedAt };
  };
  const credentials = { signatureSecret: "sigsecret" };
  expect(await vonage.verify(of(body), credentials)).toBe(true);
  expect(await vonage.verify(of(body.replace("hi", "ho")), credentials)).toBe(false);
  expect(await vonage.verify(of(body, new Date(1767225901_000)), credentials)).toBe(false);
});

test.each(readFixtures("vonage"))("its own SDK accepts how $name is signed", ({ fixture }) => {
  const { signatureSecret } = signer.credentials as { signatureSecret: string };
  const { headers } = signer.sign(fixture.request, { url, at });
  const token = (headers["authorization"] ?? "").replace("Bearer ", "");
  expect(verifySignature(token, signatureSecret)).toBe(true);
  expect(verifySignature(token, `${signatureSecret}0`)).toBe(false);
});

test("what is sent is signed by the application's key and says which application it is", () => {
  for (const { fixture } of readSendFixtures("vonage")) {
    const [, claims = ""] = (fixture.request.headers["authorization"] ?? "").split(".");
    const read = JSON.parse(Buffer.from(claims, "base64url").toString());
    const seconds = at.getTime() / 1000;
    expect(read).toMatchObject({ iat: seconds, exp: seconds + 600, jti: expect.stringMatching(/^[\da-f]{32}$/) });
  }
});

test("a private key is taken whole, also with its line breaks written out, and nothing else", () => {
  const given = signer.sendCredentials as { privateKey: string };
  const { privateKey } = given;
  for (const right of [privateKey, privateKey.trim().replaceAll("\n", "\\n")]) {
    expect(vonage.credentials.safeParse({ ...given, privateKey: right }).success).toBe(true);
  }
  for (const wrong of [privateKey.slice(0, 100), "secret", privateKey.replace("PRIVATE", "PUBLIC")]) {
    expect(vonage.credentials.safeParse({ ...given, privateKey: wrong }).success).toBe(false);
  }
});

test.each(["whatsapp", "viber_service", "rcs", "messenger", ""])("of %s it is a clear error", async (channel) => {
  const body = { channel, message_uuid: "u-1", from: "1", to: "2", message_type: "text", text: "hi" };
  const request = signer.sign({ contentType: "application/json", body }, { url, at });
  await expect(vonage.parse(request)).rejects.toThrow("channel: ");
});
