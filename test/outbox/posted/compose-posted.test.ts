import { afterAll, beforeAll, expect, test } from "vitest";
import { signer as genericSms } from "../../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge, untilPosted } from "../../support/bridge.ts";
import { emailProviderId, locationId, publicUrl } from "../../support/location.ts";
import { until } from "../../support/until.ts";

let bridge: TestBridge;
beforeAll(async () => {
  bridge = await startTestBridge();
});
afterAll(() => bridge.stop());

async function take(mapping: string, data: Record<string, unknown>): Promise<void> {
  const sample = { contentType: "application/json", body: { type: "message.received", data } };
  await bridge.post(genericSms.sign(sample, { url: `${publicUrl}/webhooks/${mapping}`, at: new Date() }));
}

/** Once nothing of it waits. */
async function read(address: string) {
  const { id } = (
    await until(
      () => bridge.admin("GET", `/messages?address=${encodeURIComponent(address)}`),
      ({ body }) => body.items.length > 0,
    )
  ).body.items[0];
  const { body } = await until(
    () => bridge.admin("GET", `/messages/${id}?posted=true`),
    ({ body }) => body.deliveries.every(({ state }: { state: string }) => state === "delivered"),
  );
  return body;
}

test("what was posted of a text and of an email is composed anew, as HighLevel got it, with what it answered", async () => {
  const own = { credentials: genericSms.credentials, provider: "generic-sms", address: "+15005550009" };
  const mailing = { provider: "generic-email", conversationProviderId: emailProviderId, address: "shop@example.com" };
  const [texts, mails] = [await bridge.addMapping(own), await bridge.addMapping({ ...own, ...mailing })];
  await take(texts, { id: "m-1", from: "+15005550006", to: "+15005550009", text: "Hello" });
  const mail = { id: "e-1", from: "ann@example.org", to: "shop@example.com", subject: "Blue", text: "Is it there?" };
  await take(mails, { ...mail, html: "<p>Is it there?</p>", messageId: "<e-1@example.org>" });
  const taken = await untilPosted(bridge, 2);
  for (const address of ["+15005550006", "ann@example.org"]) {
    const { posted, highlevelMessageId, contactId } = await read(address);
    const there = taken.find(({ messageId }) => messageId === highlevelMessageId);
    expect(there).toBeDefined();
    expect(posted).toMatchObject([
      {
        kind: "post-inbound",
        method: "POST",
        path: "/conversations/messages/inbound",
        attempts: [{ outcome: "delivered" }],
      },
    ]);
    const [{ body, attempts }] = posted;
    expect(attempts[0].status).toBeGreaterThanOrEqual(200);
    expect(body).toMatchObject({ contactId, conversationId: there?.conversationId, direction: "inbound" });
    expect(body.altId).toBe(there?.altId);
    expect(body.html ?? body.message).toContain(address.includes("@") ? "Is it there?" : "Hello");
  }
});

test("of what HighLevel was asked to send there is what it was asked", async () => {
  const { id: contactId } = bridge.sandbox.addContact({ locationId, phone: "+15005550007" });
  const asked = { type: "SMS", contactId, message: "On its way" };
  const sent = await bridge.send({ ...asked, locationId });
  expect(sent.status).toBe(200);
  const { body } = await bridge.admin("GET", `/messages/${sent.body.id}?posted=true`);
  expect(body.posted).toEqual([
    { kind: "send-through-highlevel", method: "POST", path: "/conversations/messages", body: asked, attempts: [] },
  ]);
});

test("of what is deleted there is nothing, and who does not ask is not told", async () => {
  const { id } = (await bridge.admin("GET", "/messages")).body.items[0];
  expect((await bridge.admin("GET", `/messages/${id}`)).body).not.toHaveProperty("posted");
});
