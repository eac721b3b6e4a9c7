import { reportPart, returnedHeaders } from "./delivery-status.ts";
import { findHeader, type MailHeader } from "./header.ts";
import { readParts } from "./mime-parts.ts";

/** What a mail provider hands on of what its user said of an email: https://www.rfc-editor.org/rfc/rfc5965 */
export interface FeedbackReport {
  /** In lower case, such as `abuse`: https://www.iana.org/assignments/marf-parameters */
  type: string;
  /** The headers of the email that it is about, as far as they came back. */
  original: MailHeader[];
  /** Whom it was delivered to, in the provider's spelling; some leave that out. */
  recipients: string[];
}

const maxRecipients = 100;

/** Reads a complaint that comes as mail; undefined for any other mail. Pure. */
export function readFeedbackReport(raw: Buffer): FeedbackReport | undefined {
  const root = readParts(raw);
  const report = reportPart(root, /^message\/feedback-report$/);
  const fields = report && readParts(Buffer.concat([report, Buffer.from("\r\n\r\n")])).headers;
  const type = findHeader(fields ?? [], "feedback-type")
    ?.trim()
    .toLowerCase();
  if (!fields || !type) return undefined;
  const recipients = fields.filter(({ name }) => /^original-rcpt-to$/i.test(name)).map(({ value }) => value);
  return { type, original: returnedHeaders(root), recipients: recipients.slice(0, maxRecipients) };
}
