import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StoredMessage } from "../../src/sandbox/state.ts";
import { locationId, token } from "../support/location.ts";
import { type RealInput, startRealInput } from "../support/real-input.ts";
import { until } from "../support/until.ts";

let real: RealInput;
beforeAll(async () => {
  real = await startRealInput();
});
afterAll(() => real.stop());

const urlOf = (provider: string) => `${real.bridge.url}/webhooks/highlevel/${real.way(provider).mappingId}`;

/** What HighLevel shows of a text that somebody typed, and the call that it then made, changed by the test. */
function call(url: string, change: Record<string, unknown>): StoredMessage {
  const { id } = real.addContact({ phone: "+15005550601" });
  // By a provider without a delivery URL: the call is made here.
  const shown = real.bridge.sandbox.sendAsAgent(id, { providerId: "provider-sms-extra", message: "Are you there?" });
  const body = { contactId: id, locationId, messageId: shown.messageId, type: "SMS", phone: "+15005550601" };
  void real.bridge.sandbox.postEvent(url, { ...body, message: "Are you there?", attachments: [], ...change });
  return shown;
}

const failure = async (shown: StoredMessage) => {
  await until(
    () => shown.status,
    (status) => status === "failed",
  );
  return shown.error?.message;
};

describe("a call that cannot be carried out is reported as failed, whatever is wrong with it", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["no contact and no phone", { contactId: undefined, phone: undefined }, /phone: the contact has no phone/],
    ["a phone that is a list", { phone: ["+15005550601"] }, /has no phone/],
    ["files that are no list", { attachments: { url: "x" } }, /attachments:/],
    ["words that are an object", { message: { text: "x" } }, /message:/],
    ["a type that no provider sends", { type: "GMB" }, /sends no GMB/],
    ["a type that nobody knows", { type: "Fax" }, /sends no Fax/],
  ])("%s", async (_what, change, words) => {
    const by = real.way("generic-sms");
    const before = by.standIn.sent.length;
    expect(await failure(call(urlOf("generic-sms"), change))).toMatch(words);
    expect(by.standIn.sent).toHaveLength(before);
  });

  test("a location without a mapping that could send it", async () => {
    const { sandbox, admin, url } = real.bridge;
    const bare = { id: "bare-location", token: "token-of-bare-location" };
    const provider = { id: "bare-provider", channel: "sms" as const, extra: true };
    sandbox.putLocation({ ...bare, providers: [provider] });
    await admin("PUT", `/locations/${bare.id}`, { token: bare.token });
    const contact = sandbox.addContact({ locationId: bare.id, phone: "+15005550602" });
    const shown = sandbox.sendAsAgent(contact.id, { providerId: provider.id, message: "Hello" });
    const body = { contactId: contact.id, locationId: bare.id, messageId: shown.messageId, type: "SMS" };
    const event = { ...body, phone: "+15005550602", message: "Hello" };
    for (let times = 0; times < 2; times++) await sandbox.postEvent(`${url}/webhooks/highlevel`, event);
    expect(await failure(shown)).toMatch(/has no sms mapping/);
    expect(shown.statuses).toEqual(["failed"]);
    expect((await admin("GET", "/webhooks?state=failed")).body.items[0].reason).toMatch(/add one, then replay/);
    expect(token).not.toBe(bare.token);
  });
});

describe("what is not needed is not asked for", () => {
  test.each<[string, Record<string, unknown>]>([
    ["no contactId", { contactId: undefined }],
    ["no locationId", { locationId: undefined }],
    ["no type", { type: undefined }],
    ["a type in small letters", { type: "sms" }],
    ["the type of a text with files", { type: "MMS" }],
    ["a type in HighLevel's other spelling", { type: "TYPE_SMS" }],
    ["a time in numbers", { timestamp: Date.now() }],
    ["a phone in numbers", { phone: 15005550601 }],
    ["nothing among the files", { attachments: [null, ""] }],
  ])("%s", async (what, change) => {
    call(urlOf("generic-sms"), { message: `With ${what}`, ...change });
    expect((await real.sent(real.way("generic-sms"), `With ${what}`)).to).toEqual(["+15005550601"]);
  });
});
