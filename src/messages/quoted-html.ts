import { convert } from "html-to-text";

const maxHtml = 500_000;
/** The converter takes a time that grows with the square of the depth of tags, which may be their number. */
const maxTags = 10_000;

/** What mail programs put around what they quote: it is left out, and what stands between two of them stays. */
const quotes = [
  ...[
    "blockquote[type=cite]",
    "blockquote.gmail_quote",
    "div.gmail_attr",
    "div.yahoo_quoted",
    "blockquote.protonmail_quote",
  ],
  ...[
    "div.moz-cite-prefix",
    "blockquote.tutanota_quote",
    "blockquote#zmail_reply",
    "div.zmail_extra",
    "blockquote.quote",
  ],
  ...[
    "div.moz-email-headers-table",
    "p#reply-intro",
    "div#reply-intro",
    "div.x_gmail_attr",
    "blockquote.x_gmail_quote",
  ],
  ...["div[name=quote]", "blockquote#isReplyContent", "includetail", "div.front-blockquote", "blockquote.hey_quote"],
];
const quoteShape =
  /<(?:blockquote|div|p)\b[^<>]{0,500}?(?:type\s*=\s*["']?cite|gmail_attr|yahoo_quoted|protonmail_quote|moz-cite-prefix|tutanota_quote|zmail_extra|zmail_reply|reply-intro|isReplyContent|front-blockquote|hey_quote|name\s*=\s*["']?quote\b|(?:class\s*=\s*["']?(?:[^"'<>]{0,100}\s)?(?:x_)?gmail_quote\b[^<>]{0,300}?blockquote))/i;
const gmailShape = /<blockquote\b[^<>]{0,300}?gmail_quote|<includetail\b/i;

/** What Outlook puts before what it quotes: everything below is the quote. */
const restShape =
  /<(?:div|hr|span)\b[^<>]{0,300}?\bid\s*=\s*["']?(?:x_)?(?:divRplyFwdMsg|appendonsend|mail-editor-reference-message-container|ms-outlook-mobile-body-separator-line)\b|<div\b[^<>]{0,100}style\s*=\s*["'][^"'<>]{0,200}?border-top:\s?solid #(?:E1E1E1|B5C4DF) 1\.0pt/i;

/** What a person wrote in an HTML that marks what it quotes; undefined where it marks nothing, or holds nothing else. */
export function ownWordsOfHtml(html: string): string | undefined {
  if (html.length > maxHtml || html.split("<", maxTags).length === maxTags) return undefined;
  const rest = restShape.exec(html)?.index;
  if (rest === undefined && !quoteShape.test(html) && !gmailShape.test(html)) return undefined;
  const own = convert(html.slice(0, rest), {
    wordwrap: false,
    limits: { maxDepth: 100 },
    selectors: [
      ...quotes.map((selector) => ({ selector, format: "skip" })),
      { selector: "img", format: "skip" },
      { selector: "a", options: { hideLinkHrefIfSameAsText: true } },
    ],
  });
  const words = own.replace(/\n{3,}/g, "\n\n").trim();
  // The rule that some draw between the words and the quote.
  const ruled = rest === undefined ? words : words.replace(/\n-{20,100}$/, "").trim();
  return ruled === "" ? undefined : ruled;
}
