import type { Failure } from "../../errors.ts";
import { mailBroke, mailRefusal } from "./mail-failures.ts";
import type { MailServer } from "./mail-server.ts";

/** What nodemailer tells of a failure. */
export interface SmtpError extends Error {
  code?: string;
  /** The command that failed, such as `RCPT TO`. */
  command?: string;
  /** The server's reply, whole, and its code. */
  response?: string;
  responseCode?: number;
  /** Of one who was refused. */
  recipient?: string;
  /** Where all were. */
  rejectedErrors?: SmtpError[];
}

/** A server that answers has not taken the mail, whenever it does; one that breaks off may have. */
export function smtpFailure(error: SmtpError, server: MailServer, hasLeft: boolean): Failure {
  // All were refused: what is said of the person counts.
  const { code, responseCode } = error.rejectedErrors?.[0] ?? error;
  if (code === "EAUTH" && responseCode === undefined) return mailRefusal(401, "EAUTH", error.message);
  if (responseCode === undefined || code === "ETLS") return mailBroke(error, server, hasLeft);
  return refusalOf(error.rejectedErrors?.[0] ?? error);
}

/** https://www.rfc-editor.org/rfc/rfc5321#section-4.2 and https://www.rfc-editor.org/rfc/rfc3463 */
export function refusalOf(error: SmtpError): Failure {
  const { response = error.message, responseCode = 0 } = error;
  const [, enhanced = ""] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response) ?? [];
  const words = response
    .replace(/^\d{3}[ -](?:\d\.\d{1,3}\.\d{1,3}\s*)?/, "")
    .replace(/\n\d{3}[ -](?:\d\.\d{1,3}\.\d{1,3}\s*)?/g, " ");
  return mailRefusal(statusOf(error, enhanced), `${responseCode} ${enhanced}`.trim(), words);
}

function statusOf({ code, command = "", responseCode = 0 }: SmtpError, enhanced: string): number {
  if (responseCode < 500) return /^4\.(?:7|3\.2|2\.[01])/.test(enhanced) && code !== "EAUTH" ? 429 : 503;
  if (code === "EAUTH" || authenticationCodes.has(responseCode)) return 401;
  if (responseCode === 552 || enhanced === "5.3.4") return 413;
  return command === "MAIL FROM" ? 403 : 422;
}

/** https://www.rfc-editor.org/rfc/rfc4954#section-6 */
const authenticationCodes = new Set([530, 534, 535, 538]);
