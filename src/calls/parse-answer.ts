/**
 * The JSON of an answer, else its text. Without what a database refuses to keep: zero characters, and halves of
 * characters, which another side can only write as escapes of JSON. Takes its time by the length, whatever the depth.
 */
export function parseAnswer(text: string): unknown {
  const whole = text.toWellFormed();
  try {
    return JSON.parse(unstorable.test(whole) ? whole.replace(escapes, storableEscape) : whole);
  } catch {
    return whole.replaceAll("\0", "");
  }
}

const unstorable = /\\u0000|\\u[dD][89a-fA-F]/;

/** A pair of halves is one escape here, and so is an escaped backslash, after which a `u` is just a letter. */
const escapes = /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)/g;

function storableEscape(text: string): string {
  if (text === "\\u0000") return "";
  return /^\\u[dD][89a-fA-F]..$/.test(text) ? "\ufffd" : text;
}

/** Another side's words for a sentence of ours: one line, no longer than so many characters. */
export function wordsOf(text: string, maxLength: number): string {
  // Cut first: what follows takes its time by the length.
  return text
    .slice(0, maxLength)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .trim()
    .toWellFormed();
}
