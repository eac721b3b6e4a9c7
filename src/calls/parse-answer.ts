/**
 * The JSON of an answer, else its text. Without what a database refuses to keep: zero characters, and halves of
 * characters, which another side can only write as escapes of JSON.
 */
export function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(
      text,
      unstorable.test(text) ? (_key, value) => (typeof value === "string" ? storable(value) : value) : undefined,
    );
  } catch {
    return storable(text);
  }
}

const unstorable = /\0|\\u0000|\\u[dD][89a-fA-F]/;

function storable(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
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
