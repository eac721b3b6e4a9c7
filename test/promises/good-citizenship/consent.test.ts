import { type RequestHandler, Router } from "express";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer as genericSms } from "../../fixtures/generic-sms/sign.ts";
import { locationId } from "../../support/location.ts";
import type { StandInMessage } from "../../support/stand-ins/stand-in.ts";
import { startTwoWay, type TwoWay, type Way } from "../../support/two-way.ts";
import { until } from "../../support/until.ts";

/** Who has said STOP is not written to, and HighLevel knows it. */
let twoWay: TwoWay;
/** While it is set, the stand-ins of providers refuse so. */
let refusal: { status: number; body: unknown } | undefined;
beforeAll(async () => {
  const refuse: RequestHandler = (_req, res, next) =>
    refusal === undefined ? next() : void res.status(refusal.status).json(refusal.body);
  twoWay = await startTwoWay({
    wrap: (standIn) => ({ ...standIn, router: Router().use(refuse, standIn.router) }),
  });
});
afterAll(() => twoWay.stop());

const way = (provider: string): Way => {
  const found = twoWay.ways[provider];
  if (!found) throw new Error(`there is no way ${provider}`);
  return found;
};
const like = {
  ...{ cc: [], bcc: [], id: "x", text: "", html: undefined, subject: undefined, media: [], headers: {} },
  ...{ receiptUrl: undefined, reference: undefined },
};
let counter = 0;
const newNumber = () => `+1500555${2000 + ++counter}`;

/** A person who is known by a number, or a mailbox. */
const newContact = (by: Way) => {
  const address = by.channel === "sms" ? newNumber() : `person${++counter}@example.org`;
  return {
    address,
    contact: twoWay.bridge.sandbox.addContact({
      locationId,
      ...(by.channel === "sms" ? { phone: address } : { email: address }),
    }),
  };
};
const say = (by: Way, person: string, text: string) =>
  twoWay.answer(by, { ...like, from: by.address, to: [person], subject: "Hello" }, `said-${++counter}`, text);
const write = (by: Way, contactId: string, text = "Hello") =>
  twoWay.bridge.sandbox.sendAsAgent(contactId, {
    providerId: by.providerId,
    ...(by.channel === "sms" ? { message: text } : { html: `<p>${text}</p>`, subject: "Hello" }),
  });
const sentTo = (by: Way, person: string) => by.standIn.sent.filter(({ to }) => to.includes(person));
const untilSent = (by: Way, person: string, count = 1) =>
  until(
    () => sentTo(by, person),
    (sent) => sent.length >= count,
  ).then((sent) => sent.at(-1) as StandInMessage);
const dndOf = (contactId: string, channel: "SMS" | "Email") =>
  twoWay.bridge.sandbox.contacts().find(({ id }) => id === contactId)?.dndSettings?.[channel];
const untilDnd = (contactId: string, channel: "SMS" | "Email", status: string) =>
  until(
    () => dndOf(contactId, channel),
    (dnd) => dnd?.status === status,
  );
const optOutsOf = async (address: string, more = "") =>
  (await twoWay.bridge.admin("GET", `/opt-outs?address=${encodeURIComponent(address)}${more}`)).body.items;
const untilOptedOut = (address: string, count = 1) =>
  until(
    () => optOutsOf(address),
    (items) => items.length === count,
  );
/** One of texts, and one of each kind of texts that HighLevel has DND of its own for. */
const ofEverything = 4;
const untilLifted = (address: string) =>
  until(
    () => optOutsOf(address, "&lifted=true"),
    (items) => items[0]?.liftedAt,
  );
const messageOf = (id: string) => twoWay.bridge.sandbox.messages().find(({ messageId }) => messageId === id);
const untilFailed = (id: string) =>
  until(
    () => messageOf(id),
    (message) => message?.status === "failed",
  );

describe("a person who texts STOP", () => {
  test("reads in HighLevel as one who is not to be written to, is not written to, and is again after a START", async () => {
    const by = way("twilio");
    const { address, contact } = newContact(by);
    await say(by, address, "Stop.");
    const dnd = await untilDnd(contact.id, "SMS", "active");
    expect(dnd).toMatchObject({ message: expect.stringMatching(/^the person has texted STOP on /) });
    // It is a message as any other, too.
    await until(
      () => twoWay.bridge.sandbox.messages().find(({ contactId }) => contactId === contact.id),
      (message) => message?.body === "Stop.",
    );

    const { messageId } = write(by, contact.id, "One more offer");
    const failed = await untilFailed(messageId);
    expect(failed?.error).toMatchObject({
      code: "opted_out",
      message: expect.stringMatching(/^the person has texted STOP on /),
    });
    expect(sentTo(by, address)).toEqual([]);

    await say(by, address, "START");
    await untilDnd(contact.id, "SMS", "inactive");
    write(by, contact.id, "Welcome back");
    expect((await untilSent(by, address)).text).toBe("Welcome back");
  });

  test("is not written to by another number of the location either, nor through the send route", async () => {
    const { address, contact } = newContact(way("telnyx"));
    await say(way("telnyx"), address, "ARRÊT");
    await untilDnd(contact.id, "SMS", "active");
    const { messageId } = write(way("twilio"), contact.id);
    await untilFailed(messageId);
    const answer = await twoWay.bridge.send({ type: "SMS", contactId: contact.id, message: "Hi", locationId });
    expect([answer.status, answer.body.detail]).toEqual([
      409,
      expect.stringContaining("the person has texted ARRET on"),
    ]);
  });

  test("is not written to by the send route's naming them either, nor by what waited there when they said STOP", async () => {
    const by = way("telnyx");
    const { address, contact } = newContact(by);
    const other = twoWay.bridge.sandbox.addContact({ locationId, phone: newNumber() });
    await say(by, address, "Hello");
    await until(
      () => twoWay.bridge.sandbox.messages().filter(({ contactId }) => contactId === contact.id),
      (found) => found.length === 1,
    );
    await twoWay.bridge.admin("PUT", "/hold");
    const message = { type: "SMS", contactId: contact.id, message: "An offer", locationId };
    const queued = await twoWay.bridge.send(message, {}, "?wait=false");
    await say(by, address, "stop");
    await untilOptedOut(address);
    const to = { ...message, contactId: other.id, toNumber: address };
    await twoWay.bridge.admin("DELETE", "/hold");
    expect((await twoWay.bridge.send(to)).status).toBe(409);
    const dead = await until(
      () => twoWay.bridge.admin("GET", `/messages/${queued.body.id}`),
      ({ body }) => body.state === "failed",
    );
    expect(dead.body.error).toMatchObject({ code: "opted_out" });
  });

  test("is still written to by email", async () => {
    const by = way("postmark");
    const phone = newNumber();
    const email = `both${++counter}@example.org`;
    const contact = twoWay.bridge.sandbox.addContact({ locationId, phone, email });
    await say(way("twilio"), phone, "stop");
    await untilDnd(contact.id, "SMS", "active");
    write(by, contact.id);
    await untilSent(by, email);
    expect(dndOf(contact.id, "Email")).toBeUndefined();
  });

  test("leaves other DND of the contact as it is", async () => {
    const by = way("twilio");
    const { address, contact } = newContact(by);
    contact.dndSettings = { Call: { status: "permanent", message: "no calls" } };
    await say(by, address, "stop");
    await untilDnd(contact.id, "SMS", "active");
    expect(contact.dndSettings).toMatchObject({ Call: { status: "permanent", message: "no calls" } });
  });

  test("and is known to nobody in HighLevel becomes a contact, which is not written to", async () => {
    const by = way("twilio");
    const address = newNumber();
    await say(by, address, "STOP");
    const contact = await until(
      () => twoWay.bridge.sandbox.contacts().find(({ phone }) => phone === address),
      (found) => found?.dndSettings?.["SMS"]?.status === "active",
    );
    expect(contact).toBeDefined();
  });
});

test("what the provider takes a text for counts, in whatever language, and the same again is no news", async () => {
  const by = way("plivo");
  const { address } = newContact(by);
  await say(by, address, "stop");
  const [first] = await untilOptedOut(address);
  await say(by, address, "stop");
  await say(by, address, "Do you hear me?");
  await until(
    () => twoWay.bridge.sandbox.messages().filter(({ body }) => body === "Do you hear me?"),
    (found) => found.length === 1,
  );
  expect(await optOutsOf(address)).toEqual([first]);
  expect(first).toMatchObject({ cause: "word", detail: "stop", locationId, channel: "sms", liftedAt: null });
});

test("what a sender of one's own says of a person counts, and comes with no message", async () => {
  const by = way("generic-sms");
  const address = newNumber();
  const tell = (change: string) => {
    const body = { type: "consent.changed", data: { from: address, to: by.address, change, detail: "by phone" } };
    const sample = { contentType: "application/json", body };
    return twoWay.bridge.post(genericSms.sign(sample, { url: by.webhookUrl, at: new Date() }));
  };
  await tell("stop");
  expect((await untilOptedOut(address))[0]).toMatchObject({ cause: "provider", detail: "by phone" });
  await tell("start");
  await untilLifted(address);
  expect(twoWay.bridge.sandbox.contacts().filter(({ phone }) => phone === address)).toEqual([]);
});

test("a provider that refuses a text as the person wants no more is believed, and not asked again", async () => {
  const by = way("twilio");
  const { address, contact } = newContact(by);
  refusal = { status: 400, body: { code: 21610, message: "Attempt to send to unsubscribed recipient", status: 400 } };
  const { messageId } = write(by, contact.id);
  const failed = await untilFailed(messageId);
  refusal = undefined;
  expect(failed?.error?.message).toContain("21610");
  const [optOut] = await untilOptedOut(address);
  expect(optOut).toMatchObject({ cause: "refusal" });
  await untilDnd(contact.id, "SMS", "active");
});

describe("an email", () => {
  test.each(["complained", "failed"] as const)("that the person %s is the last one", async (status) => {
    const by = way("generic-email");
    const { address, contact } = newContact(by);
    write(by, contact.id);
    const sent = await untilSent(by, address);
    await twoWay.tell(by, sent, status);
    if (status === "failed") return expect(await optOutsOf(address)).toEqual([]);
    const [optOut] = await untilOptedOut(address);
    expect(optOut).toMatchObject({ cause: "complaint", channel: "email" });
    await untilDnd(contact.id, "Email", "active");
    const { messageId } = write(by, contact.id);
    await until(
      () => twoWay.bridge.admin("GET", `/messages?highlevelMessageId=${messageId}`),
      ({ body }) => body.items[0]?.error?.code === "opted_out",
    );
    expect(sentTo(by, address)).toHaveLength(1);
  });
});

describe("DND that somebody sets in HighLevel", () => {
  const tellDnd = (contactId: string, dndSettings: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    twoWay.bridge.sandbox.postEvent(`${twoWay.bridge.url}/webhooks/highlevel`, {
      ...{ type: "ContactDndUpdate", locationId, id: contactId, dnd: false, dndSettings },
      ...{ webhookId: `dnd-${++counter}`, timestamp: new Date().toISOString(), ...more },
    });

  test("holds here, and ends there", async () => {
    const by = way("telnyx");
    const { address, contact } = newContact(by);
    await tellDnd(contact.id, { SMS: { status: "active", message: "asked by phone" } }, { phone: address });
    const [optOut] = await untilOptedOut(address);
    expect(optOut).toMatchObject({ cause: "highlevel", detail: "asked by phone" });
    await untilFailed(write(by, contact.id).messageId);
    await tellDnd(contact.id, { SMS: { status: "inactive" } }, { phone: address });
    await untilLifted(address);
    write(by, contact.id);
    await untilSent(by, address);
    const told = `/deliveries?kind=set-dnd&address=${encodeURIComponent(address)}`;
    expect((await twoWay.bridge.admin("GET", told)).body.items, "HighLevel is not told what it has told").toEqual([]);
  });

  test("for everything holds for texts and emails, and a START of the person does not end it", async () => {
    const by = way("twilio");
    const { address, contact } = newContact(by);
    await tellDnd(contact.id, {}, { dnd: true, phone: address, email: `${address.slice(1)}@example.org` });
    await untilOptedOut(address, ofEverything);
    await untilOptedOut(`${address.slice(1)}@example.org`);
    await say(by, address, "START");
    await say(by, address, "Hello?");
    await until(
      () => twoWay.bridge.sandbox.messages().filter(({ contactId }) => contactId === contact.id),
      (found) => found.length === 2,
    );
    expect(await optOutsOf(address)).toHaveLength(ofEverything);
    // What says nothing of everything ends nothing; and that it is for everything no more, all that was.
    await tellDnd(contact.id, { Call: { status: "inactive" } }, { dnd: undefined, phone: address });
    expect(await optOutsOf(address)).toHaveLength(ofEverything);
    await tellDnd(contact.id, {}, { dnd: false, phone: address });
    await untilLifted(address);
  });

  test("for everything holds also where the bridge itself has lifted it for texts before", async () => {
    const by = way("twilio");
    const { address, contact } = newContact(by);
    await say(by, address, "stop");
    await untilDnd(contact.id, "SMS", "active");
    await say(by, address, "start");
    const ours = await untilDnd(contact.id, "SMS", "inactive");
    await tellDnd(contact.id, { SMS: ours }, { dnd: true, phone: address });
    const optOuts = await untilOptedOut(address, ofEverything);
    expect(new Set(optOuts.map(({ cause }: { cause: string }) => cause))).toEqual(new Set(["highlevel"]));
  });

  test("is no news where the bridge itself has set it, and does not end what the person has said", async () => {
    const by = way("twilio");
    const { address, contact } = newContact(by);
    await say(by, address, "stop");
    const ours = await untilDnd(contact.id, "SMS", "active");
    const [before] = await untilOptedOut(address);
    await tellDnd(contact.id, { SMS: ours });
    contact.dndSettings = { SMS: { status: "inactive" } };
    await tellDnd(contact.id, { SMS: { status: "inactive" } });
    await untilDnd(contact.id, "SMS", "active");
    expect(await optOutsOf(address)).toEqual([before]);
  });

  test("stays when the person says START, who had said STOP before", async () => {
    const by = way("twilio");
    const { address, contact } = newContact(by);
    contact.dndSettings = { SMS: { status: "permanent", message: "legal" } };
    await say(by, address, "stop");
    await untilOptedOut(address);
    await say(by, address, "start");
    await until(
      () =>
        twoWay.bridge.admin("GET", `/deliveries?kind=set-dnd&state=delivered&address=${encodeURIComponent(address)}`),
      ({ body }) => body.items.length >= 2,
    );
    expect(dndOf(contact.id, "SMS")).toEqual({ status: "permanent", message: "legal" });
    const [kept] = await until(
      () => optOutsOf(address),
      ([first]) => first?.cause === "highlevel",
    );
    expect(kept).toMatchObject({ detail: "legal" });
    await untilFailed(write(by, contact.id).messageId);
  });
});

test("HighLevel learns of a STOP also when it was away, and of what stands then", async () => {
  const by = way("twilio");
  const { address, contact } = newContact(by);
  await say(by, address, "Hello");
  await until(
    () => twoWay.bridge.sandbox.messages().filter(({ contactId }) => contactId === contact.id),
    (found) => found.length === 1,
  );
  twoWay.bridge.sandbox.setFaults([{ kind: "status", path: "/contacts/", status: 503, times: 3 }]);
  await say(by, address, "stop");
  await untilDnd(contact.id, "SMS", "active");
});

describe("an operator", () => {
  test("enters an opt-out that no START ends, sees it, and lifts it", async () => {
    const by = way("twilio");
    const { address, contact } = newContact(by);
    await say(by, address, "Please write no more");
    const person = {
      locationId,
      channel: "sms",
      address: address.replace("+1500", "+1 (500) "),
      note: "asked by phone",
    };
    const entered = await twoWay.bridge.admin("PUT", "/opt-outs", person);
    expect([entered.status, entered.body]).toMatchObject([
      200,
      {
        address,
        cause: "operator",
        description: expect.stringMatching(/^an opt-out was entered \(asked by phone\) on /),
      },
    ]);
    expect((await twoWay.bridge.admin("PUT", "/opt-outs", person)).body).toEqual(entered.body);
    await untilDnd(contact.id, "SMS", "active");
    for (const search of [`address=${encodeURIComponent(address)}`, `contactId=${contact.id}`]) {
      const { body: told } = await twoWay.bridge.admin("GET", `/deliveries?kind=set-dnd&${search}`);
      expect(told.items, "what HighLevel is told is found by whom it is about").toMatchObject([{ address }]);
    }
    await say(by, address, "START");
    await untilFailed(write(by, contact.id).messageId);
    const lifted = await twoWay.bridge.admin("DELETE", `/opt-outs/${entered.body.id}`);
    expect(lifted.body).toMatchObject({ liftedBy: "operator", liftedAt: expect.any(String) });
    expect(await optOutsOf(address)).toEqual([]);
    await untilDnd(contact.id, "SMS", "inactive");
    write(by, contact.id);
    await untilSent(by, address);
  });

  test("erases a person who stays opted out, by address and cause alone", async () => {
    const by = way("twilio");
    const { address, contact } = newContact(by);
    await say(by, address, "stop");
    await untilDnd(contact.id, "SMS", "active");
    const path = `/people/${encodeURIComponent(address)}`;
    expect((await twoWay.bridge.admin("GET", path)).body.optOuts).toMatchObject([
      { address, cause: "word", detail: "stop" },
    ]);
    expect((await twoWay.bridge.admin("DELETE", path)).status).toBe(200);
    expect(await optOutsOf(address)).toMatchObject([{ address, cause: "word", detail: null }]);
    await untilFailed(write(by, contact.id).messageId);
  });

  test("corrects the note of what was entered, and it stands since it did", async () => {
    const person = { locationId, channel: "sms", address: newNumber() };
    const first = (await twoWay.bridge.admin("PUT", "/opt-outs", { ...person, note: "asked by fone" })).body;
    const second = (await twoWay.bridge.admin("PUT", "/opt-outs", { ...person, note: "asked by phone" })).body;
    expect(second).toMatchObject({ id: first.id, detail: "asked by phone", optedOutAt: first.optedOutAt });
    expect((await twoWay.bridge.admin("PUT", "/opt-outs", person)).body).toEqual(second);
    const { status, body } = await twoWay.bridge.admin("PUT", "/opt-outs", { ...person, note: 5 });
    expect([status, body.errors]).toEqual([422, [{ path: "note", message: "must be a text" }]]);
  });

  test("enters somebody with whom nobody has written, whom HighLevel learns of once an agent writes to them", async () => {
    const by = way("twilio");
    const { address, contact } = newContact(by);
    await postCsv(`/opt-outs/import?locationId=${locationId}&channel=sms`, `address\n${address}\n`);
    expect(dndOf(contact.id, "SMS")).toBeUndefined();
    await untilFailed(write(by, contact.id).messageId);
    await untilDnd(contact.id, "SMS", "active");
  });

  test("imports what it has exported, also what begins like a formula", async () => {
    const path = `/opt-outs/import?locationId=${locationId}&channel=email`;
    const mailbox = `-ann${++counter}@example.org`;
    await postCsv(path, `address,note\n${mailbox},-1\n`);
    const shown = `/opt-outs/export?address=${encodeURIComponent(mailbox)}`;
    const { body: exported } = await twoWay.bridge.admin("GET", shown);
    expect(exported).toContain(`,'${mailbox},import,'-1,`);
    expect((await postCsv(path, exported)).body).toEqual({ dryRun: false, rows: 1, created: 0 });
    const number = newNumber();
    const texts = path.replace("=email", "=sms");
    expect((await postCsv(texts, `address\n'${number}\n`)).body).toMatchObject({ created: 1 });
  });

  test("is told the line of a note that is too long, as in JSON", async () => {
    const address = newNumber();
    const path = `/opt-outs/import?locationId=${locationId}&channel=sms`;
    const long = "x".repeat(501);
    const { status, body } = await postCsv(path, `address,note\n${address},ok\nnobody,${long}\n`);
    expect([status, body.errors.map((each: { path: string }) => each.path)]).toEqual([
      422,
      ["line 3: address", "line 3: note"],
    ]);
    expect(await optOutsOf(address)).toEqual([]);
  });

  test("imports a list, all of it or nothing, and exports it", async () => {
    const [first, second] = [newNumber(), newNumber()];
    const path = `/opt-outs/import?locationId=${locationId}&channel=sms`;
    const wrong = await postCsv(path, `address,note\n${first},old list\nnobody,\n`);
    expect([wrong.status, wrong.body.errors]).toEqual([
      422,
      [{ path: "line 3: address", message: expect.stringContaining("phone number") }],
    ]);
    expect(await optOutsOf(first)).toEqual([]);
    const dry = await postCsv(`${path}&dryRun=true`, `address\n${first}\n`);
    expect(dry.body).toEqual({ dryRun: true, rows: 1, created: 0 });
    const csv = `\ufeffaddress,note\n${first},"=HYPERLINK(""x"")"\n"${second}",\n${first},again\n`;
    expect((await postCsv(path, csv)).body).toEqual({ dryRun: false, rows: 3, created: 2 });
    expect((await postCsv(path, csv)).body).toEqual({ dryRun: false, rows: 3, created: 0 });
    expect(await optOutsOf(second)).toMatchObject([{ cause: "import", address: second }]);
    const person = await twoWay.bridge.admin("GET", `/people/${encodeURIComponent(second)}`);
    expect(person.body).toMatchObject({ optOuts: [{ address: second }], conversations: [], items: [] });
    for (const none of ["address\n+15005550001\0", "address,note\n+15005550001,a\0b\n", "address\n", 'address\n"+1500'])
      expect((await postCsv(path, none)).status).toBe(422);
    const exported = await twoWay.bridge.admin("GET", "/opt-outs/export?channel=sms&cause=import");
    expect(exported.body).toContain("locationId,channel,address,cause,detail,optedOutAt,liftedAt,liftedBy\n");
    expect(exported.body).toContain(`${locationId},sms,${first},import,"'=HYPERLINK(""x"")",`);
  });

  test.each([
    [{ channel: "sms" }, "locationId"],
    [{ locationId, channel: "fax", address: "+15005550001" }, "channel"],
    [{ locationId, channel: "sms", address: "ann@example.org" }, "address"],
    [{ locationId, channel: "email", address: "+15005550001" }, "address"],
    [{ locationId: "nowhere", channel: "sms", address: "+15005550001" }, "locationId"],
  ])("is told what is wrong with %j", async (body, path) => {
    const { status, body: problem } = await twoWay.bridge.admin("PUT", "/opt-outs", body);
    expect([status, problem.errors?.[0]?.path]).toEqual([422, path]);
  });

  async function postCsv(path: string, body: string) {
    const { url } = twoWay.bridge;
    const headers = { authorization: "Bearer test-admin-key-of-more-than-32-characters", "content-type": "text/csv" };
    const answer = await fetch(`${url}/admin${path}`, { method: "POST", body, headers });
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely.
    return { status: answer.status, body: (await answer.json()) as any };
  }
});
