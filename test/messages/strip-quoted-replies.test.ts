import { describe, expect, test } from "vitest";
import { stripQuoted } from "../../src/messages/strip-quoted.ts";
import { expectSwift } from "../fuzz/slowness.ts";
import { clients, languages, lookAlikes, ownWords } from "./replies.ts";

describe("of a reply by", () => {
  test.each(Object.entries(clients))(
    "%s, in any language, the quote is taken away and nothing else",
    (_client, make) => {
      for (const [language, words] of Object.entries(languages)) {
        const { text, html } = make(words);
        expect(stripQuoted(text, html), language).toBe(ownWords);
      }
    },
  );
});

test.each(lookAlikes)("what a person wrote is not cut, though it looks like a quote: %j", (text) => {
  expect(stripQuoted(text)).toBe(text);
  expect(stripQuoted(`${text}\n\nOn Sat, Nov 21, 2026 at 10:59 AM S <s@example.com> wrote:\n\n> Hello`)).toBe(text);
});

test("an answer between the lines of a quote that HTML marks is kept", () => {
  const html =
    '<div class="gmail_quote"><div class="gmail_attr">On Sat S wrote:</div><blockquote class="gmail_quote">a?</blockquote></div><div>yes</div><blockquote class="gmail_quote">b?</blockquote><div>no</div>';
  expect(stripQuoted("On Sat S wrote:\n> a?\nyes\n> b?\nno", html)).toBe("yes\nno");
});

test("a forwarded email is kept, also where HTML marks it as a quote", () => {
  const text = "See below.\n\n---------- Forwarded message ---------\nFrom: Bob <bob@example.org>\n\nHi";
  expect(
    stripQuoted(
      text,
      '<div>See below.</div><div class="gmail_quote">---------- Forwarded message</div><blockquote type="cite">Hi</blockquote>',
    ),
  ).toBe(text);
});

test.each(["<div>", "<blockquote type=cite>", "<div class='gmail_quote'>", "<", "<div ", "<div style='border-top:"])(
  "HTML of a megabyte of %j takes no time",
  async (piece) => {
    await expectSwift(
      () => stripQuoted("Hello", piece.repeat(1_000_000 / piece.length)),
      () => piece,
      1000,
    );
  },
);
