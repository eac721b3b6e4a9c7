import { decodeWords } from "./encoded-words.ts";
import { findHeader, type MailHeader } from "./header.ts";
import { type MimePart, readParts } from "./mime-parts.ts";
import { decodeTransfer } from "./transfer-encoding.ts";

/** What a mail server says became of an email: https://www.rfc-editor.org/rfc/rfc3464 */
export interface DeliveryStatus {
  /** The headers of the email that it is about, as far as they came back; where none did, the ids that the report answers. */
  original: MailHeader[];
  recipients: RecipientStatus[];
}

export interface RecipientStatus {
  /** As it was written to: where that was forwarded, not where it went. In the server's spelling. */
  address: string;
  /** In lower case: `failed`, `delayed`, `delivered`, `relayed` or `expanded`. */
  action: string;
  /** Such as `5.1.1`: https://www.rfc-editor.org/rfc/rfc3463 */
  status: string | undefined;
  /** The words of the server that refused. */
  diagnostic: string | undefined;
}

/** More than a server reports of one email. */
const maxRecipients = 1000;

/** Reads a report of delivery; undefined for any other mail, also for a bounce that is words for people alone. Pure. */
export function readDeliveryStatus(raw: Buffer): DeliveryStatus | undefined {
  const root = readParts(raw);
  const report = reportPart(root, /^message\/(?:global-)?delivery-status$/);
  const recipients = report === undefined ? [] : blocksOf(report).flatMap(readRecipient);
  return recipients.length === 0 ? undefined : { recipients, original: returnedHeaders(root) };
}

/** The part of a report that machines read, decoded; undefined for a mail that is none, or one of another kind. */
export function reportPart(root: MimePart, type: RegExp): Buffer | undefined {
  const part = root.type === "multipart/report" ? root.parts.find((each) => type.test(each.type)) : undefined;
  return part && contentOf(part);
}

/**
 * The headers of the email that a report is about, as far as they came back. Where its Message-ID did not, it is the one that
 * the report itself answers.
 */
export function returnedHeaders(root: MimePart): MailHeader[] {
  const returned = root.parts.find(({ type }) => returnedTypes.test(type));
  const answered = findHeader(root.headers, "in-reply-to") ?? findHeader(root.headers, "references");
  const headers = returned ? readParts(contentOf(returned)).headers : [];
  return answered === undefined ? headers : [...headers, { name: "Message-ID", value: answered }];
}

const returnedTypes = /^(?:message\/(?:rfc822|global|(?:rfc822|global)-headers)|text\/rfc822-headers)$/;

const contentOf = (part: MimePart) => decodeTransfer(part.body, findHeader(part.headers, "content-transfer-encoding"));

/** The fields of the report, then those of each recipient: groups of headers with blank lines between them. */
function blocksOf(report: Buffer): MailHeader[][] {
  const groups = report.toString("utf8").split(/(?:\r?\n[ \t]*){2,}/, maxRecipients + 1);
  return groups.map((group) => readParts(Buffer.from(`${group.trim()}\r\n\r\n`)).headers);
}

function readRecipient(fields: MailHeader[]): RecipientStatus[] {
  const find = (name: string) => findHeader(fields, name)?.trim();
  const address = addressIn(find("original-recipient")) ?? addressIn(find("final-recipient"));
  const action = find("action")?.toLowerCase();
  if (address === undefined || !action) return [];
  const diagnostic = decodeWords((find("diagnostic-code") ?? "").replace(/^[\w-]{1,40}\s*;\s*/, "")).trim();
  return [
    {
      address,
      action: /^[a-z]+/.exec(action)?.[0] ?? action,
      status: /\d\.\d{1,3}\.\d{1,3}/.exec(find("status") ?? "")?.[0],
      diagnostic: diagnostic || undefined,
    },
  ];
}

/** `rfc822; ann@example.org`, also with brackets. */
function addressIn(field: string | undefined): string | undefined {
  const [, given = ""] = /^(?:rfc822|utf-8)\s*;\s*(.{1,1000})$/is.exec(field ?? "") ?? [];
  const address = given.trim().replace(/^<|>$/g, "");
  return /^[^\s@]+@[^\s@]+$/.test(address) ? address : undefined;
}
