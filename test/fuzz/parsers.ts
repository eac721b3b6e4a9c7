import { Failure } from "../../src/errors.ts";
import { normalizeAddress } from "../../src/formats/address.ts";
import { automaticKind, isFromList } from "../../src/formats/automatic-kind.ts";
import { requireBearableJson } from "../../src/formats/bearable-json.ts";
import { describePlace } from "../../src/formats/describe-place.ts";
import { readAuthenticationResults } from "../../src/formats/email/authentication-results.ts";
import { charsetOf, decodeText, isAsciiLabel } from "../../src/formats/email/charset.ts";
import { decodeWords } from "../../src/formats/email/encoded-words.ts";
import { joinFlowed } from "../../src/formats/email/flowed-text.ts";
import { parseStructured } from "../../src/formats/email/header-parameters.ts";
import { readParts } from "../../src/formats/email/mime-parts.ts";
import { openSigned } from "../../src/formats/email/smime.ts";
import { openTnef } from "../../src/formats/email/tnef.ts";
import { replyTokensOf, withoutReplyTokens } from "../../src/formats/email/tokens/reply-token.ts";
import { decodeTransfer } from "../../src/formats/email/transfer-encoding.ts";
import { escapeHtml } from "../../src/formats/escape-html.ts";
import { nameFile, usualType } from "../../src/formats/file-names.ts";
import { readForm, readUrlencoded } from "../../src/formats/form.ts";
import { parseMailDate, parseMessageIds, readMailHeaders } from "../../src/formats/mail-headers.ts";
import { addressesOf, normalizeMailbox, parseMailboxes, parseSender } from "../../src/formats/mailbox.ts";
import { openMime, parseContentId, parseMime } from "../../src/formats/mime.ts";
import { formatMailbox, outgoingHeaders } from "../../src/formats/outgoing-mail.ts";
import { decodeJson } from "../../src/formats/parse-value.ts";
import { personBehind, requirePerson } from "../../src/formats/person.ts";
import { normalizePhoneNumber, readReceiver, serviceOf } from "../../src/formats/phone-number.ts";
import { parseTime } from "../../src/formats/read-time.ts";
import { zonesOfNumber } from "../../src/formats/times/zones-of-number.ts";
import { goneThing, isAboutFiles, isAboutThread, isAlreadyThere } from "../../src/highlevel/refusals.ts";
import { readHighlevelEvent, readLocationId } from "../../src/highlevel/webhook.ts";
import { consentIn } from "../../src/inbox/consent/consent-words.ts";
import { createRowReader } from "../../src/inbox/imports/read-row.ts";
import { baseSubject, isReply } from "../../src/messages/find-parent.ts";
import { properUrl } from "../../src/messages/proper-url.ts";
import { ownWordsOfHtml } from "../../src/messages/quoted-html.ts";
import { stripQuoted } from "../../src/messages/strip-quoted.ts";
import { closeJson } from "../../src/providers/kit/email/close-json.ts";
import { mailReports } from "../../src/providers/kit/email/mail-reports.ts";
import { readCsv } from "../../src/registry/read-csv.ts";

export interface Parser {
  name: string;
  parse: (text: string) => unknown;
}

const bytes = (text: string) => Buffer.from(text, "latin1");
const about = (words: string) => new Failure("rejected", words, { status: 400, answer: words });
const header = (name: string) => (value: string) => [{ name, value }];

const reportOf = (told: string) =>
  bytes(
    [
      ...["Content-Type: multipart/report; boundary=r", "", "--r", "Content-Type: message/delivery-status", "", told],
      ...["--r", "Content-Type: message/rfc822", "", "Message-ID: <a@b.c>", "", "x", "--r--"],
    ].join("\r\n"),
  );
const mapping = { channel: "sms", address: "+15005550009", accountId: "1", adapter: {} } as never;

/** What is no CSV is refused by an Error of a few words. */
function orRefusal(read: () => number): number {
  try {
    return read();
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 1000).length : Number.NaN;
  }
}

const table: Record<string, Parser["parse"]> = {
  "normalizeAddress, of a text": (text) => normalizeAddress("sms", text, "+15005550009"),
  "normalizeAddress, of an email": (text) => normalizeAddress("email", text),
  normalizePhoneNumber: (text) => normalizePhoneNumber(text),
  readReceiver: (text) => readReceiver(text, "+4930123456"),
  serviceOf,
  parseMailboxes,
  parseSender,
  addressesOf,
  normalizeMailbox,
  parseMessageIds,
  parseMailDate,
  parseTime,
  parseContentId,
  "readMailHeaders, of one long header each": (text) =>
    ["date", "subject", "from", "return-path", "auto-submitted", "list-id", "in-reply-to"].map((name) =>
      readMailHeaders(header(name)(text)),
    ),
  "automaticKind and isFromList, of many headers": (text) => {
    const headers = text.split("\n", 20_000).map((value) => ({ name: value.slice(0, 30), value }));
    return [automaticKind(headers, text), isFromList(headers)];
  },
  "requirePerson, named by one long header each": (text) =>
    ["reply-to", "sender", "list-post", "list-id", "x-original-from"].map((name) =>
      requirePerson({
        from: { address: "noreply@example.com", name: text },
        to: [],
        cc: [],
        headers: header(name)(text),
      }),
    ),
  personBehind: (text) => personBehind({ from: text, replyTo: undefined }, text),
  decodeWords,
  "decodeWords, of a word": (text) => decodeWords(`=?utf-8?q?${text}?=`),
  parseStructured,
  "joinFlowed, of quotes": (text) => joinFlowed(text, true),
  charsetOf,
  isAsciiLabel,
  "decodeText, in whatever charset": (text) =>
    ["utf-8", "iso-2022-jp", "gb18030", "utf-16le", "windows-1252", text].map((label) =>
      decodeText(bytes(text.slice(0, 300_000)), label),
    ),
  "decodeTransfer, in whatever encoding": (text) =>
    ["base64", "quoted-printable", "x-uuencode", text].map((encoding) => decodeTransfer(bytes(text), encoding).length),
  readParts: (text) => readParts(bytes(text)),
  parseMime,
  "parseMime, of a body": (text) => parseMime(`From: a@example.org\r\nSubject: x\r\n\r\n${text}`),
  "parseMime, of an HTML body": (text) => parseMime(`Content-Type: text/html\r\n\r\n${text}`),
  "parseMime, of a flowed body": (text) => parseMime(`Content-Type: text/plain; format=flowed\r\n\r\n${text}`),
  "parseMime, of parts": (text) =>
    parseMime(`Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n${text}\r\n--a--`),
  "parseMime, of a subject": (text) => parseMime(`Subject: ${text}\r\n\r\nx`),
  openMime,
  "mailReports, of what a server tells of": (text) => mailReports(reportOf(text)),
  "readAuthenticationResults, of many and of a long one": (text) =>
    [text.split("\n", 1000), [text]].map((values) =>
      readAuthenticationResults(values.flatMap(header("authentication-results")), "mx.example.com"),
    ),
  "reply tokens": (text) => [replyTokensOf([text]), withoutReplyTokens(text).length],
  closeJson: (text) => closeJson(bytes(text)).length,
  "readForm, of what was cut": (text) =>
    readForm("multipart/form-data; boundary=a", bytes(`--a\r\n${text}`), { isCut: true }).then(({ length }) => length),
  "openSigned, of whatever bytes": (text) => openSigned(bytes(text)),
  "openTnef, of whatever bytes": (text) =>
    openTnef(Buffer.concat([Buffer.from([0x78, 0x9f, 0x3e, 0x22, 1, 0]), bytes(text)])),
  readUrlencoded: (text) => readUrlencoded(bytes(text)).length,
  "readForm, of many parts": (text) =>
    readForm("multipart/form-data; boundary=a", bytes(`--a\r\n${text}\r\n--a--\r\n`)).then(({ length }) => length),
  "readForm, by a header": (text) => readForm(text, bytes("a=b")).then(({ length }) => length),
  requireBearableJson: (text) => requireBearableJson(bytes(text)),
  decodeJson: (text) => decodeJson(bytes(text)),
  readHighlevelEvent: (text) => readHighlevelEvent(bytes(text)),
  "readHighlevelEvent, of long fields": (text) =>
    readHighlevelEvent(Buffer.from(JSON.stringify({ type: "SMS", messageId: text, timestamp: text, phone: text }))),
  readLocationId: (text) => readLocationId(bytes(text)),
  consentIn,
  zonesOfNumber,
  "readCsv, of whatever lines": (text) => orRefusal(() => readCsv(text, 10_000).length),
  "readCsv, of cells below a line of names": (text) => orRefusal(() => readCsv(`a,b\n${text}`, 10_000).length),
  "a row of an import, of long fields": (text) =>
    createRowReader(mapping)(1, { date: text, direction: text, person: text, text, attachments: [text], [text]: text }),
  nameFile: (text) => nameFile({ name: text, contentType: text, index: 0, taken: new Set(["a"]) }, () => true),
  usualType,
  describePlace: (text) => describePlace({ label: text, address: text, latitude: text, longitude: text }),
  escapeHtml,
  "formatMailbox, of a name": (text) => formatMailbox("a@example.org", text),
  "outgoingHeaders, of many references": (text) =>
    outgoingHeaders({ to: "", reference: "1", references: text.split(" ") } as never),
  stripQuoted: (text) => stripQuoted(text),
  "stripQuoted, of HTML": (text) => stripQuoted("x", text),
  ownWordsOfHtml: (text) => ownWordsOfHtml(text),
  "ownWordsOfHtml, of a quote": (text) => ownWordsOfHtml(`<blockquote type="cite">${text}`),
  properUrl,
  "properUrl, of a path": (text) => properUrl(`https://example.com/${text}`),
  baseSubject,
  isReply,
  "HighLevel's refusals": (text) =>
    [isAboutFiles, isAboutThread, isAlreadyThere, goneThing].map((is) => is(about(text))),
};

/** All that reads a text or bytes from outside, by the name of what it is. Every one may throw a ParseError. */
export const parsers: Parser[] = Object.entries(table).map(([name, parse]) => ({ name, parse }));
