import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Failure } from "../../src/errors.ts";
import type { OutboundMessage, ReceiptStatus } from "../../src/model.ts";
import type { AdapterSpec } from "../../src/providers/kit/adapter.ts";
import { adapterOf } from "../../src/providers/registry.ts";
import { signer as mailgunSigner } from "../fixtures/mailgun/sign.ts";
import { signer as postmarkSigner } from "../fixtures/postmark/sign.ts";
import { createMailgunStandIn } from "./stand-ins/mailgun.ts";
import { createPostmarkStandIn } from "./stand-ins/postmark.ts";
import { serveStandIns } from "./stand-ins/serve.ts";

const url = "https://bridge.example.com/webhooks/5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const at = new Date("2026-11-21T10:00:00.000Z");
const file = { url: "https://files.example.com/1", name: "März.pdf", contentType: "application/pdf" };
const email: OutboundMessage = {
  ...{ reference: "42", from: "support@example.com", fromName: "Müller, Jo", to: "ann@example.org" },
  ...{ cc: ["boss@example.org", "bob@example.org"], bcc: ["archive@example.com"], replyTo: "replies@example.com" },
  ...{ subject: "Re: Hello", text: "Grüße 😀", html: "<p>Grüße</p>", receiptUrl: `${url}?message=42` },
  attachments: [{ ...file, content: Buffer.from("%PDF-1.4\n") }],
  ...{ rfcMessageId: "42.abc@example.com", inReplyTo: "e-1@example.org" },
  references: ["e-0@example.com", "e-1@example.org"],
};
const named = (name: string, size = 1) => [{ ...file, name, content: Buffer.alloc(size) }];

const samples = [
  {
    standIn: createPostmarkStandIn(),
    signer: postmarkSigner,
    wrongCredentials: { serverToken: "wrong" },
    wrongKeyError: { code: "10", message: expect.any(String) },
    spoiled: [
      [{ to: "nobody" }, "300", /'To'/],
      [{ cc: ["nobody"] }, "300", /'Cc'/],
      [{ bcc: Array(49).fill("a@example.org") }, "300", /50 recipients/],
      [{ text: undefined, html: undefined }, "300", /TextBody or HtmlBody/],
      [{ attachments: named("setup.EXE") }, "411", /setup.EXE/],
      [{ attachments: [{ ...named("a")[0], contentType: "a pdf" }] }, "300", /content type/],
      [{ reference: "4".repeat(81) }, "300", /Metadata/],
    ],
    ownId: (id: string) => `${id}@mtasv.net`,
  },
  {
    standIn: createMailgunStandIn(),
    signer: mailgunSigner,
    wrongCredentials: { apiKey: "wrong" },
    wrongKeyError: undefined,
    spoiled: [
      [{ from: "nobody" }, "refused", /'from' parameter is not a valid address/],
      [{ to: "" }, "refused", /'to' parameter is missing/],
      [{ cc: ["nobody"] }, "refused", /'cc' parameter is not a valid address/],
      [{ text: "", html: undefined }, "refused", /'text' or 'html'/],
      [{ inReplyTo: "x".repeat(17_000) }, "refused", /16 kB/],
    ],
    ownId: (id: string) => id,
  },
] as const;

let served: Awaited<ReturnType<typeof serveStandIns>>;
beforeAll(async () => {
  served = await serveStandIns(samples.map(({ standIn }) => standIn));
});
afterAll(() => served.stop());

describe.each(samples)("the stand-in of $standIn.provider", ({ standIn, signer, ...sample }) => {
  const adapter = adapterOf(standIn.provider) as AdapterSpec<unknown>;
  const send = (more: object = {}, credentials: object = {}) =>
    adapter.send({ ...email, ...more }, { ...(signer.sendCredentials as object), ...credentials }, served.callApi);
  const lastSent = () => standIn.sent.at(-1) ?? expect.unreachable("nothing was sent");
  const failureOf = (sending: Promise<unknown>): Promise<Failure> =>
    sending.then(
      () => expect.unreachable("it was accepted"),
      (failure: Failure) => failure,
    );

  test("accepts what the adapter sends, under our Message-ID", async () => {
    const { providerMessageId, rfcMessageId } = await send();
    expect(rfcMessageId).toBeUndefined();
    const { from, to, cc, bcc, text, html, subject } = email;
    expect(lastSent()).toEqual({
      ...{ id: providerMessageId, reference: "42", from, to: [to], cc, bcc, text, html, subject, media: ["März.pdf"] },
      headers: {
        "message-id": "<42.abc@example.com>",
        "in-reply-to": "<e-1@example.org>",
        references: "<e-0@example.com> <e-1@example.org>",
        "reply-to": "replies@example.com",
      },
      receiptUrl: undefined,
    });
  });

  test("gives an email without a Message-ID one of its own, of which the adapter knows", async () => {
    const { providerMessageId, rfcMessageId } = await send({ rfcMessageId: undefined });
    expect(rfcMessageId).toBe(sample.ownId(providerMessageId));
    expect(lastSent().headers["message-id"]).toBe(`<${rfcMessageId}>`);
  });

  test("refuses a wrong key, and what the original refuses, in its words", async () => {
    const { length } = standIn.sent;
    const unauthorized = await failureOf(send({}, sample.wrongCredentials));
    expect(unauthorized).toMatchObject({ reason: "unauthorized", status: 401 });
    expect(adapter.readError(unauthorized.answer)).toEqual(sample.wrongKeyError);
    for (const [spoiled, code, message] of sample.spoiled) {
      const refused = await failureOf(send(spoiled));
      expect(refused.reason, JSON.stringify(spoiled)).toBe("rejected");
      expect(adapter.readError(refused.answer)).toEqual({ code, message: expect.stringMatching(message) });
    }
    expect(standIn.sent).toHaveLength(length);
  });

  test.each<ReceiptStatus>(["delivered", "read", "failed"])("reports %s, signed, for one recipient", async (status) => {
    const { providerMessageId } = await send({ reference: "44", rfcMessageId: "44.abc@example.com" });
    const webhook = standIn.receipt(lastSent(), status, { url, at, recipient: "Boss@Example.org" });
    expect(webhook.url).toBe(url);
    expect(await adapter.verify(webhook, signer.credentials)).toBe(true);
    const about = { reference: "44", providerMessageId, status, recipient: "boss@example.org" };
    const error =
      status === "failed" ? { code: expect.any(String), message: expect.stringContaining("5.1.1") } : undefined;
    expect(await adapter.parse(webhook)).toEqual([{ kind: "receipt", ...about, error }]);
    expect(() => standIn.receipt(lastSent(), "sent", { url, at })).toThrow("no webhook");
  });

  test("posts what the person answers, signed, in the thread that the person saw", async () => {
    for (const rfcMessageId of ["42.abc@example.com", undefined]) {
      const { rfcMessageId: chosen = rfcMessageId } = await send({ rfcMessageId });
      const webhook = standIn.answer(lastSent(), { url, at, id: "a-1", text: "Thanks 😀" });
      expect(await adapter.verify(webhook, signer.credentials)).toBe(true);
      const people = { from: "ann@example.org", to: ["replies@example.com"], cc: [] };
      const thread = {
        rfcMessageId: "a-1@mail.example.org",
        inReplyTo: [chosen],
        references: [...email.references, chosen],
      };
      expect(await adapter.parse(webhook)).toMatchObject([
        { kind: "message", ...people, subject: "Re: Hello", text: "Thanks 😀", ...thread, sentAt: at },
      ]);
    }
  });
});

test("Postmark refuses what is no JSON, too large, or elsewhere; Mailgun another's domain", async () => {
  const { serverToken } = postmarkSigner.sendCredentials as { serverToken: string };
  const { apiKey } = mailgunSigner.sendCredentials as { apiKey: string };
  const json = {
    "content-type": "application/json",
    accept: "application/json",
    "x-postmark-server-token": serverToken,
  };
  const basic = { authorization: `Basic ${Buffer.from(`api:${apiKey}`).toString("base64")}` };
  const post = (path: string, headers: Record<string, string>, body: string) =>
    served
      .callApi({ method: "POST", url: `https://${path}`, headers, body })
      .then(() => 200)
      .catch((failure: Failure) => failure.status);
  expect(await post("api.postmarkapp.com/email", { ...json, "content-type": "text/plain" }, "{}")).toBe(415);
  expect(await post("api.postmarkapp.com/email", { ...json, accept: "text/html" }, "{}")).toBe(415);
  expect(await post("api.postmarkapp.com/email", json, "{")).toBe(422);
  expect(
    await post("api.postmarkapp.com/email", json, '{"From":"a@example.com","To":"b@example.org","Body":"x"}'),
  ).toBe(422);
  expect(await post("api.postmarkapp.com/email", json, " ".repeat(10_000_001))).toBe(413);
  expect(await post("api.postmarkapp.com/emails", json, "{}")).toBe(404);
  expect(await post("api.mailgun.net/v3/other.example.com/messages", basic, "")).toBe(404);
  expect(await post("api.mailgun.net/v3/mg.example.com/messages", basic, "{}")).toBe(400);
  expect(await post("api.mailgun.net/v3/mg.example.com/messages", {}, "")).toBe(401);
});
