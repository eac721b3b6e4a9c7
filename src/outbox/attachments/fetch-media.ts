import { buffer } from "node:stream/consumers";
import type { FetchedFile, FetchFile, FetchFileOptions } from "../../calls/fetch-file.ts";
import { parseAnswer } from "../../calls/parse-answer.ts";
import { Failure } from "../../errors.ts";
import type { Access } from "../../highlevel/call.ts";
import type { Media } from "../../providers/kit/adapter.ts";
import { placeOfMedia } from "../../providers/media-urls.ts";
import type { Mapping } from "../../registry/mappings.ts";
import type { Message } from "../../store/schema.ts";
import { refusals } from "./refuse-files.ts";

interface MediaContext {
  fetchMedia: FetchFile;
  attachmentLimitBytes: number;
}

interface MediaOwner {
  mapping: Pick<Mapping, "adapter" | "credentials">;
  message: Pick<Message, "receivedAt">;
  access: Pick<Access, "signal">;
}

/** A file that only credentials open, or why HighLevel cannot have it. Throws a Failure for what a retry may change. */
export async function fetchMedia(
  context: MediaContext,
  { mapping, access, message }: MediaOwner,
  url: string,
): Promise<FetchedFile | { refusal: string }> {
  const [credentials] = mapping.credentials;
  const { media } = mapping.adapter;
  if (!media || credentials === undefined) return { refusal: refusals.noCredentials };
  try {
    // Asked first: credentials that open no files are misconfigured.
    const opening = { headers: media.headers(credentials), grant: media.grant?.(credentials) };
    const place = placeOfMedia(media, credentials, url);
    if (!place) return { refusal: refusals.noMedia };
    const signal = access.signal ?? new AbortController().signal;
    const allowedHosts = [...place.hosts, ...(media.redirectHosts ?? [])];
    const options = { ...opening, allowedHosts, signal };
    const found = media.located && (await locate(context, media.located, place.url, options));
    return await context.fetchMedia(found?.url ?? place.url, {
      ...{ ...opening, signal, allowedHosts: found?.from ?? allowedHosts },
      limitBytes: context.attachmentLimitBytes,
    });
  } catch (error) {
    return { refusal: refusalOfFetch(error, isNew(message)) };
  }
}

/** The answer that says where a file is holds little besides. */
const maxLocationBytes = 100_000;

/** Asks the provider where a file is, by the id that its webhook gave. */
async function locate(
  { fetchMedia }: MediaContext,
  { at, hosts }: NonNullable<Media<unknown>["located"]>,
  url: string,
  options: Omit<FetchFileOptions, "limitBytes">,
): Promise<{ url: string; from: readonly string[] }> {
  const { stream } = await fetchMedia(url, { ...options, limitBytes: maxLocationBytes });
  const found = at(parseAnswer((await buffer(stream)).toString("utf8")));
  if (found === undefined) throw new Failure("rejected", "the provider does not say where the file is");
  return { url: found, from: hosts };
}

/** For so long a 404 may only say that a file is not there yet: providers tell of a message before they have its files. */
const lateMs = 3 * 60_000;

export const isNew = ({ receivedAt }: Pick<Message, "receivedAt">) => Date.now() - receivedAt.getTime() < lateMs;

/** Throws an error when another try may change it. */
function refusalOfFetch(error: unknown, isOfNew: boolean): string {
  if (!(error instanceof Failure)) throw error;
  if (error.status === 404 && isOfNew) {
    throw new Failure("not_visible", `the file may not be there yet: ${error.message}`, { status: error.status });
  }
  if (error.code === "too_large") return refusals.tooLarge;
  if (error.reason === "misconfigured") return refusals.misconfigured;
  if (error.reason !== "rejected") throw error;
  return error.status === 404 || error.status === 410 ? refusals.gone : refusals.notGiven;
}
