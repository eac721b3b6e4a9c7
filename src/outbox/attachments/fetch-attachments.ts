import { buffer } from "node:stream/consumers";
import type { FetchedFile, FetchFile } from "../../calls/fetch-file.ts";
import { Failure } from "../../errors.ts";
import { contentTypeOf, extensionOf, nameFile } from "../../formats/file-names.ts";
import { properUrl } from "../../messages/proper-url.ts";
import type { Channel, OutboundAttachment } from "../../model.ts";

export interface FetchAttachmentsContext {
  fetchPublic: FetchFile;
  /** How much an email may carry in files. */
  emailAttachmentsLimitBytes: number;
  /** Ends the fetching. */
  signal: AbortSignal;
}

export interface FetchedAttachments {
  attachments: OutboundAttachment[];
  /** Files that are not to be had, or would be too much for one email: they can only go as links. */
  unfetched: string[];
}

/**
 * The files of a message that is to reach a person. A text's go as their URLs, for the provider to fetch. An email's are
 * fetched at once, from public addresses alone: HighLevel's links may need a login an hour later. Throws a Failure:
 * `unreachable` when fetching again may work, `misconfigured` when an address is not public.
 */
export async function fetchAttachments(
  context: FetchAttachmentsContext,
  urls: readonly string[],
  channel: Channel,
): Promise<FetchedAttachments> {
  const attachments: OutboundAttachment[] = [];
  const unfetched: string[] = [];
  let leftBytes = context.emailAttachmentsLimitBytes;
  for (const [index, url] of urls.map(properUrl).entries()) {
    const taken = new Set(attachments.map(({ name }) => name));
    if (channel === "sms") {
      attachments.push(describe(url, undefined, { index, taken }));
      continue;
    }
    const file = await fetchWhole(context, url, leftBytes);
    if (file) attachments.push({ ...describe(url, file, { index, taken }), content: file.content });
    else unfetched.push(url);
    leftBytes -= file?.content.length ?? 0;
  }
  return { attachments, unfetched };
}

type WholeFile = Pick<FetchedFile, "name" | "contentType"> & { content: Buffer };

/** Undefined when the file is not to be had, or larger than the limit. */
async function fetchWhole(
  { fetchPublic, signal }: FetchAttachmentsContext,
  url: string,
  limitBytes: number,
): Promise<WholeFile | undefined> {
  try {
    const { stream, name, contentType } = await fetchPublic(url, { limitBytes, signal });
    if (isPageInstead(url, contentType)) {
      stream.destroy();
      return undefined;
    }
    return { name, contentType, content: await buffer(stream) };
  } catch (error) {
    if (error instanceof Failure && error.reason === "rejected") return undefined;
    throw error;
  }
}

/** A page for signing in comes as a success, too. */
function isPageInstead(url: string, contentType: string | undefined): boolean {
  return contentType === "text/html" && !["html", "htm", ""].includes(extensionOf(nameInUrl(url)));
}

function describe(
  url: string,
  file: WholeFile | undefined,
  place: { index: number; taken: ReadonlySet<string> },
): OutboundAttachment {
  const told = file?.contentType === "application/octet-stream" ? undefined : file?.contentType;
  const name = nameFile({ name: file?.name ?? nameInUrl(url), contentType: told, ...place }, () => true);
  return { url, name, contentType: told ?? contentTypeOf(name) };
}

function nameInUrl(url: string): string {
  const last = URL.canParse(url) ? (new URL(url).pathname.split("/").at(-1) ?? "") : "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
