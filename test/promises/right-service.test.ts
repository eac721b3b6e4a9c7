import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { locationId } from "../support/location.ts";
import { allCredentials, type Provider, providers } from "../support/providers.ts";
import { messageBetween, startTwoWay, type TwoWay, type Way } from "../support/two-way.ts";
import { until } from "../support/until.ts";

/** What agents write goes by what sends it as what it is, where HighLevel does not say by which number or mailbox. */
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
async function write(phone: string | undefined, type: string, more: Record<string, unknown> = {}) {
  const message = `words ${++counter}`;
  const contactId = `contact-${counter}`;
  const body = { type, locationId, messageId: `hl-${counter}`, message, phone, contactId, ...more };
  await twoWay.bridge.sandbox.postEvent(`${twoWay.bridge.url}/webhooks/highlevel`, body);
  const { id } = await until(
    async () => {
      const { items } = (await twoWay.bridge.admin("GET", "/messages?limit=5")).body;
      return items.find((each: { highlevelMessageId: string }) => each.highlevelMessageId === body.messageId) ?? {};
    },
    // An email is asked for at HighLevel first, which does not know it.
    ({ state }) => state !== undefined && (state !== "queued" || type === "Email"),
    20,
  );
  const { mappingId, error, content } = (await twoWay.bridge.admin("GET", `/messages/${id}`)).body;
  return { mappingId, error, by: content.chosenBy };
}

describe("what is of WhatsApp goes by a mapping that sends by it, to", () => {
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
});

test("a text to who is new goes by no number of WhatsApp, where there is another, also where that is the agent's", async () => {
  const { mappingId } = chat;
  await twoWay.bridge.admin("PATCH", `/mappings/${mappingId}`, { isDefault: true, userIds: ["agent-7"] });
  for (const type of ["Custom", "WhatsApp"]) {
    await twoWay.bridge.admin("PATCH", `/mappings/${mappingId}`, { type });
    const sent = await write(`+436641234${++counter + 800}`, "SMS", { userId: "agent-7" });
    expect(sent).toMatchObject({ mappingId: texts.mappingId, error: null });
  }
});

test("an email goes by a mailbox, not by what stands for all of a domain, unless it is from there", async () => {
  const all = await twoWay.bridge.addMapping({
    ...{ provider: "postmark", address: "*@all.example.com", conversationProviderId: "way-postmark", isDefault: true },
    credentials: allCredentials(providers.find(({ name }) => name === "postmark") as Provider),
  });
  const by = async (emailFrom?: string) => {
    const emailTo = [`reader${++counter}@example.org`];
    return (await write(undefined, "Email", { emailTo, emailFrom, subject: "Hi", html: "<p>Hi</p>" })).mappingId;
  };
  expect(await by("sales@all.example.com")).toBe(all);
  expect(await by("sales@elsewhere.example.com")).not.toBe(all);
  expect(await by()).not.toBe(all);
});
