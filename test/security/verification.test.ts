import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { emailProviderId, locationId, publicUrl } from "../support/location.ts";
import { allCredentials, providers, textProviders } from "../support/providers.ts";
import { serveStandIns } from "../support/stand-ins/serve.ts";
import { until } from "../support/until.ts";
import { writeMessage } from "../support/write-webhooks.ts";

const highlevel = generateKeyPairSync("ed25519");
const nowhere = "5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const ours = {
  sms: { person: "+15005550006", mapping: { address: "+15005550009" } },
  email: {
    person: "ann@example.org",
    mapping: { address: "support@example.com", conversationProviderId: emailProviderId },
  },
};
/** Any, for what is not about the provider. */
const [some] = textProviders;
const addAny = (address: string) =>
  bridge.addMapping({ provider: some?.name, address, credentials: some?.signer.credentials });

let bridge: TestBridge;
let served: Awaited<ReturnType<typeof serveStandIns>>;
beforeAll(async () => {
  served = await serveStandIns([]);
  const highlevelKeys = { ed25519: [highlevel.publicKey], rsa: [] };
  bridge = await startTestBridge({ config: { highlevelKeys, providersUrl: served.url } });
});
afterAll(async () => {
  await bridge.stop();
  await served.stop();
});

const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${bridge.url}${path}`, {
    method: "POST",
    body: typeof body === "string" ? body : new Uint8Array(body),
    headers: { "content-type": "application/json", ...headers },
  }).then(({ status }) => status);
const webhooksOf = async (query: string) => (await bridge.admin("GET", `/webhooks?${query}`)).body.items;

describe("a signed request that somebody has recorded and sends again", () => {
  test.each(providers)("is a duplicate: $name", async (provider) => {
    const { person, mapping } = ours[provider.channel];
    const credentials = allCredentials(provider);
    const id = await bridge.addMapping({ ...mapping, provider: provider.name, credentials });
    const message = { id: "recorded-1", from: person, to: mapping.address, text: "Hello" };
    const recorded = writeMessage(provider, message, { url: `${publicUrl}/webhooks/${id}`, at: new Date() });
    for (let times = 0; times < 3; times++) expect((await bridge.post(recorded)).status).toBe(200);
    await until(
      async () => {
        // In this order: what fetches the mail that a webhook names is there before the webhook counts as read.
        const webhooks = await webhooksOf(`mappingId=${id}`);
        const { items } = (await bridge.admin("GET", `/deliveries?kind=fetch-mail&state=pending&mappingId=${id}`)).body;
        return items.length > 0 ? [] : webhooks;
      },
      (items) => items.length === 3 && items.every(({ state }: { state: string }) => state !== "received"),
    );
    expect((await bridge.admin("GET", `/messages?mappingId=${id}`)).body.items).toHaveLength(1);
  });

  test("is a duplicate: HighLevel's", async () => {
    const id = await addAny("+15005550013");
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
    const known = await addAny("+15005550011");
    for (const id of [known, nowhere, "x"]) {
      expect(await post(`/webhooks/highlevel/${id}`, "{}"), id).toBe(401);
      expect(await post(`/webhooks/highlevel/${id}`, "{}", { "x-ghl-signature": "AAAA" }), id).toBe(401);
    }
    const signature = sign(null, Buffer.from("{}"), highlevel.privateKey).toString("base64");
    expect(await post(`/webhooks/highlevel/${nowhere}`, "{}", { "x-ghl-signature": signature })).toBe(404);
  });

  test("is told that there is none without having a byte read, whatever is sent", async () => {
    for (const id of [nowhere, "x"]) {
      expect(await post(`/webhooks/${id}`, "{}")).toBe(404);
      expect(await post(`/webhooks/${id}`, Buffer.alloc(100_001))).toBe(404);
    }
  });

  test("has 122 random bits to guess", async () => {
    const id = await addAny("+15005550012");
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });
});
