import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Contact, StoredMessage } from "../../src/sandbox/state.ts";
import { locationId, publicUrl } from "../support/location.ts";
import { mailProviders, providerOf, providers, textProviders } from "../support/providers.ts";
import type { StandInMessage } from "../support/stand-ins/stand-in.ts";
import { callProviderId, messageBetween, startTwoWay, type TwoWay, type Way } from "../support/two-way.ts";
import { until } from "../support/until.ts";
import { writeCall } from "../support/write-webhooks.ts";

let twoWay: TwoWay;
beforeAll(async () => {
  twoWay = await startTwoWay();
});
afterAll(() => twoWay.stop());

let counter = 0;
const newContact = (): Contact =>
  twoWay.bridge.sandbox.addContact({
    locationId,
    phone: `+1500555${String(2000 + ++counter)}`,
    email: `person${counter}@example.org`,
  });
const way = (provider: string): Way => {
  const found = twoWay.ways[provider];
  if (!found) throw new Error(`there is no way ${provider}`);
  return found;
};
/** What an agent types by a mapping's conversation provider. */
function write(by: Way, contact: Contact, text: string, more: Record<string, unknown> = {}): StoredMessage {
  const body = by.channel === "sms" ? { message: text } : { html: `<p>${text}</p>`, subject: "Your question" };
  return twoWay.bridge.sandbox.sendAsAgent(contact.id, { providerId: by.providerId, ...body, ...more });
}
const untilSent = (by: Way, to: string | undefined, count = 1): Promise<StandInMessage[]> =>
  until(
    () => by.standIn.sent.filter((message) => message.to.includes(to ?? "")),
    (sent) => sent.length >= count,
  );
/** A person takes longer to answer than the bridge to record under which id an email went out. */
const untilRecorded = ({ email }: Contact) =>
  until(
    async () =>
      (await twoWay.bridge.admin("GET", `/messages?address=${email}`)).body.items as {
        state: string;
        highlevelMessageId: string | null;
      }[],
    (items) => items.every(({ state, highlevelMessageId }) => state !== "queued" && highlevelMessageId !== null),
  );
const untilStatus = (message: StoredMessage, status: string) =>
  until(
    () => message.status,
    (now) => now === status,
  );

const addressOf = (by: Way, { phone, email }: Contact) => (by.channel === "sms" ? phone : email) ?? "";
const untilPosted = (contact: Contact, count: number) =>
  until(
    () => twoWay.bridge.sandbox.messages().filter(({ contactId }) => contactId === contact.id),
    (messages) => messages.length >= count,
  );
/** Who wants no more reads so in HighLevel, and what is written to them is refused before the provider is called. */
async function expectOptedOut(by: Way, contact: Contact, why: RegExp): Promise<void> {
  const dnd = by.channel === "sms" ? "SMS" : "Email";
  await until(
    () => contact.dndSettings?.[dnd],
    (entry) => entry?.status === "active",
  );
  const sent = by.standIn.sent.length;
  const message = write(by, contact, "One more offer");
  await untilStatus(message, "failed");
  const [recipient] = Object.values(message.recipients ?? {});
  expect(message.error?.message ?? recipient?.failReason).toMatch(why);
  expect(by.standIn.sent).toHaveLength(sent);
}

describe.each(textProviders.map(({ name }) => name))("a text by %s", (provider) => {
  test("goes from the agent to the person, and its fate comes back", async () => {
    const by = way(provider);
    const contact = newContact();
    const message = write(by, contact, "On its way!", { attachments: ["https://files.example.com/label.pdf"] });
    const [sent] = await untilSent(by, contact.phone);
    expect(sent).toMatchObject({
      from: by.address,
      to: [contact.phone],
      text: "On its way!",
      media: ["https://files.example.com/label.pdf"],
    });
    if (!sent) throw new Error("nothing was sent");
    if (by.standIn.statuses.includes("sent")) await twoWay.tell(by, sent, "sent");
    await twoWay.tell(by, sent, "delivered");
    await untilStatus(message, "delivered");
    expect(message.statuses).toEqual(["delivered"]);
  });

  test("that the provider could not bring is failed in HighLevel, with the provider's code and words", async () => {
    const by = way(provider);
    const contact = newContact();
    const message = write(by, contact, "Anybody there?");
    const [sent] = await untilSent(by, contact.phone);
    if (!sent) throw new Error("nothing was sent");
    await twoWay.tell(by, sent, "failed");
    await untilStatus(message, "failed");
    expect(message.error).toMatchObject({
      code: expect.stringMatching(/./),
      type: provider,
      message: expect.any(String),
    });
  });

  test("is answered in the same conversation", async () => {
    const by = way(provider);
    const contact = newContact();
    write(by, contact, "Shall we say ten?");
    const [sent] = await untilSent(by, contact.phone);
    if (!sent) throw new Error("nothing was sent");
    await twoWay.answer(by, sent, `answer-${counter}-${provider}`, "Ten it is");
    const posted = await until(
      () => twoWay.bridge.sandbox.messages().find((each) => each.altId === `answer-${counter}-${provider}`),
      (found) => found !== undefined,
    );
    expect(posted).toMatchObject({ contactId: contact.id, direction: "inbound", body: "Ten it is" });
  });

  test("that says STOP is the last one", async () => {
    const by = way(provider);
    const contact = newContact();
    await twoWay.answer(by, messageBetween(by.address, contact.phone), `stop-${contact.id}`, "STOP");
    await expectOptedOut(by, contact, /^the (person has texted STOP|provider says that the person wants no more) on /);
    // HighLevel has DND of its own for WhatsApp.
    const service = providerOf(provider).adapter.onlyService;
    expect(contact.dndSettings?.["WhatsApp"]?.status).toBe(service === "whatsapp" ? "active" : undefined);
    const messages = await untilPosted(contact, 2);
    expect(messages.map(({ body }) => body).toSorted()).toEqual(["One more offer", "STOP"]);
  });
});

const tellsRecipients = (provider: string) =>
  providerOf(provider).fixtures.some(({ fixture: { means } }) =>
    means.some((each) => each.kind === "receipt" && each.recipient !== undefined),
  );

describe.each(mailProviders.map(({ name }) => name))("an email by %s", (provider) => {
  test("goes out with HTML and text, cc and bcc, and its fate comes back by recipient", async () => {
    const by = way(provider);
    const contact = newContact();
    const message = write(by, contact, "Here is your quote", {
      emailFrom: `Ann Agent <ann@${by.address.split("@")[1]}>`,
      emailCc: ["boss@example.org"],
      ...(by.standIn.takesBcc ? { emailBcc: ["archive@example.org"] } : {}),
    });
    const [sent] = await untilSent(by, contact.email);
    expect(sent).toMatchObject({
      from: `ann@${by.address.split("@")[1]}`,
      cc: ["boss@example.org"],
      bcc: by.standIn.takesBcc ? ["archive@example.org"] : [],
      html: "<p>Here is your quote</p>",
      text: expect.stringContaining("Here is your quote"),
      subject: "Your question",
    });
    expect(sent?.headers["reply-to"]).toContain(by.address);
    if (!sent) throw new Error("nothing was sent");
    await twoWay.tell(by, sent, "delivered");
    await untilStatus(message, "delivered");
    // Some tell of an email as a whole.
    if (!tellsRecipients(provider)) return;
    await twoWay.tell(by, sent, "failed", "boss@example.org");
    await until(
      () => message.recipients?.["boss@example.org"]?.status,
      (status) => status === "failed",
    );
    expect(message.status).toBe("delivered");
    expect(message.recipients?.[contact.email ?? ""]?.status).toBe("delivered");
    expect(message.events).toEqual({ delivered: 1 });
  });

  test("that the person marks as spam is shown to the agent with that reason, also after it was read", async ({
    skip,
  }) => {
    const by = way(provider);
    if (!by.standIn.statuses.includes("complained")) return skip();
    const contact = newContact();
    const message = write(by, contact, "Our newsletter");
    const [sent] = await untilSent(by, contact.email);
    if (!sent) throw new Error("nothing was sent");
    // Mail servers tell of none.
    const isReadTold = by.standIn.statuses.includes("read");
    if (isReadTold) {
      await twoWay.tell(by, sent, "read");
      await untilStatus(message, "read");
    }
    await twoWay.tell(by, sent, "complained");
    await untilStatus(message, "failed");
    expect(message.recipients?.[contact.email ?? ""]).toMatchObject({
      status: "failed",
      failReason: expect.stringContaining("marked it as spam"),
    });
    expect(message.events).toEqual({ ...(isReadTold ? { opened: 1 } : {}), complained: 1 });
    await twoWay.tell(by, sent, "delivered");
    const state = async () => (await twoWay.bridge.admin("GET", `/messages?address=${contact.email}`)).body.items;
    expect(await state()).toMatchObject([{ state: "complained", error: { message: expect.stringContaining("spam") } }]);
    await expectOptedOut(by, contact, /^the person has marked an email as spam on /);
  });

  test.each([
    ["all that a mail program may keep", undefined],
    ["In-Reply-To alone", "in-reply-to"],
    ["References alone", "references"],
    ["nothing but the address that it is answered at", "nothing"],
  ] as const)("stays one thread on both sides over ten messages, by %s", async (_, keeps) => {
    const by = way(provider);
    // An id that nobody told us leads nowhere: then the address must.
    const replyTokens = keeps === "nothing" || (keeps === "in-reply-to" && by.standIn.renamesSilently);
    await twoWay.bridge.admin("PATCH", `/mappings/${by.mappingId}`, { replyTokens });
    const contact = newContact();
    const idOf = (turn: number) => `thread-${keeps ?? "all"}-${provider}-${contact.id}-${turn}`;
    let last = write(by, contact, "message 0");
    for (let turn = 0; turn < 5; turn++) {
      const sent = (await untilSent(by, contact.email, turn + 1)).at(-1);
      if (!sent) throw new Error("nothing was sent");
      const id = idOf(turn);
      await untilRecorded(contact);
      await twoWay.answer(by, sent, id, `answer ${turn}`, keeps);
      const answer = await until(
        () => twoWay.bridge.sandbox.messages().find((each) => (each.altId ?? "").startsWith(id)),
        (found) => found !== undefined,
      );
      // Nobody reads what came in and answers before the bridge has heard its id.
      await untilRecorded(contact);
      if (turn < 4 && answer?.emailMessageId) {
        last = write(by, contact, `message ${turn + 1}`, {
          subject: undefined,
          replyToMessageId: answer.emailMessageId,
        });
      }
    }
    const inHighlevel = twoWay.bridge.sandbox.messages().filter((each) => each.contactId === contact.id);
    expect(inHighlevel).toHaveLength(10);
    expect(new Set(inHighlevel.map((each) => each.threadId)).size).toBe(1);
    expect(last.threadId).toBe(inHighlevel[0]?.threadId);

    expectThread(
      by.standIn.sent.filter((each) => each.to.includes(contact.email ?? "")),
      (turn) => `<${idOf(turn)}@mail.example.org>`,
    );
  });
});

const withCalls = textProviders.filter((provider) =>
  writeCall(provider, { id: "x", from: "+15005550006", to: "+15005550009" }, { url: publicUrl, at: new Date() }),
);

test.each(withCalls.map(({ name }) => name))("a call by %s is a call, with its recording", async (provider) => {
  const by = way(provider);
  const contact = newContact();
  const call = { id: `call-${provider}-${contact.id}`, from: contact.phone ?? "", to: by.address };
  const { webhooks = [], files } = writeCall(providerOf(provider), call, { url: by.webhookUrl, at: new Date() }) ?? {};
  for (const webhook of webhooks) expect((await twoWay.bridge.post(webhook)).status).toBeLessThan(300);
  const [posted] = await untilPosted(contact, 1);
  expect(posted).toMatchObject({ type: "Call", conversationProviderId: callProviderId, altId: call.id });
  expect(posted).toMatchObject({ direction: "inbound", callStatus: expect.stringMatching(/./) });
  await until(
    () => posted?.attachments ?? [],
    (there) => there.length === files,
  );
});

describe.each(providers.map(({ name }) => name))("while what was before is imported of %s", (provider) => {
  test("what the person writes stands after it, and all of it is there once and in order", async () => {
    const by = way(provider);
    const contact = newContact();
    const person = addressOf(by, contact);
    const before = [1, 2, 3, 4].map((day) => ({
      ...{ id: `before-${contact.id}-${day}`, date: `2024-01-0${day}T09:30:00Z`, person, text: `Before ${day}` },
      direction: day % 2 === 0 ? "outbound" : "inbound",
    }));
    const now = (turn: number) =>
      twoWay.answer(by, messageBetween(by.address, person), `now-${contact.id}-${turn}`, `Now ${turn}`);
    const imported = twoWay.bridge.admin("POST", "/imports", {
      mappingId: by.mappingId,
      perSecond: 100,
      messages: before,
    });
    await now(1);
    expect((await imported).status).toBe(201);
    await now(2);
    const messages = await untilPosted(contact, 6);
    const idsOf = (part: string, of: StoredMessage[]) =>
      of.flatMap(({ altId = "" }) => (altId.startsWith(part) ? altId.split("@")[0] : []));
    const ids = [1, 2].map((turn) => `now-${contact.id}-${turn}`);
    expect(idsOf("before-", messages), "as they were posted").toEqual(before.map(({ id }) => id));
    expect(idsOf("now-", messages)).toEqual(ids);
    const byDate = messages.toSorted((a, b) => a.dateAdded.localeCompare(b.dateAdded));
    expect(idsOf("", byDate)).toEqual([...before.map(({ id }) => id), ...ids]);
  });
});

/** In the person's mailbox, too: each email names the answer before it, and the first one, by the name that it has there. */
function expectThread(sent: StandInMessage[], answerOf: (turn: number) => string): void {
  const [first, ...later] = sent;
  expect(later).toHaveLength(4);
  expect(first?.headers["in-reply-to"]).toBeUndefined();
  for (const [index, { headers }] of later.entries()) {
    expect(headers["in-reply-to"]).toBe(answerOf(index));
    // Where the provider gives it another Message-ID, ours is the reference.
    const names = [first?.headers["references"], first?.headers["message-id"]];
    expect(names).toContain(headers["references"]?.split(/\s+/)[0]);
    expect(headers["references"]).toContain(headers["in-reply-to"]);
    expect(headers["references"]?.length).toBeLessThanOrEqual(800);
  }
}
