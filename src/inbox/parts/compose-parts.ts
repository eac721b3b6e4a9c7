import type { ProviderMessage } from "../../model.ts";
import type { NewPart } from "../../store/messages/parts.ts";

/** The message that parts of one text make, under the id of the first of them; a notice stands in place of what is missing. */
export function composeParts(parts: Pick<NewPart, "number" | "total" | "content">[]): ProviderMessage {
  const sorted = parts.toSorted((a, b) => a.number - b.number);
  const messages = sorted.flatMap(({ content }) => content ?? []);
  const [first] = messages;
  if (!first) throw new Error("there are no parts to put together");
  const { part: _part, sentAt, ...rest } = first;
  return {
    ...rest,
    // In the database it is a text.
    sentAt: sentAt && new Date(sentAt),
    text: wordsOf(sorted).trim() || undefined,
    attachments: messages.flatMap(({ attachments }) => attachments),
  };
}

/** The message that a part makes whose others went without it. */
export function composeLatePart(part: Pick<NewPart, "number" | "total" | "content">): ProviderMessage {
  const message = composeParts([{ ...part, number: 1, total: 1 }]);
  const notice = `[Part ${part.number} of ${part.total}, which came late]`;
  return { ...message, text: [notice, message.text].filter(Boolean).join("\n") };
}

/** One after the other: a text is cut anywhere, amid a word. */
function wordsOf(sorted: Pick<NewPart, "number" | "total" | "content">[]): string {
  const total = sorted[0]?.total ?? 0;
  let words = "";
  let next = 1;
  for (const { number, content } of sorted) {
    words += `${noticeOf(next, number - 1, total)}${content?.text ?? ""}`;
    next = number + 1;
  }
  return words + noticeOf(next, total, total);
}

function noticeOf(from: number, to: number, total: number): string {
  if (from > to) return "";
  const which = from === to ? `Part ${from} of ${total} is` : `Parts ${from} to ${to} of ${total} are`;
  return `\n[${which} missing]\n`;
}
