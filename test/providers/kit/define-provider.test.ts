import { expect, test, vi } from "vitest";
import { z } from "zod";
import type { ApiAnswer } from "../../../src/calls/call-api.ts";
import type { OutboundMessage } from "../../../src/model.ts";
import { credentials, secret } from "../../../src/providers/kit/credentials.ts";
import { defineProvider } from "../../../src/providers/kit/define-provider.ts";
import { ignored } from "../../../src/providers/kit/events.ts";
import { answerOf } from "../../../src/providers/kit/sends.ts";
import { hmac, inBody } from "../../../src/providers/kit/signatures.ts";
import { requestOf } from "./request.ts";

const acme = (more: { refusesWithin200?: true } = {}) =>
  defineProvider({
    ...{ label: "Acme", channel: "sms", pasteAt: "anywhere" },
    credentials: credentials({
      always: { key: secret("Key", "Anywhere.") },
      toSend: { apiKey: secret("API key", "Anywhere.") },
    }),
    receives: {
      contentTypes: ["application/json"],
      proof: hmac({
        source: inBody("mac", (webhook) => ({
          signature: webhook.read(z.object({ mac: z.string() })).mac,
          signed: ["x"],
        })),
        ...{ hash: "sha256", encoding: "hex", key: ({ key }) => key },
      }),
      read: () => ignored("nothing"),
      files: () => [],
    },
    sends: {
      request: (message, { apiKey }) => ({
        method: "POST",
        url: "https://x.example",
        headers: { apiKey },
        body: message.text,
      }),
      answer: answerOf({
        taken: z.object({ id: z.string() }),
        sent: ({ id }) => ({ providerMessageId: id }),
        refused: z.object({ code: z.string(), message: z.string() }),
        ...more,
      }),
      refusals: { slow: "throttled", wrong: "misconfigured", stop: "opted_out" },
    },
  });

const message: OutboundMessage = {
  ...{ reference: "42", from: "+15005550009", to: "+15005550006", text: "Hello", cc: [], bcc: [] },
  ...{ attachments: [], references: [], receiptUrl: "https://bridge.example.com/webhooks/1" },
};
const send = (body: unknown, more: { refusesWithin200?: true } = {}) =>
  acme(more).send(
    message,
    { key: "k", apiKey: "a" },
    async (): Promise<ApiAnswer> => ({ status: 200, headers: {}, body }),
  );

test("a large body is decoded once, for its proof, its events and its files", async () => {
  const parse = vi.spyOn(JSON, "parse");
  const [adapter, request] = [acme(), requestOf(JSON.stringify({ mac: "x", mail: "m".repeat(10_000) }))];
  await adapter.verify(request, { key: "k" });
  await adapter.verify(request, { key: "other" });
  await adapter.parse(request);
  await adapter.openFiles?.(request);
  const times = parse.mock.calls.length;
  parse.mockRestore();
  expect(times).toBe(1);
});

test("a success names the message, also when it reads as a refusal, too", async () => {
  expect(await send({ id: "m-1" })).toEqual({ providerMessageId: "m-1" });
  expect(await send({ id: "m-1", code: "7", message: "x" }, { refusesWithin200: true })).toEqual({
    providerMessageId: "m-1",
  });
});

test.each([
  ["7", "rejected"],
  ["stop", "opted_out"],
  ["slow", "throttled"],
  ["wrong", "misconfigured"],
  ["constructor", "rejected"],
])("a refusal within a success is no success: %s is %s", async (code, reason) => {
  const refusal = { code, message: "no" };
  const failure = { reason, status: 200, code, message: `no (Acme ${code})`, answer: refusal };
  await expect(send(refusal, { refusesWithin200: true })).rejects.toMatchObject(failure);
});

test("a success without an id may have been carried out: nobody takes its words for a refusal", async () => {
  const failure = { reason: "invalid_answer", message: "Acme took the message and gave no id for it" };
  await expect(send({ code: "ok", message: "queued" })).rejects.toMatchObject(failure);
  await expect(send({}, { refusesWithin200: true })).rejects.toMatchObject(failure);
});

test("nothing is sent while the credentials lack what sending needs", async () => {
  const sending = acme().send(message, { key: "k" }, () => expect.unreachable());
  await expect(sending).rejects.toMatchObject({ reason: "misconfigured", message: expect.stringContaining("apiKey") });
});
