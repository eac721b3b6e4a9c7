import { describe, expect, test } from "vitest";
import { vonageAlgorithms } from "../../src/providers/kit/recipes/vonage-signature.ts";
import { vonageSms } from "../../src/providers/sms/vonage-sms.ts";
import { signer, signGet } from "../fixtures/vonage-sms/sign.ts";
import { readFixtures } from "../support/fixtures.ts";

const url = "https://bridge.example.com/webhooks/1";
const at = new Date("2026-11-21T10:00:00.000Z");
const credentials = signer.credentials as { signatureSecret: string; signatureMethod: "sha256" };
const json = { "content-type": "application/json" };

describe("Vonage's signature of its SMS API", () => {
  const parameters = {
    ...{ msisdn: "447700900001", to: "447700900000", messageId: "0A01", text: "a&b=c", type: "text", keyword: "A&B=C" },
    ...{ "message-timestamp": "2026-01-01 00:00:00", timestamp: "1767225600", nonce: "n1" },
  };
  const of = (given: object) => {
    return { url, headers: json, body: Buffer.from(JSON.stringify(given)), receivedAt: new Date(1767225600_000) };
  };
  const known = {
    md5hash: "14ab19bddc4d5bfa82b4bc3f4d186a04",
    sha256: "d05b0242a2e3984ccdc29ffc95d2cf0e2fa32a4be6fd738bbf87f76bd1508216",
  } as const;

  test("is none over what is no text, and no error", async () => {
    for (const msisdn of [{ toString: 1 }, [[]], null, { toString: null, valueOf: {} }]) {
      expect(await vonageSms.verify(of({ ...parameters, msisdn, sig: "00" }), credentials)).toBe(false);
    }
  });

  test.each(["md5hash", "sha256"] as const)("by %s is that of its own SDK for Java", async (signatureMethod) => {
    const given = { signatureSecret: "sigsecret", signatureMethod };
    const sig = known[signatureMethod];
    expect(await vonageSms.verify(of({ ...parameters, sig }), given)).toBe(true);
    expect(await vonageSms.verify(of({ ...parameters, sig: sig.toUpperCase() }), given)).toBe(true);
    expect(await vonageSms.verify(of({ ...parameters, sig, empty: "" }), given), "without empty ones").toBe(true);
    for (const change of [{ text: "b" }, { sig: "" }, { sig: undefined }, { timestamp: undefined }, { more: "1" }]) {
      expect(await vonageSms.verify(of({ ...parameters, sig, ...change }), given)).toBe(false);
    }
  });

  test("is by the method that is set, never by one that the sender chooses", async () => {
    const [{ fixture }] = readFixtures("vonage-sms") as [ReturnType<typeof readFixtures>[number]];
    for (const signatureMethod of vonageAlgorithms) {
      const request = signer.sign(fixture.request, { url, at, credentials: { ...credentials, signatureMethod } });
      for (const other of vonageAlgorithms) {
        const isTaken = await vonageSms.verify(request, { ...credentials, signatureMethod: other });
        expect(isTaken, `${signatureMethod} for ${other}`).toBe(other === signatureMethod);
      }
    }
    const wrong = { ...credentials, signatureMethod: "none" };
    expect(vonageSms.credentials.safeParse(wrong).success).toBe(false);
  });

  test("holds for nothing that says something twice, or holds lists", async () => {
    const contentType = "application/x-www-form-urlencoded";
    const body = { msisdn: "15005550006", to: "15005550009", messageId: "1", text: "hi" };
    const request = signer.sign({ contentType, body }, { url, at });
    expect(await vonageSms.verify(request, credentials)).toBe(true);
    const twice = Buffer.concat([Buffer.from("text=ho&"), request.body]);
    expect(await vonageSms.verify({ ...request, body: twice }, credentials)).toBe(false);
    const list = signer.sign({ contentType: "application/json", body: { ...body, text: ["hi"] } }, { url, at });
    expect(await vonageSms.verify(list, credentials)).toBe(false);
  });
});

test.each(readFixtures("vonage-sms"))("means the same by GET: $name", async ({ fixture }) => {
  const request = signGet(fixture.request, { url, at });
  expect(await vonageSms.verify(request, credentials)).toBe(true);
  expect(JSON.parse(JSON.stringify(await vonageSms.parse(request)))).toEqual(fixture.means);
  expect(await vonageSms.verify({ ...request, url: request.url.replace("to=1", "to=2") }, credentials)).toBe(false);
});
