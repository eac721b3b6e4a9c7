import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RealInput, startRealInput } from "../support/real-input.ts";
import { until } from "../support/until.ts";

let real: RealInput;
beforeAll(async () => {
  real = await startRealInput();
});
afterAll(() => real.stop());

const contactOf = (contactId: string) => real.bridge.sandbox.contacts().find(({ id }) => id === contactId);

describe("a national number is of the country of the mapping's own number", () => {
  test.each([
    ["(415) 555-0199", "+14155550199"],
    ["4155550198", "+14155550198"],
    ["415.555.0197", "+14155550197"],
    ["4915112345678", "+4915112345678"],
    ["14155550196", "+14155550196"],
  ])("%s, as HighLevel gives it, is sent to as %s", async (phone, number) => {
    const by = real.way("generic-sms");
    real.write(by, real.addContact({ phone }).id, `A text to ${phone}`);
    expect((await real.sent(by, `A text to ${phone}`)).to).toEqual([number]);
  });

  test.each([
    ["4155550195", "+14155550195"],
    ["(415) 555-0194", "+14155550194"],
  ])("%s, as a gateway gives it, is a contact with %s", async (from, phone) => {
    const { address } = real.way("generic-sms");
    const data = { id: `from ${from}`, from, to: address.slice(2), text: "Hi" };
    await real.receive("generic-sms", { type: "message.received", data });
    expect(contactOf((await real.posted(data.id)).contactId)?.phone).toBe(phone);
  });
});

describe("what can reach nobody is shown as failed, and goes to no provider", () => {
  test.each([
    ["", /has no phone/],
    ["n/a", /n\/a is a sender's name/],
    ["ACME", /a sender's name/],
    ["2024-01-01", /no phone number/],
    ["0000000000", /no phone number/],
    ["+1 415 555 0123 / +1 415 555 0124", /no phone number/],
    ["+1 415 555 0123 ext. 12", /has an extension/],
  ])("a text to %j", async (phone, words) => {
    const by = real.way("generic-sms");
    const before = by.standIn.sent.length;
    const message = real.write(by, real.addContact({ phone }).id, "Are you there?");
    await until(
      () => message.status,
      (status) => status === "failed",
    );
    expect(message.error).toMatchObject({ code: "no_receiver", message: expect.stringMatching(words) });
    expect(by.standIn.sent).toHaveLength(before);
  });

  test.each([
    ...[undefined, "one@client.example, two@client.example", "at the office", "a@client,example"],
    ...["one@client.example / two@client.example", "one@client.example and two@client.example"],
  ])("an email to %j", async (email) => {
    const by = real.way("postmark");
    const before = by.standIn.sent.length;
    const contact = real.addContact(email === undefined ? {} : { email });
    const message = real.write(by, contact.id, "Are you there?");
    await until(
      () => message.status,
      (status) => status === "failed",
    );
    if (email !== undefined) expect(message.recipients?.[email]?.failReason).toMatch(/is not one email address/);
    expect(by.standIn.sent).toHaveLength(before);
  });

  test("once the contact has a number, the next text goes out", async () => {
    const by = real.way("generic-sms");
    const contact = real.addContact({ phone: "" });
    const failed = real.write(by, contact.id, "The first");
    await until(
      () => failed.status,
      (status) => status === "failed",
    );
    contact.phone = "+15005550123";
    real.write(by, contact.id, "The second");
    expect((await real.sent(by, "The second")).to).toEqual(["+15005550123"]);
  });
});
