import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { providerOf } from "../support/providers.ts";
import { type RealInput, startRealInput } from "../support/real-input.ts";

let real: RealInput;
beforeAll(async () => {
  real = await startRealInput();
});
afterAll(() => real.stop());

describe("what a provider gives in fields of its own is put into words", () => {
  test.each<[string, Record<string, string>, string]>([
    [
      "all of it",
      { Latitude: "48.2082", Longitude: "16.3738", Address: "Square 2, Vienna", Label: "The old gate" },
      "The old gate\nSquare 2, Vienna\nhttps://www.google.com/maps?q=48.2082,16.3738",
    ],
    ["its coordinates", { Latitude: "-33.9", Longitude: "18.4" }, "https://www.google.com/maps?q=-33.9,18.4"],
    ["its address, beside a text", { Body: "Here:", Address: "Square 2, Vienna" }, "Here:\nSquare 2, Vienna"],
    ["half of its coordinates", { Latitude: "48.2" }, "latitude 48.2"],
    ["a button that was pressed", { ButtonText: "Yes, book it", ButtonPayload: "yes" }, "Yes, book it"],
    ["the same in the text already", { Body: "Yes, book it", ButtonText: "Yes, book it" }, "Yes, book it"],
    ["a button of which only its meaning is told", { ButtonPayload: "confirm-friday" }, "confirm-friday"],
    ["a form that was filled in", { InteractiveData: '{"day":"Friday"}' }, '{"day":"Friday"}'],
    ["a line of a list", { ListTitle: "Tuesday", ListDescription: "at ten" }, "Tuesday\nat ten"],
    [
      "the advertisement that it comes from",
      { Body: "Is it free?", ReferralHeadline: "Try it", ReferralSourceUrl: "https://fb.example/1" },
      "Is it free?\n[Written from: Try it · https://fb.example/1]",
    ],
    [
      "nothing but a type",
      { MessageType: "sticker" },
      "[A message of type sticker, of which Twilio tells nothing more]",
    ],
  ])("%s", async (what, fields, words) => {
    const id = `SM${Buffer.from(what).toString("hex").padEnd(32, "0").slice(0, 32)}`;
    const { address } = real.way("twilio");
    const parties = { From: "whatsapp:+15005550006", To: `whatsapp:${address}`, MessageSid: id, SmsStatus: "received" };
    await real.receive("twilio", { ...parties, NumMedia: "0", Body: "", ...fields });
    expect((await real.posted(id)).body).toBe(words);
  });
});

test("a place by a sender of one's own, and an MMS whose words are its subject, are put into words", async () => {
  const location = { label: "The old gate", address: "Square 2", latitude: 48.2, longitude: 16.4 };
  await real.receiveText({ id: "place", from: "+15005550006", text: "Here", location });
  const map = "https://www.google.com/maps?q=48.2,16.4";
  expect((await real.posted("place")).body).toBe(`Here\nThe old gate\nSquare 2\n${map}`);
  await real.receiveText({ id: "spoiled", from: "+15005550006", text: "Here", location: "there" });
  expect((await real.posted("spoiled")).body).toBe("Here");
  for (const [subject, body] of [
    ["Broken lock", "Broken lock"],
    ["NoSubject", "(no text)"],
  ]) {
    const number = (phone_number: string) => ({ phone_number });
    const parties = { from: number("+15005550006"), to: [number(real.way("telnyx").address)] };
    const payload = {
      id: `mms ${subject}`,
      type: "MMS",
      subject,
      text: "",
      media: [],
      direction: "inbound",
      ...parties,
    };
    await real.receive("telnyx", { data: { event_type: "message.received", payload } });
    expect((await real.posted(`mms ${subject}`)).body).toBe(body);
  }
});

describe("what wraps an email is opened also where the provider has taken the email apart", () => {
  const file = (Name: string, ContentType: string, content: Buffer) => {
    const Content = content.toString("base64");
    return { Name, ContentType, ContentLength: content.length, ContentID: "", Content };
  };

  test("a signed email, at Postmark, and nothing of a mere signature", async () => {
    const raw = readFileSync(new URL("../fixtures/mail/signed-opaque.eml", import.meta.url), "utf8");
    const signed = Buffer.from(raw.slice(raw.search(/\r?\n\r?\n/)), "base64");
    const attachments = [
      file("smime.p7m", "application/pkcs7-mime", signed),
      file("smime.p7s", "application/pkcs7-signature", Buffer.from("x")),
      file("a.pdf", "application/pdf", Buffer.from("x")),
    ];
    await real.receiveEmail({ id: "signed", from: "rosa@client.example", attachments });
    const posted = await real.posted("signed");
    expect(posted.body).toBe("The words of signed\nPlease move my appointment to Friday at ten.\nAnn\n");
    expect(posted.attachments).toEqual([expect.stringContaining("a.pdf")]);
  });

  test("an attached email, at Mailgun", async () => {
    const { address: recipient, webhookUrl: url } = real.way("mailgun");
    const body = { recipient, from: "rosa@client.example", "body-plain": "See:", "Message-Id": "<attached@x>" };
    const content = "From: Bob <bob@client.example>\r\nSubject: The offer\r\n\r\nWe take it for 500.";
    const files = [{ field: "attachment-1", filename: "offer.eml", contentType: "message/rfc822", content }];
    const sample = { contentType: "multipart/form-data", body, files };
    const request = providerOf("mailgun").signer.sign(sample as never, { url, at: new Date() });
    expect((await real.bridge.post(request)).status).toBe(200);
    const { body: words, attachments } = await real.posted("attached@x");
    expect(words).toMatch(/^See:\n[\s\S]*Subject: The offer\n\nWe take it for 500\.\n$/);
    expect(attachments).toEqual([]);
  });

  test("what cannot be opened stays a file that is named", async () => {
    const attachments = [file("winmail.dat", "application/ms-tnef", Buffer.from("x"))];
    await real.receiveEmail({ id: "closed", from: "rosa@client.example", attachments });
    expect((await real.posted("closed")).body).toContain("[Attachment: winmail.dat");
  });
});

describe("a picture or paper of a type by another name is taken", () => {
  test.each([
    ["image/jpg", "image-1.jpg"],
    ["image/pjpeg", "image-1.jpg"],
    ["application/x-pdf", "file-1.pdf"],
    ["image/x-png", "image-1.png"],
  ])("%s", async (type, name) => {
    const Content = Buffer.from("bytes").toString("base64");
    const attachments = [{ Name: "", ContentType: type, ContentLength: 5, ContentID: "", Content }];
    const id = `type ${type}`;
    await real.receiveEmail({ id, from: "rosa@client.example", attachments });
    const posted = await real.posted(id);
    expect(posted.attachments).toEqual([expect.stringContaining(name)]);
    expect(posted.body).not.toContain("not taken");
  });
});

describe("a file that only the provider's credentials open is never handed on as a public URL", () => {
  test.each(["storage.eu.mailgun.net", "storage-us-west1.api.mailgun.net", "sw.api.eu.mailgun.net"])(
    "at %s",
    async (host) => {
      const url = `https://${host}/v3/domains/mg.example.com/messages/x/attachments/0`;
      const stored = [{ url, name: "order.pdf", "content-type": "application/pdf", size: 5 }];
      const fields = { recipient: real.way("mailgun").address, from: "rosa@client.example", "body-plain": "See it" };
      const id = `stored-${host}`;
      await real.receive("mailgun", { ...fields, "Message-Id": `<${id}>`, attachments: JSON.stringify(stored) });
      const kept = await real.kept("mailgun", id);
      expect(kept.providerMessageId).toBe(id);
      expect(real.bridge.sandbox.messages().filter(({ attachments }) => attachments.includes(url))).toEqual([]);
    },
  );
});

describe("a time is believed within bounds", () => {
  const hour = 3_600_000;
  test.each([
    ["two hundred years ahead", "Mon, 16 Jun 2234 18:55:24 +0200"],
    ["an hour ahead", new Date(Date.now() + hour)],
    ["two years behind", "Mon, 1 Jan 2024 01:04:44 +0100"],
    ["a fortnight behind", new Date(Date.now() - 14 * 24 * hour)],
  ])("%s it is the time of receipt", async (what, date) => {
    const id = `clock ${what}`;
    await real.receiveEmail({ id, from: "rosa@client.example", date });
    const { dateAdded } = await real.posted(id);
    expect(Math.abs(Date.parse(dateAdded) - Date.now())).toBeLessThan(60_000);
  });

  test.each([3, 24 * 5])("%d hours under way it is the sender's", async (hours) => {
    const date = new Date(Math.floor(Date.now() / 1000) * 1000 - hours * hour);
    await real.receiveEmail({ id: `clock ${hours}`, from: "rosa@client.example", date });
    expect(Date.parse((await real.posted(`clock ${hours}`)).dateAdded)).toBe(date.getTime());
  });

  test("also a text's", async () => {
    const data = { id: "clock text", from: "+15005550006", to: real.way("generic-sms").address, text: "Hi" };
    await real.receive("generic-sms", { type: "message.received", data: { ...data, sentAt: "2031-01-01T00:00:00Z" } });
    expect(Math.abs(Date.parse((await real.posted("clock text")).dateAdded) - Date.now())).toBeLessThan(60_000);
  });
});

describe("a reply is threaded by whatever it brings", () => {
  async function writeFirst(person: string, subject: string) {
    const by = real.way("postmark");
    const contact = real.addContact({ email: person });
    const written = real.write(by, contact.id, `About ${subject}`, { subject });
    await real.sent(by, `About ${subject}`);
    return written;
  }

  test.each([
    ...["RE: Order 77", "Aw: Order 77", "Re: Re: order  77", "[EXTERNAL] RE: Order 77", "Antwort: Order 77"],
    ...["Отв: Order 77", "返信: Order 77"],
  ])("by the subject alone: %s", async (subject) => {
    const person = `${Buffer.from(subject).toString("hex")}@client.example`;
    const first = await writeFirst(person, "Order 77");
    await real.receiveEmail({
      id: `subject ${subject}`,
      from: person,
      subject,
      headers: { "Thread-Topic": "Order 77" },
    });
    expect((await real.posted(`subject ${subject}`)).threadId).toBe(first.threadId);
  });

  test("but a new subject, or the same without a reply's mark, begins a thread", async () => {
    const first = await writeFirst("new@client.example", "Order 78");
    for (const subject of ["Another question", "Re: Another question", "Order 78"]) {
      await real.receiveEmail({ id: `new ${subject}`, from: "new@client.example", subject });
      expect((await real.posted(`new ${subject}`)).threadId).not.toBe(first.threadId);
    }
  });

  test("by ids that are written as encoded words", async () => {
    const first = await writeFirst("encoded@client.example", "Order 79");
    const sent = await real.sent(real.way("postmark"), "About Order 79");
    const id = sent.headers["message-id"] ?? "";
    const half = Math.floor(id.length / 2);
    const words = [id.slice(0, half), id.slice(half)].map((part) => {
      return `=?utf-8?b?${Buffer.from(part).toString("base64")}?=`;
    });
    const headers = { "In-Reply-To": words.join("\r\n ") };
    await real.receiveEmail({ id: "encoded", from: "encoded@client.example", subject: "Thanks", headers });
    expect((await real.posted("encoded")).threadId).toBe(first.threadId);
  });
});
