import { ParseError } from "../../../errors.ts";
import { joinWords } from "../../../formats/email/mail-words.ts";
import type { Attachment, ProviderEvent, ProviderMessage, WebhookRequest } from "../../../model.ts";

/**
 * The bytes of the whole, of a webhook of which only the beginning is kept, or of the mail that was fetched for it; undefined for
 * any other.
 */
export function wholeBytesOf({ headers, body, fetchedFrom }: WebhookRequest): number | undefined {
  const bytes = Number(headers[fetchedFrom == null ? "content-length" : fetchedBytesHeader]);
  return bytes > body.length - (fetchedFrom ?? 0) ? bytes : undefined;
}

const fetchedBytesHeader = "x-fetched-bytes";

/** A webhook's headers, from which `wholeBytesOf` knows whether the mail that was fetched for it was cut. */
export function withFetchedBytes({ headers }: Pick<WebhookRequest, "headers">, kept: Buffer, wholeBytes: number) {
  const { [fetchedBytesHeader]: _, ...others } = headers;
  return wholeBytes > kept.length ? { ...others, [fetchedBytesHeader]: String(wholeBytes) } : others;
}

/** Fetched mail stays where it is. */
export const mailboxUidHeader = "x-mailbox-uid";

/** Why the mail of this number is not there: its mailbox's server does not give it as it should. */
export const unreadMailHeader = "x-mailbox-unread";

type Contents = readonly (Buffer | undefined)[];

/**
 * What a webhook says. Of one of which only the beginning is kept, it is said that this is so: what is missing is missing at
 * the end. It is the last mail's, whose last file is not whole, and whose others that have no content were to follow.
 */
export async function readCut(
  request: WebhookRequest,
  read: () => Promise<ProviderEvent[]>,
  openFiles: (messageId: string) => Promise<Contents> | undefined,
): Promise<ProviderEvent[]> {
  const unread = request.headers[unreadMailHeader];
  if (unread !== undefined) throw new ParseError(`it was passed over, and is in the mailbox: ${unread}`);
  if (wholeBytesOf(request) === undefined) return read();
  const events = await read().catch((error: unknown) => {
    if (!(error instanceof ParseError)) throw error;
    throw new ParseError(`it is too large (${megabytesOf(request)} MB), and its end was cut off: ${error.message}`);
  });
  const at = events.findLastIndex(({ kind }) => kind === "message");
  const last = events[at];
  if (last?.kind !== "message") return events;
  const contents = (await openFiles(last.providerMessageId)) ?? [];
  return events.with(at, { ...last, ...withNotice(request, last), attachments: withoutCut(last, contents) });
}

const megabytesOf = (request: WebhookRequest) => Math.ceil((wholeBytesOf(request) ?? 0) / 1_000_000);

function withNotice(request: WebhookRequest, { text, html }: ProviderMessage): Pick<ProviderMessage, "text" | "html"> {
  const rest = request.headers[mailboxUidHeader] === undefined ? restElsewhere(request) : "it is whole in the mailbox";
  const notice = `[This email is too large to be shown whole (${megabytesOf(request)} MB). Its end was cut off: ${rest}.]`;
  return joinWords([{ text: notice }, { text, html }]);
}

const restElsewhere = ({ fetchedFrom }: WebhookRequest) =>
  fetchedFrom == null
    ? "ask for what is missing in another way"
    : "the provider has it whole, for as long as it keeps mails";

function withoutCut({ attachments }: ProviderMessage, contents: Contents): Attachment[] {
  const last = contents.findLastIndex((content) => content !== undefined);
  return attachments.map((file, index) => {
    const { sizeBytes: _, ...named } = file;
    const isWhole = file.url !== undefined || (contents[index] !== undefined && index !== last);
    return isWhole ? file : { ...named, refusal: "cut off, as the email is too large" };
  });
}
