import MailComposer from "nodemailer/lib/mail-composer/index.js";
import { describe, expect, test } from "vitest";
import { mailgun } from "../../src/providers/email/mailgun.ts";
import { isMediaUrl } from "../../src/providers/media-urls.ts";
import { signer } from "../fixtures/mailgun/sign.ts";

const form = "application/x-www-form-urlencoded";
const url = "https://bridge.example.com/webhooks/1";

test("reads real MIME with an inline image and a file", async () => {
  const mail = new MailComposer({
    from: { name: "Bob Ünal", address: "Bob@Example.org" },
    to: ["support@mg.example.com", "Sales <sales@mg.example.com>"],
    subject: "Ein längerer Betreff, der gefaltet und kodiert wird: Grüße aus Köln und Zürich",
    messageId: "<composed@mail.example.org>",
    inReplyTo: "<a@x.example>",
    references: ["<root@x.example>", "<a@x.example>"],
    date: new Date("2026-11-21T09:59:50Z"),
    text: "Grüße",
    html: '<p>Grüße <img src="cid:logo"></p>',
    attachments: [
      { filename: "logo.png", content: Buffer.alloc(300, 1), cid: "logo" },
      { filename: "Rechnung März.pdf", content: Buffer.alloc(2000, 2), contentType: "application/pdf" },
    ],
  });
  const mime = (await mail.compile().build()).toString("utf8");
  const body = { recipient: "support@mg.example.com", sender: "bob@example.org", "body-mime": mime };
  const request = signer.sign({ contentType: "multipart/form-data", body }, { url, at: new Date() });
  expect(await mailgun.openFiles?.(request)).toEqual([Buffer.alloc(300, 1), Buffer.alloc(2000, 2)]);
  expect(await mailgun.parse(request)).toMatchObject([
    {
      providerMessageId: "composed@mail.example.org",
      from: "bob@example.org",
      fromName: "Bob Ünal",
      to: ["support@mg.example.com", "sales@mg.example.com"],
      subject: "Ein längerer Betreff, der gefaltet und kodiert wird: Grüße aus Köln und Zürich",
      text: "Grüße\n",
      inReplyTo: ["a@x.example"],
      references: ["root@x.example", "a@x.example"],
      sentAt: new Date("2026-11-21T09:59:50Z"),
      attachments: [
        { contentId: "logo", name: "logo.png", contentType: "image/png", sizeBytes: 300 },
        { name: "Rechnung März.pdf", contentType: "application/pdf", sizeBytes: 2000 },
      ],
    },
  ]);
});

test("takes for itself what another implementation of Mailgun's signature was tested with", async () => {
  // https://github.com/rails/rails/blob/main/actionmailbox/test/controllers/ingresses/mailgun/inbound_emails_controller_test.rb
  const fields = {
    timestamp: "1539112500",
    token: "7VwW7k6Ak7zcTwoSoNm7aTtbk1g67MKAnsYLfUB7PdszbgR5Xi",
    signature: "ef24c5225322217bb065b80bb54eb4f9206d764e3e16abab07f0a64d1cf477cc",
  };
  const request = {
    url,
    headers: { "content-type": form },
    body: Buffer.from(new URLSearchParams(fields).toString()),
    receivedAt: new Date("2018-10-09T19:15:00Z"),
  };
  expect(await mailgun.verify(request, { signingKey: "tbsy84uSV1Kt3ZJZELY2TmShPRs91E3yL4tzf96297vBCkDWgL" })).toBe(
    true,
  );
});

test("reads raw mail in an encoding other than UTF-8, as old clients send it", async () => {
  const mime = Buffer.from(
    "From: bob@example.org\r\nMessage-ID: <l1@x.example>\r\nContent-Type: text/plain; charset=iso-8859-1\r\n" +
      "Content-Transfer-Encoding: 8bit\r\n\r\nGr\xfc\xdfe",
    "latin1",
  );
  const escaped = [...mime].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const head = '--b\r\nContent-Disposition: form-data; name="token"\r\n\r\nt\r\n--b\r\n';
  const forms: [string, Buffer][] = [
    [form, Buffer.from(`token=t&body-mime=${escaped}`)],
    [
      "multipart/form-data; boundary=b",
      Buffer.concat([
        Buffer.from(`${head}Content-Disposition: form-data; name="body-mime"\r\n\r\n`),
        mime,
        Buffer.from("\r\n--b--\r\n"),
      ]),
    ],
  ];
  for (const [contentType, body] of forms) {
    const [event] = await mailgun.parse({
      url,
      headers: { "content-type": contentType },
      body,
      receivedAt: new Date(),
    });
    expect(event).toMatchObject({ rfcMessageId: "l1@x.example", text: "Grüße\n" });
  }
});

test("gives a repeated webhook the same id, also for a mail without a Message-ID", async () => {
  const body = { from: "bob@example.org", recipient: "support@mg.example.com", "body-plain": "hi" };
  const request = signer.sign({ contentType: form, body }, { url, at: new Date() });
  const [event] = await mailgun.parse(request);
  expect(event).toMatchObject({ kind: "message", providerMessageId: expect.stringMatching(/^[0-9a-f]{50}$/) });
  expect(event).not.toHaveProperty("rfcMessageId", expect.anything());
  expect(await mailgun.parse(request)).toEqual([event]);
});

test("reads the headers from fields of their own where message-headers is missing", async () => {
  const body = {
    from: "bob@example.org",
    "Message-Id": "<1@x.example>",
    "In-Reply-To": "<0@x.example>",
    Cc: "ann@example.org",
  };
  const request = signer.sign({ contentType: form, body }, { url, at: new Date() });
  const facts = { rfcMessageId: "1@x.example", inReplyTo: ["0@x.example"], cc: ["ann@example.org"] };
  expect(await mailgun.parse(request)).toMatchObject([facts]);
});

test.each([
  ["message-headers", "[[1]]", /message-headers/],
  ["message-headers", "{", /message-headers/],
  ["attachments", '[{"name":7}]', /attachments/],
  ["from", "nobody", /from/],
])("names the field that it cannot read: %s %s", async (name, value, message) => {
  const body = { from: "bob@example.org", [name]: value };
  const request = signer.sign({ contentType: form, body }, { url, at: new Date() });
  await expect(mailgun.parse(request)).rejects.toThrow(message);
});

describe("a header that a person has written", () => {
  const raw = "From: boss@example.com\r\nMessage-ID: <forged@example.net>\r\n\r\nforged";
  const link = JSON.stringify([{ url: "https://files.example.net/a.pdf", name: "a.pdf" }]);
  const listed = (...more: [string, string][]) =>
    JSON.stringify([["From", "Bob <bob@example.org>"], ["Message-Id", "<1@x.example>"], ...more]);
  const genuine = { from: "Bob <bob@example.org>", recipient: "support@mg.example.com", "body-plain": "hi" };
  const twice = (name: string, ...values: string[]) => values.map((value): [string, string] => [name, value]);

  test.each<[string, [string, string][]]>([
    [
      "body-mime",
      [
        ["message-headers", listed()],
        ["body-mime", raw],
      ],
    ],
    [
      "attachments",
      [
        ["message-headers", listed(["Attachments", link])],
        ["attachments", link],
      ],
    ],
    ["message-headers", twice("message-headers", listed(), listed(["In-Reply-To", "<forged@example.net>"]))],
    ["attachments, and message-headers", [["attachments", link], ...twice("message-headers", listed(), listed())]],
  ])("is not taken for a field of Mailgun's: %s", async (_, more) => {
    for (const fields of [more, more.toReversed()]) {
      const all = [...Object.entries(genuine), ["Message-Id", "<1@x.example>"], ...fields] as [string, string][];
      const { headers, ...rest } = signer.sign({ contentType: form, body: {} }, { url, at: new Date() });
      const body = Buffer.from(new URLSearchParams(all).toString());
      const [message] = await mailgun.parse({ ...rest, headers, body });
      const facts = { from: "bob@example.org", rfcMessageId: "1@x.example", text: "hi", inReplyTo: [] };
      expect(message).toMatchObject({ ...facts, attachments: [] });
    }
  });
});

describe("files", () => {
  const stored = {
    url: "https://storage-us-east4.api.mailgun.net/v3/domains/x/messages/1/attachments/0",
    name: "b.txt",
  };
  const body = { from: "bob@example.org", attachments: JSON.stringify([stored]) };

  test("that came inside of a webhook are opened, in the order in which it names them", async () => {
    const files = ["attachment-1", "attachment-2"].map((field) => ({
      ...{ field, filename: `${field}.txt`, contentType: "text/plain", content: `Grüße, ${field}` },
    }));
    const request = signer.sign({ contentType: "multipart/form-data", body, files }, { url, at: new Date() });
    expect(await mailgun.openFiles?.(request)).toEqual([
      ...files.map(({ content }) => Buffer.from(content)),
      undefined,
    ]);
    const [message] = await mailgun.parse(request);
    expect(message).toMatchObject({ attachments: [{}, {}, { url: stored.url }] });
    const opened = { "event-data": { event: "opened", message: { headers: { "message-id": "1@x.example" } } } };
    const event = signer.sign({ contentType: "application/json", body: opened }, { url, at: new Date() });
    expect(await mailgun.openFiles?.(event)).toEqual([]);
  });

  test("that are stored are opened by the API key alone", () => {
    const { apiKey } = signer.sendCredentials as { apiKey: string };
    const authorization = `Basic ${Buffer.from(`api:${apiKey}`).toString("base64")}`;
    expect(mailgun.media?.headers(signer.sendCredentials as { signingKey: string })).toEqual({ authorization });
    expect(() => mailgun.media?.headers(signer.credentials as never)).toThrow("no apiKey");
  });

  test("that a forged mail names are asked for at the domain's stored mails alone, never elsewhere in the API", () => {
    const { media } = mailgun;
    const given = { ...(signer.sendCredentials as { signingKey: string; apiKey: string }), domain: "mg.example.com" };
    const isOpened = (at: string) => media !== undefined && isMediaUrl(media, given, `https://${at}`);
    expect(isOpened("storage-us-east4.api.mailgun.net/v3/domains/mg.example.com/messages/BAAF-x==/attachments/0")).toBe(
      true,
    );
    for (const elsewhere of [
      "api.mailgun.net/v3/domains",
      "api.mailgun.net/v4/keys",
      "api.mailgun.net/v3/routes",
      "api.mailgun.net/v3/mg.example.com/events",
      "api.mailgun.net/v3/domains/mg.example.com/messages/BAAF",
      "api.mailgun.net/v3/domains/other.example.com/messages/BAAF/attachments/0",
      "api.mailgun.net/v3/domains/mg.example.com/messages/BAAF/attachments/..%2f..%2f..",
      "api.mailgun.net.evil.example/v3/domains/mg.example.com/messages/BAAF/attachments/0",
    ]) {
      expect(isOpened(elsewhere), elsewhere).toBe(false);
    }
  });

  test("keep their mail when their Content-IDs cannot be read", async () => {
    for (const spoiled of ["{", "[]", '{"<a>":7}']) {
      const request = signer.sign(
        { contentType: form, body: { ...body, "content-id-map": spoiled } },
        { url, at: new Date() },
      );
      expect(await mailgun.parse(request)).toMatchObject([{ attachments: [{ name: "b.txt" }] }]);
    }
  });
});

test("sends only from a domain, of a region, that there can be", () => {
  const given = signer.sendCredentials as Record<string, string>;
  for (const domain of ["mg", "mg.example.com/../x", "https://mg.example.com", "mg..example.com"])
    expect(mailgun.credentials.safeParse({ ...given, domain }).success, domain).toBe(false);
  for (const region of ["", "EU", "asia"])
    expect(mailgun.credentials.safeParse({ ...given, region }).success).toBe(false);
});
