import { generateKeyPairSync, sign } from "node:crypto";
import { EventWebhook } from "@sendgrid/eventwebhook";
import { describe, expect, test } from "vitest";
import { sendgrid } from "../../src/providers/email/sendgrid.ts";
import { encode, signer } from "../fixtures/sendgrid/sign.ts";
import { readFixtures, type Sample } from "../support/fixtures.ts";

const url = "https://bridge.example.com/webhooks/5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const at = new Date("2026-11-21T10:00:00.000Z");
const keyPair = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const [inbound, events] = [keyPair(), keyPair()];
const base64Of = ({ publicKey }: ReturnType<typeof keyPair>) =>
  publicKey.export({ type: "spki", format: "der" }).toString("base64");
const credentials = sendgrid.credentials.parse({
  ...(signer.credentials as object),
  inboundKey: base64Of(inbound),
  eventKey: base64Of(events),
});
const sampleOf = (name: string): Sample => {
  const found = readFixtures("sendgrid").find((each) => each.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found.fixture.request;
};

function signed(name: string, { privateKey }: ReturnType<typeof keyPair>) {
  const { contentType, body } = encode(sampleOf(name));
  const timestamp = String(at.getTime() / 1000);
  const signature = sign("sha256", Buffer.concat([Buffer.from(timestamp), body]), privateKey).toString("base64");
  const headers = {
    "content-type": contentType,
    "x-twilio-email-event-webhook-signature": signature,
    "x-twilio-email-event-webhook-timestamp": timestamp,
  };
  return { url, headers, body, receivedAt: at };
}

describe("with the keys of the event webhook and of the security policy", () => {
  test.each(["mail", "raw-eight-bits", "taken-apart"])("a mail counts by the policy's signature: %s", async (name) => {
    const request = signed(name, inbound);
    expect(await sendgrid.verify(request, credentials)).toBe(true);
    const changed = Buffer.from(request.body);
    changed[200] = (changed[200] ?? 0) ^ 1;
    expect(await sendgrid.verify({ ...request, body: changed }, credentials)).toBe(false);
    expect(await sendgrid.verify(signed(name, events), credentials)).toBe(false);
    expect(await sendgrid.verify(signer.sign(sampleOf(name), { url, at }), credentials)).toBe(false);
  });

  test("a receipt counts by the event webhook's, which SendGrid's SDK takes as well", async () => {
    const request = signed("delivered-event", events);
    const { headers } = request;
    const sdk = new EventWebhook();
    const isTaken = sdk.verifySignature(
      sdk.convertPublicKeyToECDSA(base64Of(events)),
      request.body.toString(),
      headers["x-twilio-email-event-webhook-signature"],
      headers["x-twilio-email-event-webhook-timestamp"],
    );
    expect(isTaken).toBe(true);
    expect(await sendgrid.verify(request, credentials)).toBe(true);
    expect(await sendgrid.verify(signed("delivered-event", inbound), credentials)).toBe(false);
  });

  test("what comes again for three days counts, and what is older does not", async () => {
    const request = signed("mail", inbound);
    const later = (hours: number) => ({ ...request, receivedAt: new Date(at.getTime() + hours * 3_600_000) });
    expect(await sendgrid.verify(later(72), credentials)).toBe(true);
    expect(await sendgrid.verify(later(74), credentials)).toBe(false);
    expect(await sendgrid.signedAt(request)).toBe(request.headers["x-twilio-email-event-webhook-timestamp"]);
  });
});

test("a key that is none is refused when it is given", () => {
  const given = { ...(signer.credentials as object), eventKey: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE" };
  expect(sendgrid.credentials.safeParse(given).success).toBe(false);
});
