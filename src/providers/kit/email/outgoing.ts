import type { MailHeader } from "../../../formats/mail-headers.ts";
import { requireContent } from "../../../formats/outgoing-mail.ts";
import type { OutboundMessage } from "../../../model.ts";

/** Headers for an API that takes them by their names. */
export const byName = (headers: MailHeader[]): Record<string, string> =>
  Object.fromEntries(headers.map(({ name, value }) => [name, value]));

/** The files of an email for an API that takes them within JSON: their contents in base64. */
export const filesOf = ({ attachments }: OutboundMessage) =>
  attachments.map((file) => {
    const { name, contentType } = file;
    return { name, contentType, content: requireContent(file).toString("base64") };
  });
