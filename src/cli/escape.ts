/**
 * What people write comes out here on a terminal that would obey it: control characters, among them those that begin escape
 * sequences, and characters that turn the direction of what follows or cannot be seen.
 */
const unsafe = /[\p{Cc}\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]|\p{Cs}/gu;
const short: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** One line of text with nothing in it that a terminal obeys. */
export const escapeText = (text: string): string => text.replace(unsafe, (sign) => short[sign] ?? asUnicode(sign));

/** The same JSON, escaped as JSON is. */
export const toSafeJson = (value: unknown, indent = 2): string =>
  JSON.stringify(value, null, indent).replace(unsafe, (sign) => (sign === "\n" ? sign : asUnicode(sign)));

const asUnicode = (sign: string) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Of two columns: East Asian signs and emoji. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** How many columns it takes. */
export const widthOf = (text: string): number =>
  [...text].reduce((sum, sign) => sum + (/\p{M}/u.test(sign) ? 0 : 1 + Number(wide.test(sign))), 0);

/** What of it fits, with a sign that more follows. */
export function shorten(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = "";
  for (const sign of text) {
    if (widthOf(kept + sign) >= columns) break;
    kept += sign;
  }
  return `${kept}…`;
}
