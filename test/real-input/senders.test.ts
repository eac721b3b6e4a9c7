import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Email, type RealInput, startRealInput } from "../support/real-input.ts";

let real: RealInput;
beforeAll(async () => {
  real = await startRealInput();
});
afterAll(() => real.stop());

const own = () => real.way("postmark").address;
const contacts = () => new Set(real.bridge.sandbox.messages().map(({ emailFrom }) => emailFrom));

describe("a person's mail is posted, whatever marks its way has left on it", () => {
  test.each<[string, Record<string, string>]>([
    ["a rule's wish not to be answered", { "X-Auto-Response-Suppress": "All" }],
    ["a forwarding hop", { "Auto-Submitted": "auto-forwarded", "X-MS-Exchange-Inbox-Rules-Loop": "info@shop.example" }],
    ["a bulk mark without a list", { Precedence: "bulk" }],
    ["a group", { "List-Id": "Friends <friends.example.org>", "List-Post": "<mailto:friends@example.org>" }],
  ])("%s", async (what, headers) => {
    const id = `way ${what}`;
    await real.receiveEmail({ id, from: "rosa@client.example", headers });
    expect(await real.posted(id)).toMatchObject({ direction: "inbound", emailFrom: "rosa@client.example" });
  });
});

describe("what a machine wrote is kept", () => {
  test.each<[string, Omit<Email, "id" | "from">, string]>([
    ["an absence notice", { headers: { "Auto-Submitted": "auto-replied" } }, "auto_reply"],
    ["one of an old autoresponder", { headers: { "X-Autoreply": "yes", Precedence: "auto_reply" } }, "auto_reply"],
    ["one that only its subject tells", { subject: "Automatic reply: Your order" }, "auto_reply"],
    ["a notice that answers nothing", { headers: { "Auto-Submitted": "auto-generated" } }, "auto_generated"],
  ])("%s", async (what, email, automatic) => {
    const id = `kept ${what}`;
    expect(await real.receiveEmail({ id, from: "rosa@client.example", ...email })).toMatchObject({
      state: "processed",
    });
    expect(await real.kept("postmark", id)).toMatchObject({ automatic, deliveries: [] });
  });

  test("but not what answers an email of ours, save an automatic reply", async () => {
    const by = real.way("postmark");
    const contact = real.addContact({ email: "helpdesk@client.example" });
    real.write(by, contact.id, "Is it mended by now?");
    const sent = await real.sent(by, "Is it mended by now?");
    const headers = { "In-Reply-To": sent.headers["message-id"] ?? "" };
    const from = "helpdesk@client.example";
    await real.receiveEmail({ id: "answer-1", from, headers: { ...headers, "Auto-Submitted": "auto-generated" } });
    expect(await real.posted("answer-1")).toMatchObject({ direction: "inbound", contactId: contact.id });
    await real.receiveEmail({ id: "answer-2", from, headers: { ...headers, "Auto-Submitted": "auto-replied" } });
    expect(await real.kept("postmark", "answer-2")).toMatchObject({ automatic: "auto_reply", deliveries: [] });
  });
});

test("an answer to our email is posted though a server emptied its envelope, and nobody else's such mail is", async () => {
  const by = real.way("postmark");
  const contact = real.addContact({ email: "forwards@client.example" });
  real.write(by, contact.id, "Does Friday suit you?");
  const sent = await real.sent(by, "Does Friday suit you?");
  const headers = { "In-Reply-To": sent.headers["message-id"] ?? "", "Return-Path": "<>" };
  await real.receiveEmail({ id: "emptied", from: "forwards@client.example", headers });
  expect(await real.posted("emptied")).toMatchObject({ contactId: contact.id });
  await real.receiveEmail({ id: "gateway", from: "ndr@client.example", headers });
  expect(await real.kept("postmark", "gateway")).toMatchObject({ automatic: "bounce", deliveries: [] });
});

describe("the person is whom a relay names", () => {
  test("two who wrote by one form are two people, and each is answered alone", async () => {
    const by = real.way("postmark");
    for (const name of ["Mara", "Nils"]) {
      const person = `${name.toLowerCase()}@home.example`;
      const email = { from: "no-reply@forms.example", fromName: "Contact form", replyTo: `${name} <${person}>` };
      await real.receiveEmail({ id: `form-${name}`, subject: "New enquiry", ...email });
      const { contactId, emailFrom } = await real.posted(`form-${name}`);
      expect(emailFrom).toBe(person);
      real.write(by, contactId, `An answer to ${name}`);
      expect((await real.sent(by, `An answer to ${name}`)).to).toEqual([person]);
    }
    expect(contacts()).not.toContain("no-reply@forms.example");
  });

  test.each([
    ["our own mailbox", () => own()],
    ["another mailbox of our domain", () => own().replace("support@", "shop@")],
    ["a web server's mailbox", () => "wordpress@hosting.example"],
  ])("a form that writes from %s", async (what, from) => {
    await real.receiveEmail({ id: `own ${what}`, from: from(), replyTo: "vera@home.example" });
    expect(await real.posted(`own ${what}`)).toMatchObject({ direction: "inbound", emailFrom: "vera@home.example" });
    expect(contacts()).not.toContain(from());
  });

  test("our own mailbox writing to itself is nobody, and makes no conversation", async () => {
    const outcome = await real.receiveEmail({ id: "own-alone", from: own() });
    expect(outcome).toMatchObject({ state: "ignored", reason: expect.stringContaining("own mailbox") });
    expect(contacts()).not.toContain(own());
  });

  test("an ordinary sender does not speak for whom they put into Reply-To", async () => {
    await real.receiveEmail({
      id: "wish",
      from: "eve@other.example",
      fromName: "Eve",
      replyTo: "Mara <mara@home.example>",
    });
    expect(await real.posted("wish")).toMatchObject({ emailFrom: "eve@other.example" });
  });
});

describe("a sender that is unusual is a sender", () => {
  const address = '"ken..sato."@phone.example';

  test("a carrier's quoted address is one person at each provider, and is answered with its quotes", async () => {
    await real.receiveEmail({ id: "quoted-1", from: address, fromName: "Ken" });
    const { contactId } = await real.posted("quoted-1");
    const fields = { recipient: real.way("mailgun").address, sender: "ken..sato.@phone.example", "body-plain": "Hi" };
    await real.receive("mailgun", { ...fields, from: `Ken <${address}>`, "Message-Id": "<quoted-2@phone.example>" });
    expect((await real.posted("quoted-2@phone.example")).contactId).toBe(contactId);
    const by = real.way("postmark");
    real.write(by, contactId, "See you tomorrow");
    expect((await real.sent(by, "See you tomorrow")).to).toEqual([address]);
  });

  test("whom only the envelope names is posted as its sender", async () => {
    const fields = { recipient: real.way("mailgun").address, sender: "lone@phone.example", "body-plain": "Hi" };
    await real.receive("mailgun", { ...fields, from: "undisclosed", "Message-Id": "<envelope@phone.example>" });
    expect((await real.posted("envelope@phone.example")).emailFrom).toBe("lone@phone.example");
  });

  test("a bounce from nobody is kept as a bounce at each provider, and wakes nobody", async () => {
    const outcome = await real.receiveEmail({ id: "nobody", from: "", headers: { "Return-Path": "<>" } });
    expect(outcome).toMatchObject({ state: "processed" });
    expect(await real.kept("postmark", "nobody")).toMatchObject({ automatic: "bounce", deliveries: [] });
    const data = { id: "nobody-2", to: real.way("generic-email").address, from: "Mail Delivery System <>", text: "x" };
    await real.receive("generic-email", { type: "message.received", data });
    expect(await real.kept("generic-email", "nobody-2")).toMatchObject({ automatic: "bounce", deliveries: [] });
    const fields = { recipient: real.way("mailgun").address, sender: "", from: "MAILER-DAEMON", "body-plain": "x" };
    await real.receive("mailgun", { ...fields, "Message-Id": "<nobody-3@mx.example>" });
    expect(await real.kept("mailgun", "nobody-3@mx.example")).toMatchObject({ automatic: "bounce", deliveries: [] });
    await real.receiveEmail({ id: "nobody-4", from: "MAILER-DAEMON" });
    expect(await real.kept("postmark", "nobody-4")).toMatchObject({ automatic: "bounce", deliveries: [] });
    expect(real.bridge.logLines.filter(({ level }) => level === "error" || level === 50)).toEqual([]);
  });
});

describe("a name is not the sender, whatever it looks like", () => {
  test.each([
    ["an address in brackets", "<boss@partner.example> <eve@other.example>", "eve@other.example"],
    ["an address and a comma", "boss@partner.example, please <eve@other.example>", "eve@other.example"],
    ["the family name first", "Weiß, Jörn - ACME <joern@client.example>", "joern@client.example"],
  ])("%s", async (what, from, sender) => {
    const to = real.way("generic-email").address;
    const data = { id: `name ${what}`, from, to, subject: "Hello", text: "Pay today" };
    await real.receive("generic-email", { type: "message.received", data });
    const { emailFrom, contactId } = await real.posted(data.id);
    expect(emailFrom).toBe(sender);
    if (from.startsWith("Weiß")) {
      expect(real.bridge.sandbox.contacts().find(({ id }) => id === contactId)?.name).toBe("Weiß, Jörn - ACME");
    }
  });
});

describe("an answer goes to the address as the person wrote it last", () => {
  test.each(["postmark", "mailgun", "generic-email"])("by %s", async (provider) => {
    const by = real.way(provider);
    const receive = async (id: string, from: string) => {
      if (provider === "postmark") return real.receiveEmail({ id, from });
      const data = { id, from, to: by.address, text: "Hi" };
      if (provider === "generic-email") return real.receive(provider, { type: "message.received", data });
      return real.receive(provider, { recipient: by.address, from, "body-plain": "Hi", "Message-Id": `<${id}>` });
    };
    const spellings = [`Token+aBc${provider}@Market.example`, `Token+AbC${provider}@market.example`];
    for (const [index, spelling] of spellings.entries()) {
      await receive(`spelling-${provider}-${index}`, spelling);
      const { contactId, emailFrom } = await real.posted(`spelling-${provider}-${index}`);
      expect(emailFrom).toBe(spelling.toLowerCase());
      real.write(by, contactId, `Still there ${index} ${provider}`);
      expect((await real.sent(by, `Still there ${index} ${provider}`)).to).toEqual([spelling]);
    }
  });

  test("in lower case again once the person writes so, whatever was before", async () => {
    const by = real.way("postmark");
    for (const from of ["Dora.EK@client.example", "dora.ek@client.example"]) {
      await real.receiveEmail({ id: `case ${from}`, from });
      const { contactId } = await real.posted(`case ${from}`);
      real.write(by, contactId, `To ${from}`);
      expect((await real.sent(by, `To ${from}`)).to).toEqual([from]);
    }
  });

  test("and to who never wrote, and to whom the agent copies, as HighLevel spells them", async () => {
    const by = real.way("postmark");
    const contact = real.addContact({ email: "New.Person@Client.example" });
    const emailCc = ["Cc+TokenX@relay.example", "plain@relay.example"];
    real.write(by, contact.id, "Welcome", { emailCc });
    expect(await real.sent(by, "Welcome")).toMatchObject({ to: ["New.Person@Client.example"], cc: emailCc });
  });
});

describe("a mapping chooses what it posts of lists and groups", () => {
  const newsletter = {
    ...{ "List-Id": "News <news.shop.example>", "List-Unsubscribe": "<https://shop.example/leave>" },
    Precedence: "bulk",
  };
  const group = { "List-Id": "Friends <friends.example.org>", "List-Post": "<mailto:friends@example.org>" };

  test.each([
    ["people", [group], [newsletter]],
    ["all", [group, newsletter], []],
    ["none", [], [group, newsletter]],
  ])("%s", async (postLists, posted, kept) => {
    const { mappingId } = real.way("postmark");
    const { status, body } = await real.bridge.admin("PATCH", `/mappings/${mappingId}`, { postLists });
    expect([status, body.postLists]).toEqual([200, postLists]);
    for (const [index, headers] of [...posted, ...kept].entries()) {
      const id = `lists ${postLists} ${index}`;
      await real.receiveEmail({ id, from: "rosa@client.example", headers });
      const isPosted = index < posted.length;
      if (isPosted) expect(await real.posted(id)).toMatchObject({ direction: "inbound" });
      else expect(await real.kept("postmark", id)).toMatchObject({ automatic: "list", deliveries: [] });
    }
  });

  test("what comes by a group in answer to an email of ours is posted also where it wants nothing of groups", async () => {
    const by = real.way("postmark");
    await real.bridge.admin("PATCH", `/mappings/${by.mappingId}`, { postLists: "none" });
    const contact = real.addContact({ email: "member@client.example" });
    real.write(by, contact.id, "Do you come?");
    const sent = await real.sent(by, "Do you come?");
    const headers = { ...group, "In-Reply-To": sent.headers["message-id"] ?? "" };
    await real.receiveEmail({ id: "lists answer", from: "member@client.example", headers });
    expect(await real.posted("lists answer")).toMatchObject({ contactId: contact.id });
    await real.bridge.admin("PATCH", `/mappings/${by.mappingId}`, { postLists: "people" });
  });
});
