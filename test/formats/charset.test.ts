import { TextDecoder as Reference } from "@kayahr/text-encoding";
import { describe, expect, test } from "vitest";
import { charsetOf, decodeText } from "../../src/formats/email/charset.ts";
import { decodeWords } from "../../src/formats/email/encoded-words.ts";
import { parseStructured } from "../../src/formats/email/header-parameters.ts";
import { expectSwift } from "../fuzz/slowness.ts";

/** https://encoding.spec.whatwg.org/#names-and-labels, without UTF-8, UTF-16 and what the standard refuses to decode. */
const labels: Record<string, string> = {
  ibm866: "866 cp866 csibm866 ibm866",
  "iso-8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
  "iso-8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
  "iso-8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
  "iso-8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
  "iso-8859-6":
    "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
  "iso-8859-7":
    "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek",
  "iso-8859-8":
    "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual",
  "iso-8859-8-i": "csiso88598i iso-8859-8-i logical",
  "iso-8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
  "iso-8859-13": "iso-8859-13 iso8859-13 iso885913",
  "iso-8859-14": "iso-8859-14 iso8859-14 iso885914",
  "iso-8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
  "iso-8859-16": "iso-8859-16",
  "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
  "koi8-u": "koi8-ru koi8-u",
  macintosh: "csmacintosh mac macintosh x-mac-roman",
  "windows-874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
  "windows-1250": "cp1250 windows-1250 x-cp1250",
  "windows-1251": "cp1251 windows-1251 x-cp1251",
  "windows-1252":
    "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
  "windows-1253": "cp1253 windows-1253 x-cp1253",
  "windows-1254":
    "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 windows-1254 x-cp1254",
  "windows-1255": "cp1255 windows-1255 x-cp1255",
  "windows-1256": "cp1256 windows-1256 x-cp1256",
  "windows-1257": "cp1257 windows-1257 x-cp1257",
  "windows-1258": "cp1258 windows-1258 x-cp1258",
  "x-mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
  "x-user-defined": "x-user-defined",
  gbk: "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
  gb18030: "gb18030",
  big5: "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
  "euc-jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
  "iso-2022-jp": "csiso2022jp iso-2022-jp",
  shift_jis: "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
  "euc-kr": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949",
};

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const everyPair = Buffer.from(
  Array.from({ length: 0x7e * 0xbf }, (_, index) => [
    0x81 + Math.floor(index / 0xbf),
    0x40 + (index % 0xbf),
    0x20,
  ]).flat(),
);
const everyPairOfEuc = Buffer.from(
  Array.from({ length: 0x5e * 0x5e }, (_, index) => [
    0xa1 + Math.floor(index / 0x5e),
    0xa1 + (index % 0x5e),
    0x20,
  ]).flat(),
);
const japanese = Buffer.from("\x1b$B$3$s$K$A$O\x1b(B hello \x1b(J\\~\x1b(B\x1b$@0!\x1b(B", "latin1");

const samples: Record<string, Buffer> = { "iso-2022-jp": japanese, "euc-jp": everyPairOfEuc };
const severalBytes = new Set(["gbk", "gb18030", "big5", "euc-jp", "shift_jis", "euc-kr"]);

describe("the charset", () => {
  test.each(Object.entries(labels))(
    "%s is read as the Encoding Standard reads it, by each of its labels",
    (name, all) => {
      for (const label of all.split(" ")) {
        expect(charsetOf(label)?.toLowerCase(), label).toBe(name);
        const bytes = samples[name] ?? (severalBytes.has(name) ? everyPair : everyByte.subarray(0x80));
        expect(decodeText(bytes, label.toUpperCase()), label).toBe(new Reference(name).decode(bytes));
      }
    },
  );
});

const cp1252 = Buffer.from([0x40, 0x20, 0x80, 0x20, 0x93, 0x78, 0x94, 0x20, 0x92, 0x20, 0x96, 0x20, 0x85, 0xfc]);

test.each(["windows-1252", "iso-8859-1", "us-ascii", undefined, "x-unknown", "nonsense", "utf-8", "ANSI"])(
  "quotes, dashes and the euro sign of windows-1252 are read under the label %s",
  (label) => expect(decodeText(cp1252, label)).toBe("@ € “x” ’ – …ü"),
);

test.each([
  "iso-8859-1",
  "us-ascii",
  "windows-1252",
  "koi8-r",
  "unknown-8bit",
  "x-unknown",
  '"utf-8; format=flowed"',
  "UTF8",
  "utf-8;",
  "shift_jis",
])("UTF-8 is read as what it is under the label %s", (label) =>
  expect(decodeText(Buffer.from("Schöne Grüße – 40 €"), label)).toBe("Schöne Grüße – 40 €"),
);

test.each([
  ["a byte order mark", Buffer.from("\ufeffGrüße"), "iso-8859-1", "Grüße"],
  ["one of UTF-16", Buffer.from("\ufeffGrüße", "utf16le"), "us-ascii", "Grüße"],
  ["Japanese in seven bits without a label", Buffer.from("\x1b$B$3\x1b(B", "latin1"), undefined, "こ"],
  ["a cut character at the end of UTF-8", Buffer.from("Grüße €").subarray(0, -1), "utf-8", "Grüße \ufffd"],
  ["short Chinese that could be UTF-8", Buffer.from([0xc1, 0xaa, 0xcd, 0xa8]), "gb2312", "联通"],
])("%s is read", (_what, bytes, label, text) => expect(decodeText(bytes, label)).toBe(text));

describe("encoded words", () => {
  test.each([
    ["=?windows-1252?Q?40_=80?=", "40 €"],
    ["=?iso-8859-1?Q?=93x=94_=96?=", "“x” –"],
    ["=?us-ascii?Q?caf=C3=A9?=", "café"],
    ["=?utf-8?B?44GU5rOo5pY=?=\t=?utf-8?B?h+OBrueiuuiqjQ==?=", "ご注文の確認"],
    ["=?UTF-8?Q?=F0=9F?= =?utf-8?q?=93=8E?= a", "📎 a"],
    ["=?utf-8?B?44GU5rO?= =?utf-8?B?o5paH?=", "ご注文"],
    ["=?utf-8?B?w6?==?utf-8?Q?=A9?=", "é"],
    ["=?iso-2022-jp?B?GyRCJDMbKEI=?=", "こ"],
    ["=?gb2312?B?xOO6ww==?= <a>", "你好 <a>"],
    ["a =?utf-8*de?Q?=C3=BC?= b", "a ü b"],
    ["=?utf-8?Q?what??= x", "what? x"],
    ["=?utf-8?Q?open", "=?utf-8?Q?open"],
    ["1 =? 2", "1 =? 2"],
  ])("%s is %s", (given, text) => expect(decodeWords(given)).toBe(text));

  test("without end, or by the thousand, are read in no time", async () => {
    for (const piece of ["=?a?b?", "=?", "=?utf-8?q?a?=", "=?utf-8?b?", "?="]) {
      await expectSwift(
        () => decodeWords(piece.repeat(500_000 / piece.length)),
        () => piece,
        500,
      );
    }
  });
});

test.each([
  ["a/b; filename*=windows-1252''40%20%80.pdf", "40 €.pdf"],
  ["a/b; filename*0*=utf-8''M%C3; filename*1*=%A4rz; filename*2=.pdf", "März.pdf"],
  ['a/b; filename*0="a b"; filename*1=".pdf"', "a b.pdf"],
  ['a/b; filename="=?utf-8?Q?M=C3=A4rz=2Epdf?="', "März.pdf"],
  ['a/b; filename="a;b\\"c.pdf"', 'a;b"c.pdf'],
  ["a/b; filename=Invoice (1).pdf", "Invoice (1).pdf"],
])("the name in %s is read", (header, name) => expect(parseStructured(header).parameters.get("filename")).toBe(name));
