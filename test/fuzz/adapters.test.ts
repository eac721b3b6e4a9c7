import { generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, inject, test } from "vitest";
import { ParseError } from "../../src/errors.ts";
import { isFromHighlevel, readHighlevelEvent } from "../../src/highlevel/webhook.ts";
import { addressOfPerson, seenBy } from "../../src/inbox/read-webhook.ts";
import { composeInbound } from "../../src/messages/compose-inbound.ts";
import { composeOutbound } from "../../src/messages/compose-outbound.ts";
import { contentOf } from "../../src/messages/content.ts";
import type { Channel, ProviderMessage, WebhookRequest } from "../../src/model.ts";
import type { MappingFacts } from "../../src/registry/mappings.ts";
import { type AnyAdapter, providers } from "../support/providers.ts";
import { bodyMutation, byteMutation, headerMutation, mutateBody, mutateBytes } from "./mutations.ts";
import { expectSwift } from "./slowness.ts";

const numRuns = inject("fuzzRuns");
const url = "https://bridge.example.com/webhooks/5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const at = new Date("2026-11-21T10:00:00.000Z");
const addresses: Record<Channel, string> = { sms: "+15005550009", email: "support@example.com" };

describe.each(providers)("$name", ({ adapter, signer, fixtures }) => {
  const samples = fixtures.map(({ fixture }) => fixture.request);
  const mutated = fc
    .record({
      which: fc.nat(samples.length - 1),
      fields: fc.array(bodyMutation, { maxLength: 4 }),
      bytes: fc.array(byteMutation, { maxLength: 2 }),
      headers: fc.array(headerMutation, { maxLength: 2 }),
      query: fc.constantFrom("", "?message=", "?message=1&message=2", "?message=99999999999999999999999", "?%ff&=&["),
    })
    .map(({ which, fields, bytes, headers, query }): WebhookRequest => {
      const sample = samples[which] as (typeof samples)[number];
      const isForm = sample.contentType !== "application/json";
      const body = mutateBody(sample.body, fields, isForm);
      const request = signer.sign({ ...sample, body }, { url: `${url}${query || (sample.query ?? "")}`, at });
      const changed = Object.fromEntries(headers.map(({ name, value }) => [name, value]));
      return { ...request, headers: { ...request.headers, ...changed }, body: mutateBytes(request.body, bytes) };
    });

  test(`verifies or not, and reads or says why not, whatever comes: ${numRuns} times`, async () => {
    await fc.assert(
      fc.asyncProperty(mutated, async (request) => {
        const about = () =>
          `${JSON.stringify(request.headers)} ${request.body.toString("latin1").slice(0, 3000)}`.slice(0, 5000);
        const verify = () => adapter.verify(request, signer.credentials);
        expect(await expectSwift(verify, about)).toBeTypeOf("boolean");
        await expectSwift(() => readWhole(adapter, request), about);
        expect({}).not.toHaveProperty("polluted");
      }),
      { numRuns },
    );
  });
});

/** All that is done with a provider's webhook before the database and HighLevel see it. */
async function readWhole(adapter: AnyAdapter, request: WebhookRequest): Promise<void> {
  const { channel } = adapter;
  const mapping = { adapter, channel, address: addresses[channel] };
  const events = await orParseError(async () => {
    await adapter.nonceOf?.(request);
    return adapter.parse(request);
  });
  const seen = (events ?? []).flatMap((event) =>
    event.kind === "message" ? seenBy([mapping as MappingFacts], event).map((each) => each.event) : event,
  );
  for (const event of seen) {
    JSON.stringify(event, (_name, value) => {
      if (typeof value === "string") expect(value.includes("\0") || !value.isWellFormed()).toBe(false);
      return value;
    });
    if (event.kind === "message") post(mapping, event);
  }
  if (events && adapter.openFiles) await orParseError(() => adapter.openFiles?.(request));
}

function post(mapping: { channel: Channel; address: string }, event: ProviderMessage): void {
  const { providerMessageId, sentAt = null, direction = "inbound" } = event;
  const content = contentOf(event);
  const composed = composeInbound(
    { ...mapping, type: "Custom", conversationProviderId: "p", stripQuoted: true },
    { address: addressOfPerson(mapping, event) ?? event.from, highlevelContactId: "c", highlevelConversationId: null },
    { direction, providerMessageId, sentAt, receivedAt: at, content },
    undefined,
  );
  expect(composed.direction).toBe(direction);
}

async function orParseError<Result>(read: () => Result | Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch (error) {
    expect(error, error instanceof Error ? error.stack : "").toBeInstanceOf(ParseError);
    expect((error as Error).message.length).toBeLessThan(1000);
    return undefined;
  }
}

describe("HighLevel's webhook", () => {
  const own = generateKeyPairSync("ed25519");
  const keys = { ed25519: [own.publicKey], rsa: [generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey] };
  const event = {
    type: "Email",
    locationId: "location-1",
    contactId: "contact-1",
    messageId: "message-1",
    emailMessageId: "email-1",
    phone: "+15005550006",
    message: "text",
    html: "<p>Hello <b>you</b></p>",
    subject: "Hello",
    emailFrom: "Ann <support@example.com>",
    emailTo: ["person@example.org"],
    attachments: ["https://files.example.com/a.pdf"],
    timestamp: "2026-11-21T10:00:00.000Z",
    webhookId: "event-1",
    appId: "app",
    companyId: "company-1",
  };
  const mutated = fc.record({
    type: fc.constantFrom("Email", "SMS", "Custom", "INSTALL", "ContactCreate"),
    fields: fc.array(bodyMutation, { maxLength: 4 }),
    bytes: fc.array(byteMutation, { maxLength: 1 }),
    headers: fc.array(headerMutation, { maxLength: 2 }),
  });

  test(`verifies or not, and reads or says why not, whatever comes: ${numRuns} times`, async () => {
    await fc.assert(
      fc.asyncProperty(mutated, async ({ type, fields, bytes, headers }) => {
        const whole = Buffer.from(JSON.stringify(mutateBody({ ...event, type }, fields, false)));
        const body = mutateBytes(whole, bytes);
        const signature = sign(null, whole, own.privateKey).toString("base64");
        const changed = Object.fromEntries(headers.map(({ name, value }) => [name, value]));
        const request = { url, headers: { "x-ghl-signature": signature, ...changed }, body, receivedAt: at };
        const about = () => body.toString("latin1").slice(0, 3000);
        expect(await expectSwift(() => isFromHighlevel(request, keys), about)).toBeTypeOf("boolean");
        await expectSwift(() => orParseError(() => composeAll(body)), about);
      }),
      { numRuns },
    );
  });

  function composeAll(body: Buffer): void {
    const said = readHighlevelEvent(body);
    if (said.kind !== "outbound") return;
    const { message, html, subject, emailFrom } = said.request;
    const content = { to: [], cc: [], bcc: [], inReplyTo: [], references: [], attachments: [] };
    composeOutbound({
      mapping: {
        id: "m",
        replyTokens: true,
        listUnsubscribe: true,
        accountId: "a",
        channel: "email",
        address: addresses.email,
      },
      publicUrl: "https://bridge.example.com",
      emailSecret: Buffer.alloc(32),
      address: "person@example.org",
      message: { id: 1, receivedAt: new Date(), rfcMessageId: "a@b" },
      content: { ...content, text: message, html, subject, from: emailFrom },
      attachments: [],
      unfetched: [],
    });
  }
});

test.each(providers)("$name reads a refusal, or none, in whatever its API answers", ({ adapter }) => {
  fc.assert(
    fc.property(fc.jsonValue(), (answer) => {
      const error = adapter.readError(answer);
      if (error) expect(error).toEqual({ code: expect.any(String), message: expect.any(String) });
    }),
    { numRuns },
  );
});
