import { afterAll, beforeAll, expect, test } from "vitest";
import { locationId } from "../support/location.ts";
import { messageBetween, startTwoWay, type TwoWay, type Way } from "../support/two-way.ts";
import { until } from "../support/until.ts";

/** What agents write by WhatsApp goes by what sends by WhatsApp, where HighLevel does not say by which number. */
let twoWay: TwoWay;
let texts: Way;
let chat: Way;
beforeAll(async () => {
  twoWay = await startTwoWay({ isEmbedded: true });
  texts = twoWay.ways["plivo"] as Way;
  chat = twoWay.ways["whatsapp"] as Way;
  for (const [name, { mappingId, channel }] of Object.entries(twoWay.ways)) {
    if (channel === "sms" && ![texts.provider, chat.provider].includes(name))
      await twoWay.bridge.admin("DELETE", `/mappings/${mappingId}`);
  }
});
afterAll(() => twoWay.stop());

let counter = 0;
/** By the app's one delivery URL. */
async function write(phone: string, type: string, contactId = `contact-${++counter}`) {
  const message = `words ${++counter}`;
  const body = { type, locationId, messageId: `hl-${counter}`, message, phone, contactId };
  await twoWay.bridge.sandbox.postEvent(`${twoWay.bridge.url}/webhooks/highlevel`, body);
  const { id } = await until(
    async () => {
      const { items } = (await twoWay.bridge.admin("GET", "/messages?limit=5")).body;
      return items.find((each: { highlevelMessageId: string }) => each.highlevelMessageId === body.messageId) ?? {};
    },
    ({ state }) => state !== undefined && state !== "queued",
    20,
  );
  const { mappingId, error, content } = (await twoWay.bridge.admin("GET", `/messages/${id}`)).body;
  return { mappingId, error, by: content.chosenBy };
}

test.each([["Custom"], ["WhatsApp"]])(
  "whoever has last been written with by text, of a mapping of type %s",
  async (type) => {
    await twoWay.bridge.admin("PATCH", `/mappings/${chat.mappingId}`, { type });
    const { phone = "" } = twoWay.bridge.sandbox.addContact({ locationId, phone: `+436641234${++counter + 700}` });
    await twoWay.answer(texts, messageBetween(texts.address, phone), `asks-${counter}`, `asks ${counter}`);
    await until(
      () => twoWay.bridge.sandbox.messages().map(({ body }) => body),
      (bodies) => bodies.includes(`asks ${counter}`),
      15,
    );
    expect(await write(phone, "WhatsApp")).toMatchObject({ mappingId: chat.mappingId, error: null });
    expect(await write(phone, "SMS")).toMatchObject({ error: null });
  },
);

test("whoever is new", async () => {
  expect(await write("+4366412349001", "WhatsApp")).toMatchObject({ mappingId: chat.mappingId, error: null });
});
