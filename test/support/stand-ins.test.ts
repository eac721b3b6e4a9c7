import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Failure } from "../../src/errors.ts";
import type { OutboundMessage, ReceiptStatus } from "../../src/model.ts";
import { genericSms } from "../../src/providers/generic.ts";
import type { AdapterSpec } from "../../src/providers/kit/adapter.ts";
import { adapterOf } from "../../src/providers/registry.ts";
import { signer as genericEmailSigner } from "../fixtures/generic-email/sign.ts";
import { signer as genericSmsSigner } from "../fixtures/generic-sms/sign.ts";
import { signer as telnyxSigner } from "../fixtures/telnyx/sign.ts";
import { signer as twilioSigner } from "../fixtures/twilio/sign.ts";
import { createGenericEmailStandIn, createGenericSmsStandIn } from "./stand-ins/generic.ts";
import { serveStandIns } from "./stand-ins/serve.ts";
import { createTelnyxStandIn } from "./stand-ins/telnyx.ts";
import { createTwilioStandIn } from "./stand-ins/twilio.ts";

const url = "https://bridge.example.com/webhooks/5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const at = new Date("2026-11-21T10:00:00.000Z");
const common = { reference: "42", cc: [], bcc: [], attachments: [], references: [], receiptUrl: `${url}?message=42` };
const text: OutboundMessage = { ...common, from: "+15005550009", to: "+15005550006", text: "Grüße & 😀" };
const email: OutboundMessage = {
  ...common,
  ...{ from: "support@example.com", fromName: "Support", to: "ann@example.org", cc: ["boss@example.org"] },
  ...{ subject: "Re: Hello", text: "Hi", html: "<p>Hi</p>", replyTo: "replies@example.com" },
  ...{
    rfcMessageId: "42.abc@example.com",
    inReplyTo: "e-1@example.org",
    references: ["e-0@example.com", "e-1@example.org"],
  },
};
const picture = { url: "https://files.example.com/cat.jpg?a=1&b=2", name: "cat.jpg", contentType: "image/jpeg" };
const secretOf = (fill: number) => `whsec_${Buffer.alloc(32, fill).toString("base64")}`;

const samples = [
  {
    standIn: createTwilioStandIn(),
    signer: twilioSigner,
    message: text,
    wrongCredentials: { authToken: "wrong" },
    wrongKeyError: { code: "20003", message: "Authenticate" },
    spoiled: [
      [{ to: "5550006" }, "21211"],
      [{ from: "+0" }, "21212"],
      [{ text: undefined }, "21619"],
      [{ text: "x".repeat(1601) }, "21617"],
      [{ attachments: Array(11).fill(picture) }, "21623"],
      [{ attachments: [{ ...picture, url: "cid:1" }] }, "21620"],
      [{ receiptUrl: "https://my_bridge.example.com/webhooks/1" }, "21609"],
    ],
  },
  {
    standIn: createTelnyxStandIn(),
    signer: telnyxSigner,
    message: text,
    wrongCredentials: { apiKey: "wrong" },
    wrongKeyError: { code: "10009", message: expect.any(String) },
    spoiled: [
      [{ to: "5550006x" }, "40310"],
      [{ from: "+0" }, "40305"],
      [{ text: undefined }, "10004"],
      [{ attachments: [{ ...picture, url: "cid:1" }] }, "10003"],
      [{ receiptUrl: "bridge" }, "10003"],
    ],
  },
  {
    standIn: createGenericSmsStandIn(),
    signer: genericSmsSigner,
    message: text,
    wrongCredentials: { sendSecret: secretOf(1) },
    wrongKeyError: { code: "401", message: "the signature does not fit" },
    spoiled: [[{ to: "5550006" }, "422"]],
  },
  {
    standIn: createGenericEmailStandIn(),
    signer: genericEmailSigner,
    message: email,
    wrongCredentials: { secret: secretOf(1) },
    wrongKeyError: { code: "401", message: "the signature does not fit" },
    spoiled: [[{ cc: ["nobody"] }, "422"]],
  },
] as const;

let served: Awaited<ReturnType<typeof serveStandIns>>;
beforeAll(async () => {
  served = await serveStandIns(samples.map(({ standIn }) => standIn));
});
afterAll(() => served.stop());

describe.each(samples)("the stand-in of $standIn.provider", (sample) => {
  const { standIn, signer, message } = sample;
  const adapter = adapterOf(standIn.provider) as AdapterSpec<unknown>;
  const send = (more: object = {}, credentials: object = {}) =>
    adapter.send({ ...message, ...more }, { ...(signer.sendCredentials as object), ...credentials }, served.callApi);
  const lastSent = () => standIn.sent.at(-1) ?? expect.unreachable("nothing was sent");
  const failureOf = (sending: Promise<unknown>): Promise<Failure> =>
    sending.then(
      () => expect.unreachable("it was accepted"),
      (failure: Failure) => failure,
    );

  test("accepts what the adapter sends, and knows it by the id that it answered", async () => {
    const attachments = [picture];
    const { providerMessageId } = await send({ reference: "43", attachments, receiptUrl: `${url}?message=43` });
    const { from, to, cc, text: words, html, subject } = message;
    expect(lastSent()).toMatchObject({ id: providerMessageId, reference: "43", from, to: [to], cc, text: words });
    expect(lastSent()).toMatchObject(
      message === email ? { html, subject, media: ["cat.jpg"] } : { media: [picture.url] },
    );
  });

  test("refuses a wrong key and a wrong field in the original's shape", async () => {
    const { length } = standIn.sent;
    const unauthorized = await failureOf(send({}, sample.wrongCredentials));
    expect(unauthorized).toMatchObject({ reason: "unauthorized", status: 401 });
    expect(adapter.readError(unauthorized.answer)).toEqual(sample.wrongKeyError);
    for (const [index, [spoiled, code]] of sample.spoiled.entries()) {
      const refused = await failureOf(send({ ...spoiled, reference: String(900 + index) }));
      expect(refused.reason).toBe("rejected");
      expect(adapter.readError(refused.answer), JSON.stringify(spoiled)).toMatchObject({ code });
    }
    expect(standIn.sent).toHaveLength(length);
  });

  test.each<ReceiptStatus>(["sent", "delivered", "read", "failed"])("reports %s, signed", async (status) => {
    const { providerMessageId } = await send({ reference: "44", receiptUrl: `${url}?message=44` });
    const webhook = standIn.receipt(lastSent(), status, { url, at });
    expect(await adapter.verify(webhook, signer.credentials)).toBe(true);
    const [event, ...others] = await adapter.parse(webhook);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ kind: "receipt", reference: "44", providerMessageId, status });
    expect(event).toEqual(expect.objectContaining({ error: status === "failed" ? expect.anything() : undefined }));
  });

  test("posts what the person answers, signed", async () => {
    await send();
    const webhook = standIn.answer(lastSent(), { url, at, id: "SM1", text: "Thanks 😀" });
    expect(webhook.url).toBe(url);
    expect(await adapter.verify(webhook, signer.credentials)).toBe(true);
    const answer = { kind: "message", providerMessageId: "SM1", from: message.to, text: "Thanks 😀" };
    const thread = {
      ...{ to: [email.replyTo], subject: email.subject, rfcMessageId: "SM1@mail.example.org" },
      ...{ inReplyTo: [email.rfcMessageId], references: [...email.references, email.rfcMessageId] },
    };
    expect(await adapter.parse(webhook)).toMatchObject([
      { ...answer, ...(message === email ? thread : { to: [message.from] }) },
    ]);
  });
});

test("a generic gateway carries out a repeated send once", async () => {
  const standIn = samples.find(({ standIn: { provider } }) => provider === "generic-sms")?.standIn;
  const send = () =>
    genericSms.send({ ...text, reference: "45" }, genericSmsSigner.sendCredentials as never, served.callApi);
  const first = await send();
  expect(await send()).toEqual(first);
  expect(standIn?.sent.filter(({ reference }) => reference === "45")).toHaveLength(1);
});

test("Telnyx and the generic gateways refuse what is no JSON, and Twilio what is no form", async () => {
  const credentials = telnyxSigner.sendCredentials as { apiKey: string };
  const post = (path: string, headers: Record<string, string>, body: string) =>
    served
      .callApi({ method: "POST", url: `https://${path}`, headers, body })
      .then(() => 200)
      .catch((failure: Failure) => failure.status);
  const authorization = `Bearer ${credentials.apiKey}`;
  expect(await post("api.telnyx.com/v2/messages", { authorization, "content-type": "text/plain" }, "{}")).toBe(415);
  expect(await post("api.telnyx.com/v2/messages", { authorization, "content-type": "application/json" }, "{")).toBe(
    400,
  );
  expect(await post("api.telnyx.com/v1/messages", { authorization }, "{}")).toBe(404);
  expect(await post("sms.example.net/send", { "content-type": "application/json" }, "{}")).toBe(401);
  expect(await post("api.twilio.com/2010-04-01/Messages.json", {}, "")).toBe(404);
  const { accountSid, authToken } = twilioSigner.sendCredentials as { accountSid: string; authToken: string };
  const basic = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`;
  const messages = `api.twilio.com/2010-04-01/Accounts/${accountSid}/Messages.json`;
  const json = { authorization: basic, "content-type": "application/json" };
  expect(await post(messages, json, '{"To":"+15005550006","From":"+15005550009","Body":"Hi"}')).toBe(400);
});
