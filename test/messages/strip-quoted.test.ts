import { expect, test } from "vitest";
import { stripQuoted } from "../../src/messages/strip-quoted.ts";
import { expectSwift } from "../fuzz/slowness.ts";

const outlook = [
  "From: Support <support@example.com>",
  "Sent: Saturday, November 21, 2026 10:59 AM",
  "To: Ann Example <ann@example.org>",
  "Subject: RE: Your order",
  "",
  "Hello Ann,",
  "",
  "does it work?",
  "",
  "Best regards,",
  "Support",
  "",
].join("\r\n");

test.each([
  ["Gmail", "Thanks!\n\nOn Sat, Nov 21, 2026 at 10:59 AM Support <support@example.com> wrote:\n\n> Hello\n>\n> Ann\n"],
  [
    "Gmail, broken before its last word",
    "Thanks!\n\nOn Sat, Nov 21, 2026 at 10:59 AM Support <s@example.com>\nwrote:\n\n> A\n",
  ],
  [
    "Gmail, broken in its brackets",
    "Thanks!\n\nOn Sat, Nov 21, 2026 at 10:59 AM Support <\ns@example.com> wrote:\n\n> A\n",
  ],
  ["Gmail, without a blank line", "Thanks!\nOn Sat, Nov 21, 2026 at 10:59 AM Support <s@example.com> wrote:\n> Hello"],
  [
    "a quote that nothing marks",
    "Thanks!\n\nOn Sat, Nov 21, 2026, Support <s@example.com> wrote:\n\nHello\n\nRegards,\nBob",
  ],
  [
    "a quote of a quote",
    "Thanks!\n\nOn Sat, Nov 21, 2026, S <s@example.com> wrote:\n> A\n> On Fri, Nov 20, 2026, Ann wrote:\n>> B\n",
  ],
  ["Outlook", `Thanks!\r\n\r\n${outlook}`],
  ["Outlook on the web", `Thanks!\r\n\r\n________________________________\r\n${outlook}`],
  ["old Outlook", `Thanks!\r\n\r\n-----Original Message-----\r\n${outlook}`],
  ["Apple Mail", "Thanks!\n\n> On 21. Nov 2026, at 10:59, Support <s@example.com> wrote:\n> \n> Hello\n"],
  [
    "German Gmail",
    "Thanks!\n\nAm Sa., 21. Nov. 2026 um 10:59 Uhr schrieb Support <\nsupport@example.com>:\n\n> Hallo\n",
  ],
  ["German Apple Mail", "Thanks!\n\n> Am 21.11.2026 um 10:59 schrieb Support <s@example.com>:\n> \n> Hallo\n"],
  ["Thunderbird in German", "Thanks!\n\nAm 21.11.26 um 10:59 schrieb Support:\n> Hallo\n"],
  [
    "German Outlook",
    "Thanks!\r\n\r\nVon: Support <s@example.com>\r\nGesendet: Samstag\r\nAn: Ann\r\nBetreff: AW: x\r\n\r\nHallo\r\n",
  ],
  ["French Gmail", "Thanks!\n\nLe sam. 21 nov. 2026 à 10:59, Support <s@example.com> a écrit :\n\n> Bonjour\n"],
  [
    "French Outlook",
    "Thanks!\r\n\r\nDe : Support <s@example.com>\r\nEnvoyé : samedi\r\nÀ : Ann\r\nObjet : RE: x\r\n\r\nBonjour\r\n",
  ],
  ["Spanish Gmail", "Thanks!\n\nEl sáb, 21 nov 2026 a las 10:59, Support (<s@example.com>) escribió:\n\n> Hola\n"],
  ["Zoho Mail", "Thanks!\n\n---- On Sat, 21 Nov 2026 10:59:12 +0100 S <s@example.com> wrote ----\n\n> Hello\n"],
  [
    "GMX, which names the date first",
    'Thanks!\n\nGesendet: Samstag, 21. November 2026\nVon: "S" <s@example.com>\nAn: a@x\nBetreff: AW: x\n\nHallo\n',
  ],
  [
    "Gmail in Hebrew",
    "Thanks!\n\n\u200fבתאריך שבת, 21 בנוב׳ 2026 ב-10:59 מאת \u202aS\u202c\u200f <\u202as@example.com\u202c\u200f>:\u202c\n\n> Hello\n",
  ],
  ["Gmail in Persian", "Thanks!\n\nدر تاریخ شنبه ۲۱ نوامبر ۲۰۲۶، ۱۰:۵۹ S <s@example.com> نوشت:\n\n> Hello\n"],
  ["Outlook in Hebrew", "Thanks!\n\nמאת: S <s@example.com>\nנשלח: שבת 21 נובמבר 2026\nאל: Ann\nנושא: RE: x\n\nHello\n"],
  ["Outlook in Arabic", "Thanks!\n\nمن: S <s@example.com>\nتم الإرسال: السبت\nإلى: Ann\nالموضوع: RE: x\n\nHello\n"],
  ["Outlook in Bulgarian", "Thanks!\n\nОт: S <s@example.com>\nИзпратено: събота\nДо: Ann\nОтносно: RE: x\n\nHello\n"],
  ["Outlook in Vietnamese", "Thanks!\n\nTừ: S <s@example.com>\nĐã gửi: 21 Tháng\nĐến: Ann\nChủ đề: x\n\nHello\n"],
  ["an answer below the quote", "On Sat, Nov 21, 2026, Support <s@example.com> wrote:\n> Hello\n\nThanks!\n"],
])("takes a quote away: %s", (_client, text) => expect(stripQuoted(text)).toBe("Thanks!"));

test.each([
  ["GMX", '<div>Thanks!<div name="quote"><b>Gesendet:</b> Samstag<div name="quoted-content">Hello</div></div></div>'],
  ["QQ Mail", "<div>Thanks!</div><includetail><div>------ Original ------</div><div>From: S</div></includetail>"],
  [
    "NetEase",
    '<div>Thanks!</div><pre>At 2026-11-21 10:59:12, "S" &lt;s@x.example&gt; wrote:</pre><blockquote id="isReplyContent">Hello</blockquote>',
  ],
  [
    "Front",
    '<div>Thanks!</div><div class="front-blockquote">On Sat S wrote<blockquote type="cite">Hello</blockquote></div>',
  ],
  ["Outlook's rule", '<div>Thanks!</div><hr><div id="divRplyFwdMsg">From: S</div><div>Hello</div>'],
])("takes away what HTML marks as a quote: %s", (_client, html) => {
  expect(stripQuoted("Thanks!\nHello", html)).toBe("Thanks!");
});

test("keeps the lines between quoted ones", () => {
  expect(stripQuoted("> does it work?\nYes.\n\n> really?\nReally.\n")).toBe("Yes.\nReally.");
});

test.each([
  "Hello,\n\nwhere is it?",
  "Thanks\n\n-- \nAnn Example\n+1 500 555 0006",
  "Best regards,\nAnn\n\nPS: please call me before you send it",
  "Yes please.\n\nSent from my iPhone",
  "One:\n\n----\nand two, which matters\n____\nand three\n====\nand four",
  "See below.\n\n---------- Forwarded message ---------\nFrom: Bob <bob@example.org>\nSubject: Hi\nTo: <ann@example.org>\n\nHi Ann",
  "Hello,\nOn Monday I wrote:\nwhere is it?",
  "5 > 4 and\n4 < 5",
  `${"One long paragraph, as phones write them. ".repeat(300)}\n\nAnd another.`,
  "Too\u{e000}7\u{e000}odd",
])("leaves what quotes nothing as it is: %j", (text) => expect(stripQuoted(text)).toBe(text));

test("keeps everything else above a quote", () => {
  const words = "One:\n\n----\nTwo.\n\nBest regards,\nAnn\n\nPS: Three.\n\n-- \n+1 500 555 0006";
  const quote = "\n\nOn Sat, Nov 21, 2026, Support <s@example.com> wrote:\n> Hello\n";
  expect(stripQuoted(words + quote)).toBe(words.replace("-- \n", "--\n"));
  const long = "One long paragraph, as phones write them. ".repeat(300).trim();
  expect(stripQuoted(long + quote)).toBe(long);
});

test.each(["> Hello\n> you\n", "On Sat, Nov 21, 2026, Ann <ann@example.org> wrote:\n> Hello\n", "", "  \n\n", "\n"])(
  "is the whole text where all of it is a quote: %j",
  (text) => expect(stripQuoted(text)).toBe(text),
);

test("keeps all of a long text but the quote at its end, or between its lines", () => {
  const story = "A line of a long story, which goes on and on.\n".repeat(60);
  const quote = "On Sat, Nov 21, 2026, Support <s@example.com> wrote:\n";
  expect(stripQuoted(`${story}\n${quote}${"> marked\n".repeat(2000)}`)).toBe(story.trim());
  expect(stripQuoted(`${story}\n${quote}${"> marked\n".repeat(2000)}The end.\n`)).toBe(`${story.trim()}\n\nThe end.`);
  expect(stripQuoted(`${story}\n${quote}\n${"not marked\n".repeat(2000)}`)).toBe(story.trim());
  expect(stripQuoted(`${story.repeat(10)}The end.\n`)).toBe(`${story.repeat(10)}The end.\n`);
});

test.each([
  ">",
  ">\n",
  "On On On ",
  "On a wrote\n",
  "On a b\n",
  "\n",
  " \t",
  "-",
  "<\n",
  "<a@",
  "a@",
  "2026from<>",
  "2026from<>\n",
  '10:102026"<>',
  "Op schreef \n",
  "abc. skrev a\n",
  "Dnia a pisze\n",
  "在a\n",
  "From: a <\n",
  "\u{e000}0\u{e000}",
  "---\n",
])("takes no time for 100 kB of %j", async (piece) => {
  const text = `Hello <\n${piece.repeat(100_000 / piece.length)}wrote:`;
  await expectSwift(
    () => stripQuoted(text),
    () => piece,
    1000,
  );
});

test("in a text that is longer than anybody reads no quote is looked for", async () => {
  const text = `Thanks!\n\nOn Sat, Nov 21, 2026 at 10:59 AM Support <s@example.com> wrote:\n${"> From: a@b.c\n".repeat(1_000_000)}`;
  const stripped = await expectSwift(
    () => stripQuoted(text),
    () => "a long quote",
  );
  expect(stripped).toBe(text);
});
