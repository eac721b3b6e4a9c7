import { expect, test } from "vitest";
import { createMentions, findInline } from "../../../src/registry/mentions/find-mentions.ts";

const mailbox = "ann+shop@example.org";
const number = "15005550006";
const words = [mailbox, number];

const base64 = (text: string) => Buffer.from(text).toString("base64");
/** As mails have it: in lines of 76. */
const inLines = (text: string) => base64(text).replace(/.{76}/g, "$&\r\n");
const part = (encoding: string, body: string) =>
  `Content-Type: text/plain\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}\r\n--end--`;
const quoted = (text: string) => text.replace(/[=@+]/g, (sign) => `=${sign.charCodeAt(0).toString(16).toUpperCase()}`);
const unicode = (text: string) =>
  text.replace(/./g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
const percent = (text: string) => text.replace(/./g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
const said = (address: string) =>
  `Grüße, und wer nicht mag, schreibt ${"so lange wie es dauert ".repeat(9)} an ${address}.`;

/** What a webhook may be in which an address stands. */
const writings: [string, (address: string) => string][] = [
  ["as it is, in capitals", (address) => `{"from":"${address.toUpperCase()}"}`],
  ["in a form", (address) => String(new URLSearchParams({ From: `Ann <${address}>` }))],
  ["every sign of it escaped in JSON", (address) => `{"from":"${unicode(address)}"}`],
  ["every sign of it escaped in a URL", (address) => `https://example.com/?to=${percent(address)}`],
  ["in JSON in JSON", (address) => JSON.stringify({ Message: JSON.stringify({ from: `"Ann" <${address}>\n` }) })],
  ["in quoted-printable", (address) => part("quoted-printable", `On Monday ${quoted(address)} wrote`)],
  ["in quoted-printable, over two lines", (address) => `wrote ${quoted(address).replace(/(.{6})/, "$1=\r\n")}`],
  ["in an encoded word", (address) => `To: =?UTF-8?B?${base64(`Änn <${address}>`)}?=`],
  ["in base64", (address) => part("base64", inLines(said(address)))],
  ["in base64 for URLs", (address) => JSON.stringify({ raw: Buffer.from(said(address)).toString("base64url") })],
  ["in a data URI", (address) => `{"image":"data:text/plain;base64,${base64(said(address))}"}`],
  [
    "in a mail in base64 that is base64 in JSON",
    (address) => `{"content":"${base64(part("base64", inLines(said(address))))}"}`,
  ],
  [
    "in a mail in base64 that a form has",
    (address) => String(new URLSearchParams({ mail: part("base64", inLines(said(address))) })),
  ],
  [
    "in a mail in base64, in JSON, in a form",
    (address) =>
      String(new URLSearchParams({ events: JSON.stringify([{ raw: part("base64", inLines(said(address))) }]) })),
  ],
];

const find = (body: string, about = "") => findInline({ words, webhooks: [{ id: 7, about, body: Buffer.from(body) }] });

test.each(writings)("an address is found %s", (_how, write) => {
  for (const address of [mailbox, `+${number}`]) expect(find(write(address)), address).toEqual([7]);
  for (const other of ["joann+shop@example.org", "ann+shop@example.org.uk", "+150055500061", "+25005550006"])
    expect(find(write(other)), other).toEqual([]);
});

test("it is found at whatever place of base64 it begins, in a file, in the URL and among the headers", () => {
  for (let length = 0; length < 8; length++)
    expect(find(`x:${base64(`${" ".repeat(length)}${mailbox}`)}`)).toEqual([7]);
  expect(find("", `https://x/?to=%2B${number} {}`)).toEqual([7]);
  expect(find("", `{"reply-to": "${mailbox}"}`)).toEqual([7]);
  const file = Buffer.concat([Buffer.from([0x50, 0x4b, 3, 4, 0, 0]), Buffer.from(mailbox), Buffer.alloc(99, 0xff)]);
  expect(find(JSON.stringify({ file: file.toString("base64") }))).toEqual([7]);
});

test("large webhooks are looked through in a thread, with the same end", async () => {
  const mentions = createMentions();
  const body = (address: string) => Buffer.from(part("base64", inLines(`${"words ".repeat(40_000)} ${address}`)));
  const webhooks = [mailbox, "else@example.org", `00${number}`].map((address, id) => ({
    id,
    about: "",
    body: body(address),
  }));
  expect(await mentions.find({ words, webhooks })).toEqual([0, 2]);
  await mentions.stop();
});
