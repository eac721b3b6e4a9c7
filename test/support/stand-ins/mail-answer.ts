import type { StandInMessage } from "./stand-in.ts";

/** The headers of a person's answer to an email, made as mail programs do: https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4 */
export function answerHeaders(message: StandInMessage, id: string) {
  const { "message-id": answered = "", references = "", "in-reply-to": inReplyTo = "" } = message.headers;
  return {
    to: message.headers["reply-to"] ?? message.from,
    subject: /^re:/i.test(message.subject ?? "") ? (message.subject ?? "") : `Re: ${message.subject ?? ""}`,
    messageId: `<${id}@mail.example.org>`,
    inReplyTo: answered,
    references: [references || inReplyTo, answered].filter((each) => each !== "").join(" "),
  };
}
