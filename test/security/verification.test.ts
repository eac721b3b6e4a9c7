import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer as genericEmail } from "../fixtures/generic-email/sign.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { signer as mailgun } from "../fixtures/mailgun/sign.ts";
import { signer as postmark } from "../fixtures/postmark/sign.ts";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { signer as twilio } from "../fixtures/twilio/sign.ts";
import { emailProviderId, locationId, publicUrl, startTestBridge, type TestBridge, until } from "../support/bridge.ts";
import { readFixtures, type Signer } from "../support/fixtures.ts";

const highlevel = generateKeyPairSync("ed25519");
const nowhere = "5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const email = { address: "support@example.com", conversationProviderId: emailProviderId };
const text = { address: "+15005550009" };
const providers: [string, string, Signer, Record<string, unknown>][] = [
  ["twilio", "text", twilio, text],
  ["telnyx", "text", telnyx, text],
  ["generic-sms", "text", genericSms, text],
  ["postmark", "mail", postmark, email],
  ["mailgun", "mail", mailgun, email],
  ["generic-email", "fields", genericEmail, email],
];

let bridge: TestBridge;
beforeAll(async () => {
  bridge = await startTestBridge({ config: { highlevelKeys: { ed25519: [highlevel.publicKey], rsa: [] } } });
});
afterAll(() => bridge.stop());

const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${bridge.url}${path}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  }).then(({ status }) => status);
const webhooksOf = async (query: string) => (await bridge.admin("GET", `/webhooks?${query}`)).body.items;

describe("a signed request that somebody has recorded and sends again", () => {
  test.each(providers)("is a duplicate: %s", async (provider, fixture, signer, mapping) => {
    const id = await bridge.addMapping({ ...mapping, provider, credentials: signer.credentials });
    const sample = readFixtures(provider).find(({ name }) => name === fixture)?.fixture.request;
    if (!sample) throw new Error(`${provider} has no fixture ${fixture}`);
    const recorded = signer.sign(sample, { url: `${publicUrl}/webhooks/${id}`, at: new Date() });
    for (let times = 0; times < 3; times++) expect((await bridge.post(recorded)).status).toBe(200);
    await until(
      () => webhooksOf(`mappingId=${id}`),
      (items) => items.length === 3 && items.every(({ state }: { state: string }) => state !== "received"),
    );
    expect((await bridge.admin("GET", `/messages?mappingId=${id}`)).body.items).toHaveLength(1);
  });

  test("is a duplicate: HighLevel's", async () => {
    const id = await bridge.addMapping({
      provider: "twilio",
      address: "+15005550013",
      credentials: twilio.credentials,
    });
    const message = { contactId: "contact-1", messageId: "message-1", phone: "+15005550006", message: "hi" };
    const event = JSON.stringify({ type: "SMS", locationId, ...message, webhookId: randomUUID() });
    const headers = { "x-ghl-signature": sign(null, Buffer.from(event), highlevel.privateKey).toString("base64") };
    for (let times = 0; times < 3; times++) expect(await post(`/webhooks/highlevel/${id}`, event, headers)).toBe(200);
    await until(
      () => webhooksOf(`mappingId=${id}`),
      (items) => items.length === 3 && items.every(({ state }: { state: string }) => state !== "received"),
    );
    expect((await bridge.admin("GET", `/messages?mappingId=${id}`)).body.items).toHaveLength(1);
  });
});

describe("who guesses a mapping's id", () => {
  test("is told nothing by HighLevel's URLs: what is not signed is 401, whatever the id", async () => {
    const known = await bridge.addMapping({
      provider: "twilio",
      address: "+15005550011",
      credentials: twilio.credentials,
    });
    for (const id of [known, nowhere, "x"]) {
      expect(await post(`/webhooks/highlevel/${id}`, "{}"), id).toBe(401);
      expect(await post(`/webhooks/highlevel/${id}`, "{}", { "x-ghl-signature": "AAAA" }), id).toBe(401);
    }
    const signature = sign(null, Buffer.from("{}"), highlevel.privateKey).toString("base64");
    expect(await post(`/webhooks/highlevel/${nowhere}`, "{}", { "x-ghl-signature": signature })).toBe(404);
  });

  test("has his body read and hashed as anybody's is, before he is told that there is none", async () => {
    for (const id of [nowhere, "x"]) {
      expect(await post(`/webhooks/${id}`, "{}")).toBe(404);
      expect(await post(`/webhooks/${id}`, Buffer.alloc(100_001))).toBe(413);
    }
  });

  test("has 122 random bits to guess", async () => {
    const id = await bridge.addMapping({
      provider: "twilio",
      address: "+15005550012",
      credentials: twilio.credentials,
    });
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });
});
