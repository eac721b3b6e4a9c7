import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ParseError } from "../../src/errors.ts";
import { openMime, parseMime } from "../../src/formats/mime.ts";
import { expectSwift } from "../fuzz/slowness.ts";

const stored = (name: string) => readFileSync(new URL(`../fixtures/mail/${name}.eml`, import.meta.url));
const head = "From: Ann <ann@vale.test>\r\nTo: box@ours.test\r\n";
const lines = (...all: string[]) => all.join("\r\n");
const mixed = (...parts: string[]) =>
  `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts.map((part) => `--b\r\n${part}\r\n`).join("")}--b--\r\n`;
const plain = "Content-Type: text/plain\r\n\r\nhello";

describe("what would be lost of a person's email is there", () => {
  test.each([
    ["character-split-between-words", { subject: "ご注文の確認" }],
    ["date-gmt-plus", { sentAt: new Date("2026-03-02T09:00:00Z") }],
    ["flowed-quote", { text: "Yes.\n\nOn 3/1/26 10:59, Support wrote:\n> does it work now?\n" }],
    ["auto-reply-by-other-headers", { automatic: "auto_reply" }],
    [
      "forwarded-as-attachment",
      { text: expect.stringMatching(/See what Bob wrote\.[\s\S]*We take it for 500\./), attachments: [] },
    ],
    ["subject-with-line-break", { subject: "one Bcc: eve@evil.test" }],
    ["parts-for-machines", { attachments: [], text: "hello\n", html: "<p>hello</p>\n" }],
    ["cc-header-twice", { cc: ["bob@vale.test", "eve@vale.test"] }],
    ["signed-opaque", { text: "Please move my appointment to Friday at ten.\nAnn\n", attachments: [] }],
    ["type-text", { text: "The heating in room 12 is cold. Please come today.\n", attachments: [] }],
    ["type-html", { html: "<p>The heating in room 12 is <b>cold</b>.</p>\n", attachments: [] }],
    ["without-boundary", { text: "Please send me the invoice of October again.\n", attachments: [] }],
    [
      "utf8-as-ascii",
      { text: "Schöne Grüße – die Größe passt nicht. 40 € bitte zurück.\n", fromName: "Jörg", subject: "Größe" },
    ],
    ["windows-1252", { text: "Really windows-1252: Grüße, 40 €\n" }],
    [
      "encoded-ids",
      {
        inReplyTo: ["AM0PR05MB000000000000000000000000000000000001@AM0PR05MB0000.eurprd05.prod.outlook.example"],
        references: ["AM0PR05MB000000000000000000000000000000000001@AM0PR05MB0000.eurprd05.prod.outlook.example"],
      },
    ],
  ])("%s", async (name, expected) => expect(await parseMime(stored(name))).toMatchObject(expected));
});

describe("words are read whatever is wrong with", () => {
  test.each([
    ["the type", `${head}Content-Type: plain\r\n\r\nhello`],
    ["an empty type", `${head}Content-Type:\r\n\r\nhello`],
    ["a type without its semicolon", `${head}Content-Type: text/plain charset=utf-8\r\n\r\nhello`],
    ["a type that nobody knows", `${head}Content-Type: text/x-words\r\n\r\nhello`],
    ["a type of bytes", `${head}Content-Type: application/octet-stream\r\n\r\nhello`],
    ["a body that is marked as a file", `${head}Content-Disposition: attachment\r\n\r\nhello`],
    [
      "another boundary than it says",
      `${head}Content-Type: multipart/mixed; boundary=x\r\n\r\n--y\r\n${plain}\r\n--y--`,
    ],
    ["a boundary that it does not say", `${head}Content-Type: multipart/mixed\r\n\r\n--y\r\n${plain}\r\n--y--`],
    ["a multipart without end", `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n${plain}`],
    ["a part without headers", `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nhello\r\n--b--`],
    ["a multipart without parts", `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\nhello`],
    [
      "a boundary between two words",
      `${head}Content-Type: multipart/mixed; boundary="b b"\r\n\r\n--b b\r\n${plain}\r\n--b b--`,
    ],
    ["blank lines before its headers", `\r\n\r\n${head}\r\nhello`],
    ["the name of its encoding", `${head}Content-Transfer-Encoding: base-64\r\n\r\naGVsbG8=`],
    ["a blank in the name of its encoding", `${head}Content-Transfer-Encoding: Quoted Printable\r\n\r\nh=65llo`],
  ])("%s", async (_what, raw) => {
    const mail = await parseMime(raw);
    expect(mail.text?.trim()).toBe("hello");
    expect(mail.attachments).toEqual([]);
  });

  test.each([
    [
      "HTML that a meta tag says is Cyrillic",
      Buffer.from('<meta charset="windows-1251">\xcf\xf0\xe8\xe2\xe5\xf2', "latin1"),
      "",
      "Привет",
    ],
    [
      "HTML labelled us-ascii",
      Buffer.from('<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">\xf0\xd2', "latin1"),
      "; charset=us-ascii",
      "Пр",
    ],
    ["HTML labelled UTF-8 that is none", Buffer.from("<p>40 \x80</p>", "latin1"), "; charset=utf-8", "<p>40 €</p>"],
  ])("the charset: %s", async (_what, body, parameters, words) => {
    const raw = Buffer.concat([Buffer.from(`${head}Content-Type: text/html${parameters}\r\n\r\n`), body]);
    expect((await parseMime(raw)).html).toContain(words);
  });

  test("bytes in headers, which are of the body's charset", async () => {
    const raw = Buffer.from(
      `From: \xc0\xed\xed\xe0 <ann@vale.test>\r\nSubject: \xcf\xf0\xe8\xe2\xe5\xf2\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\n\xc4\xe0\r\n`,
      "latin1",
    );
    expect(await parseMime(raw)).toMatchObject({ fromName: "Анна", subject: "Привет", text: "Да\n" });
  });
});

describe("a wrapping", () => {
  test("of an email that was attached by name alone is opened, with its files", async () => {
    const inner = lines(
      "From: bob@vale.test",
      "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=",
      "Content-Type: multipart/mixed; boundary=c",
      "",
      "--c",
      plain,
      "--c",
      "Content-Type: a/b; name=x.bin",
      "",
      "x",
      "--c--",
    );
    const eml = `Content-Type: application/octet-stream; name=offer.eml\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(inner).toString("base64")}`;
    const mail = await parseMime(mixed(eml));
    expect(mail.text).toMatch(/\(offer\.eml\)[\s\S]*Subject: Grüße[\s\S]*hello/);
    expect(mail.attachments).toMatchObject([{ name: "x.bin", sizeBytes: 1 }]);
  });

  test("of a signature beside the words is no file", async () => {
    const signature = "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nx";
    expect(await parseMime(mixed(plain, signature))).toMatchObject({ text: "hello\n", attachments: [] });
    const pgp = "Content-Type: application/pgp-signature; name=signature.asc\r\n\r\nx";
    expect(await parseMime(mixed(plain, pgp))).toMatchObject({ attachments: [] });
  });

  test("that is encrypted is named, so that nobody takes the email for empty", async () => {
    const raw = `${head}Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n\r\nx`;
    expect((await parseMime(raw)).text).toContain("encrypted by S/MIME");
    const pgp = `${head}Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n--b--`;
    expect((await parseMime(pgp)).text).toContain("encrypted by PGP");
  });

  const number = (value: number, bytes: number) => {
    const buffer = Buffer.alloc(bytes);
    buffer.writeUIntLE(value, 0, bytes);
    return buffer;
  };
  const attribute = (id: number, data: Buffer) =>
    Buffer.concat([number(1, 1), number(id, 4), number(data.length, 4), data, number(0, 2)]);
  const winmail = (...attributes: Buffer[]) =>
    `Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.concat([number(0x223e9f78, 4), number(1, 2), ...attributes]).toString("base64")}`;

  test("of Outlook's winmail.dat is opened: words and files", async () => {
    const title = attribute(0x18010, Buffer.from("offer.pdf\0"));
    const file = [attribute(0x69002, Buffer.alloc(14)), title, attribute(0x6800f, Buffer.from("%PDF"))];
    const mail = mixed(winmail(attribute(0x2800c, Buffer.from("We take it.\r\n\0")), ...file));
    expect(await parseMime(mail)).toMatchObject({
      text: "We take it.\n",
      attachments: [{ name: "offer.pdf", sizeBytes: 4 }],
    });
    expect(await openMime(mail)).toEqual([Buffer.from("%PDF")]);
  });

  test("of a winmail.dat whose words are HTML, beside other properties, is opened", async () => {
    const html = Buffer.from("<p>Hi</p>\0\0\0");
    const properties = Buffer.concat([
      number(2, 4),
      number(3, 2),
      number(0x0e07, 2),
      number(1, 4),
      number(0x102, 2),
      number(0x1013, 2),
      number(1, 4),
      number(10, 4),
      html,
    ]);
    expect(await parseMime(mixed(winmail(attribute(0x69003, properties))))).toMatchObject({
      html: "<p>Hi</p>",
      attachments: [],
    });
  });

  test("that cannot be read stays a file", async () => {
    const broken = "Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nx";
    expect(await parseMime(mixed(plain, broken))).toMatchObject({ attachments: [{ name: "winmail.dat" }] });
  });
});

describe("a file", () => {
  test.each(["binary", "8bit", "7bit", "quoted-printable", "x-unknown"])("in %s keeps its bytes", async (encoding) => {
    const part = `Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\nPK\r\nx\ny`;
    expect((await openMime(mixed(plain, part)))[0]?.toString("latin1")).toBe("PK\r\nx\ny");
  });

  test("in base64 of several pieces, or in uuencode, is whole", async () => {
    const base64 = "Content-Type: a/b; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\nIHlvdQ==";
    const uu =
      "Content-Type: a/b; name=b\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 b\r\n#0V%T\r\n`\r\nend";
    expect((await openMime(mixed(base64, uu))).map(String)).toEqual(["hello you", "Cat"]);
  });

  test.each([
    ["Please come today, at ten.", "Please come today, at ten.\n"],
    ["aGVsbG8=\r\n_______________\r\nFriends mailing list", "hello\n_______________\nFriends mailing list\n"],
    [`${"aGVsbG8g".repeat(12)} ${"aGVsbG8g".repeat(12)}`, `${"hello ".repeat(24)}\n`],
  ])("said to be in base64 keeps the words that are not: %j", async (body, words) => {
    const raw = `${head}Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n${body}`;
    expect((await parseMime(raw)).text).toBe(words);
  });

  test.each(["htm", "HTML; charset=utf-8", "text/html"])("of a type like %s is HTML", async (type) => {
    expect((await parseMime(`${head}Content-Type: ${type}\r\n\r\n<p>hello</p>`)).html).toBe("<p>hello</p>\n");
  });

  test("of as many short lines as it likes does not fail the email", async () => {
    const csv = `Content-Type: text/csv; name=a.csv\r\n\r\n${"1;2\r\n".repeat(600_000)}`;
    expect(await parseMime(mixed(plain, csv))).toMatchObject({ text: "hello\n", attachments: [{ name: "a.csv" }] });
  });

  test("which is an invitation is named once, and is there where it is nowhere else", async () => {
    const alternative = `Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n${plain}\r\n--c\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n--c--`;
    const file = "Content-Type: application/ics; name=invite.ics\r\n\r\nBEGIN:VCALENDAR";
    expect((await parseMime(mixed(alternative))).attachments).toMatchObject([{ contentType: "text/calendar" }]);
    expect((await parseMime(mixed(alternative, file))).attachments).toMatchObject([{ name: "invite.ics" }]);
  });
});

describe("hostile email", () => {
  const nest = (depth: number) =>
    Array.from(
      { length: depth },
      (_, level) => `Content-Type: multipart/mixed; boundary=n${level}\r\n\r\n--n${level}\r\n`,
    ).join("");
  test.each([
    ["10,000 parts", () => mixed(...Array.from({ length: 10_000 }, () => plain))],
    ["a depth of 10,000", () => `${head}${nest(10_000)}hello`],
    ["headers of a megabyte", () => `${head}${"X: y\r\n".repeat(170_000)}\r\nhello`],
    ["a line of headers without end", () => `${head}Subject: ${"=?utf-8?Q?".repeat(40_000)}\r\n\r\nhello`],
    ["blanks within a header's name", () => `X${" ".repeat(500_000)}Y: z\r\n${head}\r\nhello`],
    ["a huge encoded word", () => `${head}Subject: =?utf-8?B?${"AAAA".repeat(100_000)}?=\r\n\r\nhello`],
    ["parameters by the thousand", () => `${head}Content-Type: text/plain; ${"a*0*=b; ".repeat(50_000)}\r\n\r\nhello`],
    ["false boundaries", () => mixed(`\r\n${"--bX\r\n".repeat(800_000)}`.slice(0, 4_000_000))],
    ["HTML of a million tags", () => mixed(plain, `Content-Type: text/html\r\n\r\n${"<div>".repeat(1_000_000)}`)],
    ["brackets in From", () => `From: ${'<"<('.repeat(5_000)}\r\n\r\nhello`],
    ["mails in mails", () => head + `Content-Type: message/rfc822\r\n\r\n${head}`.repeat(500)],
    [
      "base64 of signs that fill up",
      () => mixed(`Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n${"A=".repeat(2_000_000)}`),
    ],
  ])("of %s ends soon, in a result or a ParseError", async (what, make) => {
    const raw = make();
    const read = () => parseMime(raw).catch((error) => expect(error).toBeInstanceOf(ParseError));
    await expectSwift<unknown>(read, () => what, 1500);
  });
});

describe("quotes, dashes and euro signs are read whatever charset they are said to be of", () => {
  const text = "“Hi” – 40 €";
  test.each([
    ["windows-1252 as iso-8859-15", "iso-8859-15", Buffer.from("\x93Hi\x94 \x96 40 \x80", "latin1")],
    ["windows-1252 as iso-8859-2", "iso-8859-2", Buffer.from("\x93Hi\x94 \x96 40 \x80", "latin1")],
    ["control signs that a program made of them", "utf-8", Buffer.from("\x93Hi\x94 \x96 40 \x80", "utf8")],
    ["UTF-8 as windows-1252", "windows-1252", Buffer.from(text, "utf8")],
  ])("%s", async (_what, charset, bytes) => {
    const subject = Buffer.from(`${head}Subject: =?${charset}?B?${bytes.toString("base64")}?=\r\n`);
    const raw = Buffer.concat([subject, Buffer.from(`Content-Type: text/plain; charset=${charset}\r\n\r\n`), bytes]);
    expect(await parseMime(raw)).toMatchObject({ subject: text, text: `${text}\n` });
  });

  test("UTF-8 of East Asia that would fit the charset it is said to be of", async () => {
    const raw = Buffer.from(`${head}Content-Type: text/plain; charset=shift_jis\r\n\r\nこんにちは、田中です`);
    expect((await parseMime(raw)).text).toBe("こんにちは、田中です\n");
  });
});

test("text of more lines than anybody reads costs the part, and not the email", async () => {
  const log = `Content-Type: text/plain; name="door.log"\r\n\r\n${"1\r\n".repeat(500_002)}`;
  const { text, attachments } = await parseMime(mixed(plain, log));
  expect(text).toMatch(/^hello\n[\s\S]*door\.log/);
  expect(attachments).toMatchObject([{ name: "door.log" }]);
});
