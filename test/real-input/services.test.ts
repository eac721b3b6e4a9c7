import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RealInput, startRealInput } from "../support/real-input.ts";
import { until } from "../support/until.ts";

let real: RealInput;
beforeAll(async () => {
  real = await startRealInput();
});
afterAll(() => real.stop());

/** A person writes to Twilio's number by SMS or, with a prefix, by another service. */
async function write(prefix: string, number: string) {
  const id = `SM${randomBytes(16).toString("hex")}`;
  const parties = { From: `${prefix}${number}`, To: `${prefix}${real.way("twilio").address}` };
  await real.receive("twilio", {
    ...{ MessageSid: id, SmsSid: id, SmsMessageSid: id, SmsStatus: "received", NumMedia: "0", Body: "Open today?" },
    ...parties,
  });
  return real.posted(id);
}

const byTwilio = async (contactId: string, text: string) => {
  const by = real.way("twilio");
  real.write(by, contactId, text);
  const { from, to } = await real.sent(by, text);
  return { from, to: to[0] };
};

describe("who writes by WhatsApp or RCS is answered by it", () => {
  test.each([
    ["whatsapp:", "+15005550401"],
    ["rcs:", "+15005550402"],
    ["", "+15005550403"],
  ])("%s", async (prefix, number) => {
    const { contactId } = await write(prefix, number);
    const own = real.way("twilio").address;
    expect(await byTwilio(contactId, `To ${number}`)).toEqual({ from: `${prefix}${own}`, to: `${prefix}${number}` });
  });

  test("and by what they wrote with last, in turn", async () => {
    const number = "+15005550404";
    const { contactId } = await write("whatsapp:", number);
    for (const prefix of ["", "rcs:", "whatsapp:", ""]) {
      expect((await write(prefix, number)).contactId).toBe(contactId);
      expect((await byTwilio(contactId, `Now by ${prefix}`)).to).toBe(`${prefix}${number}`);
    }
  });

  test("a repeated webhook does not turn it back", async () => {
    const number = "+15005550405";
    const id = "by-gateway";
    await real.receiveText({ id, from: `whatsapp:${number}`, to: `whatsapp:${real.way("generic-sms").address}` });
    const { contactId } = await real.posted(id);
    await real.receiveText({ id: "by-gateway-2", from: number });
    await real.receiveText({ id, from: `whatsapp:${number}`, to: `whatsapp:${real.way("generic-sms").address}` });
    const by = real.way("generic-sms");
    real.write(by, contactId, "By the gateway");
    expect(await real.sent(by, "By the gateway")).toMatchObject({ from: by.address, to: [number] });
  });
});

describe("a call of HighLevel's that names the service", () => {
  const call = (provider: string, contactId: string, type: string, phone: string, text: string) => {
    const { mappingId } = real.way(provider);
    const body = { ...{ contactId, type, phone, message: text, locationId: "location-1" }, attachments: [] };
    const { url } = real.bridge;
    return real.bridge.sandbox.postEvent(`${url}/webhooks/highlevel/${mappingId}`, { ...body, messageId: text });
  };

  test.each([
    ["WhatsApp", "whatsapp:"],
    ["RCS", "rcs:"],
    ["SMS", ""],
  ])("%s goes by it", async (type, prefix) => {
    const contact = real.addContact({ phone: "+15005550411" });
    await call("twilio", contact.id, type, "+15005550411", `By ${type}`);
    expect((await real.sent(real.way("twilio"), `By ${type}`)).to).toEqual([`${prefix}+15005550411`]);
  });

  test("is reported as failed where the provider has none, and goes out as nothing else", async () => {
    const by = real.way("plivo");
    const contact = real.addContact({ phone: "+15005550412" });
    await call("plivo", contact.id, "RCS", "+15005550412", "By nothing");
    const { items } = await until(
      async () => (await real.bridge.admin("GET", `/messages?mappingId=${by.mappingId}`)).body,
      ({ items: found }) => found.length > 0,
    );
    expect(items[0]).toMatchObject({ state: "failed", error: { message: expect.stringContaining("no RCS") } });
    expect(by.standIn.sent.filter(({ text }) => text === "By nothing")).toEqual([]);
  });
});

test("what could not be answered by its service is refused with a reason", async () => {
  const { address } = real.way("telnyx");
  const payload = {
    ...{ id: "by-imessage", type: "iMessage", from: { phone_number: "+15005550421" }, to: [{ phone_number: address }] },
    ...{ text: "Hi", media: [], direction: "inbound" },
  };
  const webhook = await real.receive("telnyx", { data: { event_type: "message.received", payload } });
  expect(webhook).toMatchObject({
    state: "failed",
    reason: expect.stringContaining("data.payload.type: is none of SMS, MMS, WHATSAPP and RCS"),
  });
});
