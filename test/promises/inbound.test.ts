import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { believeTime } from "../../src/formats/read-time.ts";
import { signer as genericEmail } from "../fixtures/generic-email/sign.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { signer as twilio } from "../fixtures/twilio/sign.ts";
import { startTestBridge, type TestBridge, untilPosted } from "../support/bridge.ts";
import { plainNames, readFixtures, type Sample, type Signer, wholeMeaning } from "../support/fixtures.ts";
import { emailProviderId, publicUrl } from "../support/location.ts";
import { allCredentials, type Provider, providerOf, providers } from "../support/providers.ts";
import { serveStandIns } from "../support/stand-ins/serve.ts";
import { until } from "../support/until.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely.
type Item = any;
let bridge: TestBridge;
let served: Awaited<ReturnType<typeof serveStandIns>>;
beforeAll(async () => {
  served = await serveStandIns([]);
  bridge = await startTestBridge({ config: { providersUrl: served.url } });
});
afterAll(async () => {
  await bridge.stop();
  await served.stop();
});

let posted = 0;
beforeEach(() => {
  posted = bridge.sandbox.messages().length;
  bridge.sandbox.setFaults([]);
});
/** What HighLevel has accepted since the test began. */
const processedLines = () => bridge.logLines.filter(({ event }) => event === "webhook.processed");
const newMessages = async (count: number) => (await untilPosted(bridge, posted + count)).slice(posted);

const sampleOf = (provider: string, name: string): Sample => {
  const found = readFixtures(provider).find((each) => each.name === name);
  if (!found) throw new Error(`there is no fixture ${provider}/${name}`);
  return found.fixture.request;
};
const post = (mappingId: string, signer: Signer, sample: Sample, at = new Date()) =>
  bridge.post(signer.sign(sample, { url: `${publicUrl}/webhooks/${mappingId}`, at }));

let numbers = 100;
const nextNumber = () => `+1500555${++numbers}00`;
const addText = (extra: Record<string, unknown> = {}) =>
  bridge.addMapping({ provider: "generic-sms", address: nextNumber(), credentials: genericSms.credentials, ...extra });
const addEmail = (extra: Record<string, unknown> = {}) =>
  bridge.addMapping({
    provider: "generic-email",
    address: `box${++numbers}@example.com`,
    credentials: genericEmail.credentials,
    conversationProviderId: emailProviderId,
    ...extra,
  });
const addressOf = async (mappingId: string) => (await bridge.admin("GET", `/mappings/${mappingId}`)).body.address;
let ids = 0;
const text = async (mappingId: string, data: Record<string, unknown> = {}): Promise<Sample> => ({
  contentType: "application/json",
  body: {
    type: "message.received",
    data: { id: `m-${++ids}`, from: "+15005550006", to: await addressOf(mappingId), text: "hello", ...data },
  },
});
const email = (data: Record<string, unknown>): Sample => ({
  contentType: "application/json",
  body: {
    type: "message.received",
    data: { id: `e-${++ids}`, from: "Ann <ann@example.org>", to: "box@example.com", text: "hello", ...data },
  },
});
const storyOf = async (mappingId: string) => {
  const list = await bridge.admin("GET", `/messages?mappingId=${mappingId}`);
  return (await bridge.admin("GET", `/messages/${list.body.items[0].id}`)).body;
};

describe("a message of each provider", () => {
  const arrives = async (provider: Provider, name: string, address: string, expected: object) => {
    const { signer, channel } = provider;
    const id = await bridge.addMapping({
      ...{ provider: provider.name, address, credentials: allCredentials(provider) },
      ...(channel === "email" ? { conversationProviderId: emailProviderId } : {}),
    });
    const answer = await post(id, signer, sampleOf(provider.name, name));
    expect(answer.status).toBe(200);
    const [message] = await newMessages(1);
    expect(message).toMatchObject({ direction: "inbound", type: "Custom", ...expected });
    const person = bridge.sandbox.contacts().find((contact) => contact.id === message?.contactId);
    expect(channel === "email" ? person?.email : person?.phone).toMatch(
      channel === "email" ? /@example\.org$/ : /^\+1500555/,
    );
  };

  test.each(providers)(
    "$name arrives as inbound in its conversation, with its id, words and time",
    async (provider) => {
      const name = plainNames[provider.channel];
      const fixture = provider.fixtures.find((each) => each.name === name)?.fixture;
      const [event] = fixture ? wholeMeaning(fixture) : [];
      if (event?.kind !== "message") return expect.unreachable(`${name} is no message`);
      const { providerMessageId: altId, sentAt: dateAdded, subject, from: emailFrom, html, text: body, to } = event;
      const words = provider.channel === "sms" ? { body } : { subject, emailFrom, ...(html ? { html } : {}) };
      // A fixture grows old, and a time long past is not believed. Some say no other time than that at which they signed.
      const isBelieved = dateAdded !== undefined && believeTime(new Date(dateAdded), new Date()) !== undefined;
      const [now] = await provider.adapter.parse(
        provider.signer.sign(sampleOf(provider.name, name), { url: publicUrl, at: new Date() }),
      );
      const isOfSample = now?.kind === "message" && now.sentAt?.toISOString() === dateAdded;
      const time = isBelieved && isOfSample ? { dateAdded } : {};
      await arrives(provider, name, to[0] ?? "", { altId, ...words, ...time });
    },
  );

  test("generic-email/mime arrives as inbound in its conversation", async () => {
    const expected = { subject: "Raw", emailTo: "support@example.com" };
    await arrives(providerOf("generic-email"), "mime", "desk@example.com", expected);
  });

  test("is answered as the provider wants it", async () => {
    const id = await bridge.addMapping({ provider: "twilio", address: nextNumber(), credentials: twilio.credentials });
    const answer = await post(id, twilio, sampleOf("twilio", "text"));
    expect(answer.headers["content-type"]).toContain("text/xml");
    expect(answer.body).toBe("<Response/>");
  });
});

describe("once", () => {
  test("posts a message once, however often the provider repeats it", async () => {
    const id = await addText();
    const sample = await text(id);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(id, genericSms, sample)));
    expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(200));
    await newMessages(1);
    const webhooks = await until(
      async () => (await bridge.admin("GET", `/webhooks?mappingId=${id}&limit=200`)).body.items,
      (items: { state: string }[]) => items.every((item) => item.state !== "received"),
    );
    expect(webhooks.map((webhook: { state: string }) => webhook.state).sort()).toEqual([
      ...Array(19).fill("ignored"),
      "processed",
    ]);
    expect(await newMessages(1)).toHaveLength(1);
  });

  test.each(["no-answer", "half-answer", "bad-json"] as const)(
    "never posts a message twice when HighLevel accepted it but the answer was lost (%s)",
    async (kind) => {
      const id = await addText();
      bridge.sandbox.setFaults([{ kind, path: "/conversations/messages/inbound", times: 1 }]);
      await post(id, genericSms, await text(id));
      await post(id, genericSms, await text(id, { text: "and the next" }));
      const messages = await newMessages(2);
      expect(messages.map((message) => message.body)).toEqual(["hello", "and the next"]);
      const story = await until(
        async () => (await bridge.admin("GET", `/messages?mappingId=${id}&deliveryState=delivered`)).body.items,
        (items: Item[]) => items.length === 2,
      );
      expect(story[1].highlevelMessageId).toBe(messages[0]?.messageId);
    },
  );

  test("never posts an email twice either, though HighLevel's list shows a thread as one entry", async () => {
    const id = await addEmail();
    await post(id, genericEmail, email({ messageId: "<t1@x>", subject: "Thread" }));
    await newMessages(1);
    bridge.sandbox.setFaults([{ kind: "no-answer", path: "/conversations/messages/inbound", times: 1 }]);
    await post(id, genericEmail, email({ messageId: "<t2@x>", inReplyTo: "<t1@x>", subject: "Re: Thread" }));
    await until(
      async () => (await bridge.admin("GET", `/messages?mappingId=${id}&deliveryState=delivered`)).body.items,
      (items: Item[]) => items.length === 2,
    );
    expect(await newMessages(2)).toHaveLength(2);
  });
});

describe("order", () => {
  test("holds per conversation while its head is being retried, and others do not wait for it", async () => {
    const id = await addText();
    const first = await text(id, { from: "+15005550101", text: "1" });
    bridge.sandbox.setFaults([{ kind: "status", status: 503, path: "/contacts/upsert", times: 3 }]);
    await post(id, genericSms, first);
    for (const number of [2, 3, 4, 5])
      await post(id, genericSms, await text(id, { from: "+15005550101", text: String(number) }));
    await post(id, genericSms, await text(id, { from: "+15005550102", text: "other" }));
    const messages = await newMessages(6);
    const bodies = messages.filter((message) => message.body !== "other").map((message) => message.body);
    expect(bodies).toEqual(["1", "2", "3", "4", "5"]);
  });
});

describe("email threads", () => {
  test("a reply lands under the email that it answers, by In-Reply-To and else by the nearest of References", async () => {
    const id = await addEmail();
    await post(id, genericEmail, email({ messageId: "<Root@x>", subject: "Offer" }));
    await post(id, genericEmail, email({ messageId: "<second@x>", inReplyTo: "<root@X>", subject: "Re: Offer" }));
    await post(id, genericEmail, email({ messageId: "<third@x>", references: "<Root@x> <second@x> <lost@x>" }));
    await post(id, genericEmail, email({ messageId: "<new@x>", subject: "Something else" }));
    const [root, second, third, other] = await newMessages(4);
    expect(second?.threadId).toBe(root?.threadId);
    expect(third?.threadId).toBe(root?.threadId);
    expect(other?.threadId).not.toBe(root?.threadId);
  });

  test("do not cross people: the same Message-ID in another person's mail is another thread", async () => {
    const id = await addEmail();
    await post(id, genericEmail, email({ messageId: "<shared@x>", from: "a@example.org" }));
    await newMessages(1);
    await post(id, genericEmail, email({ messageId: "<reply@x>", inReplyTo: "<shared@x>", from: "b@example.org" }));
    const [first, second] = await newMessages(2);
    expect(second?.threadId).not.toBe(first?.threadId);
  });

  test("automatic mail is kept and marked, and not posted unless the mapping says so", async () => {
    const id = await addEmail();
    await post(id, genericEmail, email({ autoSubmitted: "auto-replied" }));
    const [kept] = await until(
      async () => (await bridge.admin("GET", `/messages?mappingId=${id}`)).body.items,
      (items: Item[]) => items.length === 1,
    );
    expect(kept).toMatchObject({ automatic: "auto_reply", highlevelMessageId: null });
    expect((await bridge.admin("GET", `/messages?aside=kept&mappingId=${id}`)).body.items).toEqual([kept]);
    expect(processedLines()).toContainEqual(expect.objectContaining({ accountId: id, kept: { auto_reply: 1 } }));
    await bridge.admin("PATCH", `/mappings/${id}`, { postAutomatic: true });
    await post(id, genericEmail, email({ autoSubmitted: "auto-replied", subject: "posted" }));
    const [message] = await newMessages(1);
    expect(message?.subject).toBe("posted");
  });
});

describe("unknown senders", () => {
  test("create: become a contact and a conversation, whose ids are kept", async () => {
    const id = await addText();
    const from = nextNumber();
    await post(id, genericSms, await text(id, { from }));
    const [message] = await newMessages(1);
    const { body } = await bridge.admin("GET", `/mappings/${id}/conversations/${encodeURIComponent(from)}`);
    expect(body).toMatchObject({ contactId: message?.contactId, conversationId: message?.conversationId });
    const upserts = bridge.sandbox.callCount("/contacts/upsert");
    await post(id, genericSms, await text(id, { from }));
    await newMessages(2);
    expect(bridge.sandbox.callCount("/contacts/upsert")).toBe(upserts);
  });

  test("create: a name that a user gave a contact is not overwritten by the email's", async () => {
    const contact = bridge.sandbox.addContact({ locationId: "location-1", email: "vip@example.org", name: "Dr. Vip" });
    const id = await addEmail();
    await post(id, genericEmail, email({ from: "vippy <VIP@example.org>" }));
    const [message] = await newMessages(1);
    expect(message?.contactId).toBe(contact.id);
    expect(bridge.sandbox.contacts().find((each) => each.id === contact.id)?.name).toBe("Dr. Vip");
  });

  test("hold: wait as dead deliveries, and go out by themselves, in order, once the conversation is registered", async () => {
    const id = await addText({ unknownSender: "hold" });
    const from = nextNumber();
    for (const body of ["1", "2"]) await post(id, genericSms, await text(id, { from, text: body }));
    const held = await until(
      async () => (await bridge.admin("GET", `/deliveries?state=dead&mappingId=${id}`)).body.items,
      (items: Item[]) => items.length === 2,
    );
    expect(held[0]).toMatchObject({ reason: "unknown_sender", attempts: 0 });
    const aside = (await bridge.admin("GET", `/messages?aside=held&mappingId=${id}`)).body.items;
    expect(aside.map((each: { id: number }) => each.id)).toEqual(held.map(({ messageId }) => messageId));
    expect(processedLines()).toContainEqual(expect.objectContaining({ accountId: id, held: 1 }));
    const contact = bridge.sandbox.addContact({ locationId: "location-1", phone: from });
    const registered = await bridge.admin("PUT", `/mappings/${id}/conversations/${encodeURIComponent(from)}`, {
      contactId: contact.id,
    });
    expect(registered).toMatchObject({ status: 200, body: { contactId: contact.id, replayed: 2 } });
    await post(id, genericSms, await text(id, { from, text: "3" }));
    const messages = await newMessages(3);
    expect(messages.map((message) => [message.body, message.contactId])).toEqual(
      ["1", "2", "3"].map((body) => [body, contact.id]),
    );
  });

  test("ignore: leave an ignored webhook with its reason, and no message", async () => {
    const id = await addText({ unknownSender: "ignore" });
    await post(id, genericSms, await text(id));
    const [webhook] = await until(
      async () => (await bridge.admin("GET", `/webhooks?mappingId=${id}&state=ignored`)).body.items,
      (items: Item[]) => items.length === 1,
    );
    expect(webhook.reason).toContain("unknown_sender");
    expect((await bridge.admin("GET", `/messages?mappingId=${id}`)).body.items).toEqual([]);
  });
});

describe("an email that fails DMARC", () => {
  const verdicts = { spf: "pass", dmarc: "fail" };
  const heldOf = async (id: string, count: number) =>
    until(
      async () => (await bridge.admin("GET", `/deliveries?state=dead&mappingId=${id}`)).body.items,
      (items: Item[]) => items.length === count,
    );

  test("is posted with its verdicts kept, or marked where the mapping says so", async () => {
    const id = await addEmail();
    await post(id, genericEmail, email({ verdicts }));
    expect((await newMessages(1))[0]?.body).not.toContain("Not verified");
    expect((await storyOf(id)).content.verdicts).toEqual(verdicts);
    await bridge.admin("PATCH", `/mappings/${id}`, { dmarcFailures: "mark" });
    await post(id, genericEmail, email({ verdicts }));
    expect((await newMessages(2))[1]?.body).toContain("[Not verified: this email fails DMARC.");
  });

  test("is held where the mapping says so, while others go on, and posted when somebody replays it by name", async () => {
    const id = await addEmail({ dmarcFailures: "hold" });
    await post(id, genericEmail, email({ verdicts, text: "pay here" }));
    const [held] = await heldOf(id, 1);
    expect(held).toMatchObject({ reason: "failed_dmarc", attempts: 0 });
    const aside = (await bridge.admin("GET", `/messages?aside=held&mappingId=${id}`)).body.items;
    expect(aside.map((each: { id: number }) => each.id)).toEqual([held.messageId]);
    await post(id, genericEmail, email({ verdicts: { dmarc: "pass" }, text: "genuine" }));
    expect((await newMessages(1))[0]?.body).toContain("genuine");

    const many = await bridge.admin("POST", "/deliveries/replay", { kind: "post-inbound", mappingId: id });
    expect(many.body).toMatchObject({ replayed: 0 });
    await bridge.admin("POST", `/deliveries/${held.id}/replay`);
    const [, shown] = await newMessages(2);
    expect(shown?.body).toMatch(/Not verified.*pay here/s);
    expect(await heldOf(id, 0)).toEqual([]);
  });

  test("is for mailboxes alone", async () => {
    const id = await addText();
    const { status, body } = await bridge.admin("PATCH", `/mappings/${id}`, { dmarcFailures: "hold" });
    expect([status, body.errors?.[0]?.path]).toEqual([422, "dmarcFailures"]);
  });
});

describe("a private integration token", () => {
  const privateLocation = "location-private";
  const byDefaultProvider = { locationId: privateLocation, conversationProviderId: undefined };

  test("is enough for the default providers of SMS and Email, whose mappings have no conversation provider", async () => {
    const token = "pit-00000000-0000-4000-8000-000000000000";
    bridge.sandbox.putLocation({ id: privateLocation, token, providers: [] });
    await bridge.admin("PUT", `/locations/${privateLocation}`, { token });
    const sms = await addText(byDefaultProvider);
    await post(sms, genericSms, await text(sms));
    const [shown] = await newMessages(1);
    expect(shown).toMatchObject({ locationId: privateLocation, type: "SMS", direction: "inbound", body: "hello" });
    const mailbox = await addEmail(byDefaultProvider);
    await post(mailbox, genericEmail, email({ subject: "By mail" }));
    expect((await newMessages(2))[1]).toMatchObject({ locationId: privateLocation, type: "Email", subject: "By mail" });
    for (const each of bridge.sandbox.messages().slice(posted)) expect(each.conversationProviderId).toBeUndefined();
  });
});

describe("when HighLevel refuses", () => {
  test("a type that does not suit the provider, the other one is tried once and kept", async () => {
    const id = await addText({ conversationProviderId: "provider-sms-default" });
    await post(id, genericSms, await text(id));
    const [message] = await newMessages(1);
    expect(message?.type).toBe("SMS");
    const mapping = await until(
      async () => (await bridge.admin("GET", `/mappings/${id}`)).body,
      (body: { type: string }) => body.type === "SMS",
    );
    expect(mapping.type).toBe("SMS");
    const calls = bridge.sandbox.callCount("/conversations/messages/inbound");
    await post(id, genericSms, await text(id));
    await newMessages(2);
    expect(bridge.sandbox.callCount("/conversations/messages/inbound")).toBe(calls + 1);
  });

  test("a message for ever, it is dead with HighLevel's words, and does not hold the next one up", async () => {
    const id = await addText();
    const shortCode = await text(id, { from: "26296", text: "from a short code" });
    await post(id, genericSms, shortCode);
    const [dead] = await until(
      async () => (await bridge.admin("GET", `/deliveries?state=dead&mappingId=${id}`)).body.items,
      (items: Item[]) => items.length === 1,
    );
    expect(dead).toMatchObject({
      reason: "rejected",
      detail: expect.stringContaining("phone must be a valid phone number"),
    });
    const contact = bridge.sandbox.addContact({ locationId: "location-1", phone: "26296" });
    await bridge.admin("PUT", `/mappings/${id}/conversations/26296`, { contactId: contact.id });
    expect((await bridge.admin("POST", `/deliveries/${dead.id}/replay`)).status).toBe(202);
    expect((await newMessages(1))[0]?.body).toBe("from a short code");
  });

  test("the provider, it is dead as misconfigured", async () => {
    const id = await addText({ conversationProviderId: "somebody-elses" });
    await post(id, genericSms, await text(id));
    const [dead] = await until(
      async () => (await bridge.admin("GET", `/deliveries?state=dead&mappingId=${id}`)).body.items,
      (items: Item[]) => items.length === 1,
    );
    expect(dead.reason).toBe("misconfigured");
  });

  test("the token, the location pauses without burning attempts, and goes on once the token is replaced", async () => {
    const id = await addText();
    bridge.sandbox.revokeToken("location-1");
    for (const body of ["1", "2"]) await post(id, genericSms, await text(id, { text: body }));
    const paused = await until(
      async () => (await bridge.admin("GET", "/locations/location-1")).body.paused,
      (value: unknown) => value !== null,
    );
    expect(paused).toMatchObject({ reason: "unauthorized", until: null });
    const calls = bridge.sandbox.callCount("/");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(bridge.sandbox.callCount("/"), "a paused location is left alone").toBe(calls);
    const waiting = (await bridge.admin("GET", `/deliveries?state=pending&mappingId=${id}`)).body.items;
    expect(waiting.map((delivery: { attempts: number }) => delivery.attempts)).toEqual([0, 0]);

    const providers = [
      { id: "provider-sms-extra", channel: "sms" as const, extra: true },
      { id: emailProviderId, channel: "email" as const, extra: true },
    ];
    bridge.sandbox.putLocation({ id: "location-1", token: "token-new", providers });
    await bridge.admin("PUT", "/locations/location-1", { token: "token-new" });
    const messages = await newMessages(2);
    expect(messages.map((message) => message.body)).toEqual(["1", "2"]);
    expect((await bridge.admin("GET", "/locations/location-1")).body.paused).toBeNull();
  });

  test("for now with 429, it waits as long as HighLevel asks, and burns no attempt", async () => {
    const id = await addText();
    bridge.sandbox.setFaults([{ kind: "status", status: 429, retryAfterSeconds: 0, times: 1 }]);
    await post(id, genericSms, await text(id));
    await newMessages(1);
    const story = await until(
      () => storyOf(id),
      (body) => body.deliveries[0].state === "delivered",
    );
    expect(story.deliveries[0].attempts).toBe(1);
    expect(story.deliveries[0].attemptLog.map((attempt: { outcome: string }) => attempt.outcome)).toEqual([
      "throttled",
      "delivered",
    ]);
  });

  test("a 2xx without a messageId, it does not count as delivered", async () => {
    const id = await addText();
    bridge.sandbox.setFaults([{ kind: "bad-json", times: 1 }]);
    await post(id, genericSms, await text(id));
    await newMessages(1);
    const story = await until(
      () => storyOf(id),
      (body) => body.deliveries[0].state === "delivered",
    );
    expect(story.deliveries[0].attemptLog[0].outcome).toBe("invalid_answer");
  });
});

describe("what cannot be read", () => {
  test("is acknowledged, kept as failed with its reason, and processed again when replayed", async () => {
    const id = await addText();
    const sample = {
      contentType: "application/json",
      body: { type: "message.received", data: { id: "x", to: "+15005550009" } },
    };
    expect((await post(id, genericSms, sample)).status).toBe(200);
    const [failed] = await until(
      async () => (await bridge.admin("GET", `/webhooks?mappingId=${id}&state=failed`)).body.items,
      (items: Item[]) => items.length === 1,
    );
    expect(failed.reason).toContain("data.from");
    expect((await bridge.admin("POST", `/webhooks/${failed.id}/replay`)).status).toBe(202);
    await until(
      async () => (await bridge.admin("GET", `/webhooks/${failed.id}`)).body.state,
      (state) => state === "failed",
    );
  });

  test("does not hold up the webhooks around it", async () => {
    const id = await addText();
    const broken = { contentType: "application/json", body: "{nonsense" };
    const good = [await text(id, { text: "1" }), await text(id, { text: "2" })];
    await Promise.all([
      post(id, genericSms, good[0] as Sample),
      post(id, genericSms, broken),
      post(id, genericSms, good[1] as Sample),
    ]);
    expect(await newMessages(2)).toHaveLength(2);
  });

  test("a text to another number than the mapping's shows that a URL stands at the wrong number", async () => {
    const id = await addText();
    await post(id, genericSms, await text(id, { to: "+15005559999" }));
    const [failed] = await until(
      async () => (await bridge.admin("GET", `/webhooks?mappingId=${id}&state=failed`)).body.items,
      (items: Item[]) => items.length === 1,
    );
    expect(failed.reason).toContain("no mapping for +15005559999: add the mapping, and it is delivered by itself");
  });
});

describe("over a restart", () => {
  test("what was acknowledged is delivered", async () => {
    const id = await addText();
    bridge.sandbox.setFaults([{ kind: "status", status: 503 }]);
    await Promise.all([1, 2, 3].map(async (n) => post(id, genericSms, await text(id, { from: `+1500555020${n}` }))));
    await bridge.restart();
    bridge.sandbox.setFaults([]);
    expect(await newMessages(3)).toHaveLength(3);
  });
});
