import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer as genericEmail } from "../fixtures/generic-email/sign.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId, publicUrl } from "../support/location.ts";
import { createStandIn } from "../support/stand-ins/from-fixtures.ts";
import { serveStandIns } from "../support/stand-ins/serve.ts";
import { until } from "../support/until.ts";

const current = generateKeyPairSync("ed25519");
const foreign = generateKeyPairSync("ed25519");
const legacy = generateKeyPairSync("rsa", { modulusLength: 2048 });
const foreignLegacy = generateKeyPairSync("rsa", { modulusLength: 2048 });

const sms = createStandIn("generic-sms");
let served: Awaited<ReturnType<typeof serveStandIns>>;
let bridge: TestBridge;
/** A text mapping and an email mapping of the location. */
let texts = "";
let emails = "";
beforeAll(async () => {
  served = await serveStandIns([sms]);
  bridge = await startTestBridge({
    config: {
      providersUrl: served.url,
      highlevelKeys: { ed25519: [current.publicKey], rsa: [legacy.publicKey] },
      oauth: {
        clientId: "app-x",
        clientSecret: "secret",
        authorizeUrl: "https://marketplace.example.com/v2/oauth/chooselocation",
        scopes: "conversations.write",
      },
    },
  });
  texts = await addTexts("+15005550009");
  emails = await addEmails("support@example.com");
});
afterAll(async () => {
  await bridge.stop();
  await served.stop();
});

const addTexts = (address: string, more: Record<string, unknown> = {}) =>
  bridge.addMapping({ provider: "generic-sms", address, credentials: genericSms.sendCredentials, ...more });
const addEmails = (address: string) =>
  bridge.addMapping({ provider: "generic-email", address, credentials: genericEmail.sendCredentials });

let counter = 0;
const textBody = (more: Record<string, unknown> = {}) => ({
  type: "Custom",
  locationId,
  contactId: `contact-${++counter}`,
  messageId: `text-${counter}`,
  phone: `+1500555${1000 + counter}`,
  message: `text ${counter}`,
  attachments: [],
  userId: "user",
  ...more,
});
const emailBody = (more: Record<string, unknown> = {}) => ({
  type: "Custom",
  locationId,
  contactId: `contact-${++counter}`,
  messageId: `thread-${counter}`,
  emailMessageId: `email-${counter}`,
  emailTo: [`person${counter}@example.org`],
  emailFrom: "Ann <support@example.com>",
  subject: "Hello",
  html: `<p>email ${counter}</p>`,
  ...more,
});

const ed25519 = (text: string, key: KeyObject = current.privateKey) => ({
  "x-ghl-signature": sign(null, Buffer.from(text), key).toString("base64"),
});
const rsa = (text: string, key: KeyObject = legacy.privateKey) => ({
  "x-wh-signature": sign("RSA-SHA256", Buffer.from(text), key).toString("base64"),
});
type HeadersFor = (text: string) => Record<string, string>;
/** As HighLevel does, to a mapping's delivery URL, or to that of the app. */
async function post(mappingId: string | undefined, body: unknown, headersFor: HeadersFor = ed25519) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return postRaw(mappingId, text, headersFor(text));
}
const postRaw = (mappingId: string | undefined, text: string, headers: Record<string, string>) =>
  bridge.post({
    url: `${publicUrl}/webhooks/highlevel${mappingId === undefined ? "" : `/${mappingId}`}`,
    headers: { "content-type": "application/json", ...headers },
    body: Buffer.from(text),
    receivedAt: new Date(),
  });

interface Listed {
  id: number;
  state: string;
  reason: string | null;
  mappingId: string | null;
}
const newestWebhook = async (): Promise<Listed> => (await bridge.admin("GET", "/webhooks?limit=1")).body.items[0];
/** Posts, and waits for what became of it. */
async function outcomeOf(mappingId: string | undefined, body: unknown, headersFor?: HeadersFor): Promise<Listed> {
  expect((await post(mappingId, body, headersFor)).status).toBe(200);
  return until(newestWebhook, ({ state }) => state !== "received");
}
const textsTo = (phone: string) => sms.sent.filter(({ to }) => to.includes(phone));
/** Newest first. Emails stay queued here: HighLevel does not show them for their cc. */
const messagesTo = async (address = "") => (await bridge.admin("GET", `/messages?address=${address}`)).body.items;
const untilSent = (read: () => unknown[], count = 1) =>
  until(read, (sent) => sent.length >= count).then((sent) => expect(sent).toHaveLength(count));

describe("who may call a delivery URL", () => {
  test("HighLevel, by the Ed25519 signature of the exact bytes: 200, and the text goes out", async () => {
    const body = textBody();
    expect((await post(texts, body)).status).toBe(200);
    await untilSent(() => textsTo(body.phone));
  });

  test("not for another location's event: 403, and nothing of it is kept where the mapping's integrator could read it", async () => {
    const before = await newestWebhook();
    const body = textBody({ locationId: "other" });
    const answer = await post(texts, body);
    expect(answer).toMatchObject({ status: 403, body: { detail: expect.stringMatching(/^locationId: /) } });
    expect((await newestWebhook()).id).toBe(before.id);
    const lines = bridge.logLines.filter(({ event }) => event === "webhook.refused");
    expect(lines).toMatchObject([{ mappingId: texts, reason: "misdirected" }]);
  });

  test("nobody else: 401 for a changed byte, none, N/A, nonsense or somebody else's signature, and nothing is kept", async () => {
    const before = await newestWebhook();
    const text = JSON.stringify(textBody());
    const good = ed25519(text);
    const calls: [string, Record<string, string>][] = [
      [`${text} `, good],
      [text, {}],
      [text, { "x-ghl-signature": "N/A" }],
      [text, { "x-ghl-signature": "?" }],
      [text, { "x-ghl-signature": "AAAA" }],
      [text, { "x-ghl-signature": good["x-ghl-signature"].slice(4) }],
      [text, ed25519(text, foreign.privateKey)],
      [text, { "x-wh-signature": good["x-ghl-signature"] }],
    ];
    for (const [body, headers] of calls) {
      const answer = await postRaw(texts, body, headers);
      expect(answer.status).toBe(401);
      expect(answer.headers["content-type"]).toContain("application/problem+json");
    }
    expect((await newestWebhook()).id).toBe(before.id);
  });

  test("the older RSA signature serves for app events, and never makes us send", async () => {
    const event = { type: "ContactCreate", locationId };
    expect((await post(undefined, event, rsa)).status).toBe(200);
    const beside = JSON.stringify(event);
    expect((await postRaw(undefined, beside, { "x-ghl-signature": "N/A", ...rsa(beside) })).status).toBe(200);
    for (const body of [textBody(), emailBody(), textBody({ type: "SMS" }), "no json", { type: "SMS" }]) {
      for (const mappingId of [undefined, texts]) expect((await post(mappingId, body, rsa)).status).toBe(401);
    }
    const forged = JSON.stringify(event);
    expect((await postRaw(undefined, forged, rsa(forged, foreignLegacy.privateKey))).status).toBe(401);
    expect((await postRaw(undefined, `${forged} `, rsa(forged))).status).toBe(401);
    const wrongCurrent = { ...ed25519(forged, foreign.privateKey), ...rsa(forged) };
    expect((await postRaw(undefined, forged, wrongCurrent)).status).toBe(401);
  });

  test("404 for a mapping that never was, 413 for a body that is too large", async () => {
    for (const id of [randomUUID(), "1"]) expect((await post(id, textBody())).status).toBe(404);
    const deleted = await addTexts("+15005550019");
    await bridge.admin("DELETE", `/mappings/${deleted}`);
    // Who is not HighLevel learns nothing of which there are.
    for (const id of [randomUUID(), deleted]) expect((await postRaw(id, "{}", {})).status).toBe(401);
    expect((await post(texts, textBody({ message: "x".repeat(1_100_000) }))).status).toBe(413);
  });
});

describe("what comes again", () => {
  test("the same message under another webhookId, or the same, or none, is sent once", async () => {
    const body = textBody({ webhookId: randomUUID() });
    expect(await outcomeOf(texts, body)).toMatchObject({ state: "processed" });
    const other = await outcomeOf(texts, { ...body, webhookId: randomUUID() });
    expect(other).toMatchObject({ state: "ignored", reason: expect.stringContaining("duplicate") });
    expect(await outcomeOf(texts, body)).toMatchObject({
      state: "ignored",
      reason: "duplicate: an event with this webhookId is known",
    });
    expect(await outcomeOf(texts, { ...body, webhookId: undefined })).toMatchObject({ state: "ignored" });
    await untilSent(() => textsTo(body.phone));
  });

  test("without a webhookId is known by its content, also at another mapping of the location", async () => {
    const another = await addTexts("+15005550019");
    const body = textBody();
    expect(await outcomeOf(texts, body)).toMatchObject({ state: "processed" });
    for (const url of [texts, another, undefined]) {
      expect(await outcomeOf(url, body)).toMatchObject({
        state: "ignored",
        reason: "duplicate: an event with this content is known",
      });
    }
    await untilSent(() => textsTo(body.phone));
  });

  test("and at once, many times, is sent once", async () => {
    const body = textBody({ webhookId: randomUUID() });
    await Promise.all(Array.from({ length: 20 }, () => post(texts, body)));
    await until(newestWebhook, ({ state }) => state !== "received");
    await untilSent(() => textsTo(body.phone));
  });

  test("emails of one thread share its messageId, and are different emails", async () => {
    const first = emailBody();
    const second = { ...first, emailMessageId: `${first.emailMessageId}-2`, html: "<p>second</p>" };
    for (const body of [first, second, second]) await outcomeOf(emails, body);
    expect(await messagesTo(first.emailTo[0])).toMatchObject([
      { highlevelMessageId: first.messageId, highlevelEmailMessageId: second.emailMessageId },
      { highlevelMessageId: first.messageId, highlevelEmailMessageId: first.emailMessageId },
    ]);
  });

  test("after more than 7 days is refused unseen, as its webhookId may be forgotten; a little younger is sent", async () => {
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
    const old = textBody({ timestamp: daysAgo(7.01), webhookId: randomUUID() });
    const outcome = await outcomeOf(texts, old);
    expect(outcome).toMatchObject({ state: "ignored", reason: expect.stringContaining("older than 7 days") });
    const young = textBody({ timestamp: daysAgo(6.9), webhookId: randomUUID() });
    expect(await outcomeOf(texts, young)).toMatchObject({ state: "processed" });
    await untilSent(() => textsTo(young.phone));
    expect(textsTo(old.phone)).toEqual([]);
  });
});

describe("what can reach nobody is processed as a message that failed, so that HighLevel is told", () => {
  test.each<[string, () => [string, unknown], RegExp]>([
    ["no phone", () => [texts, textBody({ phone: undefined })], /phone: the contact has no phone number/],
    ["a phone that is none", () => [texts, textBody({ phone: "-" })], /phone: - is no phone number/],
    ["a phone of another type", () => [texts, textBody({ phone: {} })], /phone: the contact has no phone number/],
    ["no emailTo", () => [emails, emailBody({ emailTo: [] })], /emailTo: the contact has no email address/],
  ])("%s", async (_name, make, reason) => {
    const [mappingId, body] = make();
    const outcome = await outcomeOf(mappingId, body);
    expect(outcome).toMatchObject({ state: "processed", accountId: mappingId, reason: expect.stringMatching(reason) });
    const [message] = (await bridge.admin("GET", `/messages?mappingId=${mappingId}&state=failed`)).body.items;
    expect(message).toMatchObject({ origin: "highlevel", error: { message: expect.stringMatching(reason) } });
  });
});

describe("what cannot be read is a failed webhook that says why", () => {
  const refusals: [string, () => [string, unknown], RegExp][] = [
    ["no messageId", () => [texts, textBody({ messageId: undefined })], /messageId/],
    ["no JSON", () => [texts, "{"], /./],
    ["a list", () => [texts, []], /./],
  ];
  test.each(refusals)("%s", async (_name, make, reason) => {
    const [mappingId, body] = make();
    const failed = await outcomeOf(mappingId, body);
    expect(failed).toMatchObject({ state: "failed", accountId: mappingId });
    expect(failed.reason).toMatch(reason);
    const listed = (await bridge.admin("GET", `/webhooks?state=failed&mappingId=${mappingId}`)).body.items;
    expect(listed[0].id).toBe(failed.id);
  });
});

test("unknown event types are taken and ignored, so that HighLevel does not repeat them", async () => {
  for (const mappingId of [undefined, texts]) {
    const outcome = await outcomeOf(mappingId, { type: "NoteCreate", locationId, webhookId: randomUUID() });
    expect(outcome).toMatchObject({ state: "ignored", reason: "event NoteCreate is not bridged" });
  }
});

test("emailTo may be a text or a list", async () => {
  await outcomeOf(emails, emailBody({ emailTo: "Jane <JANE@example.org>" }));
  await outcomeOf(emails, emailBody({ emailTo: ["jane@EXAMPLE.org"] }));
  expect(await messagesTo("jane@example.org")).toHaveLength(2);
});

test("nobody whom an agent's email is to is left out", async () => {
  const body = emailBody({ emailTo: ["joe@example.org", "Ann <ANN@example.org>", "joe@example.org", "?"] });
  await outcomeOf(emails, body);
  const [message] = await messagesTo("joe@example.org");
  const { content } = (await bridge.admin("GET", `/messages/${message.id}`)).body;
  expect(content).toMatchObject({ to: ["joe@example.org"], cc: ["ANN@example.org"] });
});

describe("one delivery URL for all numbers", () => {
  test("sends by the mapping by which this person was written with last, in the channel of the message", async () => {
    const second = await addTexts("+15005550012");
    const body = textBody();
    for (const mappingId of [texts, second, texts]) {
      await outcomeOf(mappingId, { ...body, messageId: `text-${++counter}` });
    }
    await outcomeOf(emails, emailBody({ contactId: body.contactId }));
    await outcomeOf(undefined, { ...body, messageId: `text-${++counter}` });
    await outcomeOf(second, { ...body, messageId: `text-${++counter}` });
    await outcomeOf(undefined, { ...body, messageId: `text-${++counter}` });
    await untilSent(() => textsTo(body.phone), 6);
    const from = textsTo(body.phone).map((each) => each.from);
    expect(from.filter((each) => each === "+15005550009")).toHaveLength(3);
    expect(from.filter((each) => each === "+15005550012")).toHaveLength(3);
    await bridge.admin("DELETE", `/mappings/${second}`);
  });

  test("to somebody new sends by the location's default mapping, else by its oldest of the channel", async () => {
    const oldest = textBody();
    await outcomeOf(undefined, oldest);
    await untilSent(() => textsTo(oldest.phone));
    expect(textsTo(oldest.phone)[0]?.from).toBe("+15005550009");
    const mail = emailBody();
    await outcomeOf(undefined, mail);
    expect(await messagesTo(mail.emailTo[0])).toMatchObject([{ mappingId: emails, state: "queued" }]);

    const chosen = await addTexts("+15005550013", { isDefault: true });
    const byDefault = textBody();
    await outcomeOf(undefined, byDefault);
    await untilSent(() => textsTo(byDefault.phone));
    expect(textsTo(byDefault.phone)[0]?.from).toBe("+15005550013");
    await bridge.admin("DELETE", `/mappings/${chosen}`);
    const afterwards = textBody();
    await outcomeOf(undefined, afterwards);
    await untilSent(() => textsTo(afterwards.phone));
    expect(textsTo(afterwards.phone)[0]?.from).toBe("+15005550009");
  });

  test("with no mapping fails with a reason, and is sent by a replay after one was registered, also when HighLevel has called twice", async () => {
    await bridge.admin("PUT", "/locations/location-2", { token: "token-location-2" });
    const body = textBody({ locationId: "location-2", webhookId: randomUUID() });
    const failed = await outcomeOf(undefined, body);
    expect(failed).toMatchObject({ state: "failed", reason: expect.stringMatching(/location-2 has no sms mapping/) });
    expect(await outcomeOf(undefined, body)).toMatchObject({ state: "failed" });
    await addTexts("+15005550014", { locationId: "location-2" });
    expect((await bridge.admin("POST", `/webhooks/${failed.id}/replay`)).status).toBe(202);
    await untilSent(() => textsTo(body.phone));
    expect((await bridge.admin("GET", `/webhooks/${failed.id}`)).body).toMatchObject({ state: "processed" });
  });
});

describe("INSTALL and UNINSTALL", () => {
  const show = async (id: string) => (await bridge.admin("GET", `/locations/${id}`)).body;
  const event = (type: string, more: Record<string, unknown>) => ({
    type,
    appId: "app",
    webhookId: randomUUID(),
    timestamp: new Date(Date.now() + 60_000).toISOString(),
    ...more,
  });

  test("make a location known, take its tokens away, and are told in the webhook's reason", async () => {
    const id = { locationId: "location-3", companyId: "company-3" };
    const installed = await outcomeOf(undefined, event("INSTALL", id));
    expect(installed).toMatchObject({ state: "processed", reason: expect.stringContaining("by agency company-3") });
    expect(await show("location-3")).toMatchObject({ auth: "agency", companyId: "company-3", paused: null });
    const gone = await outcomeOf(undefined, event("UNINSTALL", id), rsa);
    expect(gone.reason).toContain("took its tokens away");
    expect((await show("location-3")).paused).toMatchObject({ reason: "needs_reauthorization" });
  });

  test("of another app, or of a location with a token by hand, change nothing", async () => {
    const other = await outcomeOf(undefined, event("UNINSTALL", { locationId, appId: "another" }));
    expect(other.reason).toContain("another app");
    const byHand = await outcomeOf(undefined, event("UNINSTALL", { locationId }));
    expect(byHand.reason).toContain("changes nothing");
    expect(await show(locationId)).toMatchObject({ auth: "token", paused: null });
  });
});
