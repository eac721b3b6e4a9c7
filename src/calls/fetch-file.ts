import { finished, pipeline, type Readable, Transform } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createBrotliDecompress, createUnzip } from "node:zlib";
import { createRoom } from "../concurrency/room.ts";
import { Failure } from "../errors.ts";
import type { OpenUrl, TokenGrant } from "./call-api.ts";
import { retryAfterSeconds, shownHost } from "./failures.ts";
import { callLimits, fileLimits } from "./limits.ts";
import { wordsOf } from "./parse-answer.ts";

export interface FetchFileOptions {
  /** Credentials: they go to the origin of the URL, and to no other one that it redirects to. */
  headers?: Record<string, string>;
  /** What an access token is fetched by that goes along with them: see `fetchWithTokens`. */
  grant?: TokenGrant | undefined;
  /**
   * The only places to fetch from, by https: `api.example.com`, or `.example.com` for every host that ends so. With a path,
   * as in `api.example.com/messages/:id/files/:id`, no other path; a step with a colon is any one. `http://waha:3000` is that
   * origin, also without encryption. Without the list, any place that the door out lets through.
   */
  allowedHosts?: readonly string[];
  limitBytes: number;
  /** Of a larger file so much is given as the limit allows, instead of a refusal. */
  isCutAtLimit?: boolean;
  /** Ends the fetching, also of a stream that was given back. */
  signal: AbortSignal;
}

export interface FetchedFile {
  /** To be read, or destroyed: until then it holds a connection. Its error is a Failure as well. */
  stream: Readable;
  /** Without parameters, in lower case. */
  contentType: string | undefined;
  sizeBytes: number | undefined;
  /** What the answer calls the file. */
  name: string | undefined;
}

/**
 * Fetches a file as a stream, over a few redirects, each of which is checked as the first URL is. Throws a Failure:
 * - `unreachable`: the other side is away, overloaded or broke off, or the signal fired; fetching again may work
 * - `misconfigured`: the address is not public, the host not allowed, or the credentials do not open the file
 * - `rejected`: the file is not to be had; `status` says how it was refused, `code` is `too_large` when it is
 */
export type FetchFile = (url: string, options: FetchFileOptions) => Promise<FetchedFile>;

const { maxRedirects, maxHeaderLength } = fileLimits;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

export function createFetchFile(open: OpenUrl): FetchFile {
  return async (firstUrl, options) => {
    let url = requireUrl(firstUrl, undefined, options);
    const { origin } = url;
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const headers = { ...(url.origin === origin ? options.headers : {}), "Accept-Encoding": "identity" };
      const answer = await open({ url: url.href, headers, signal: options.signal }).catch((error: unknown) => {
        throw asFetchFailure(error, url);
      });
      const { location } = answer.headers;
      if (!redirectStatuses.has(answer.status) || location === undefined) return toFile(answer, url, options);
      answer.body.destroy();
      url = requireUrl(location, url, options);
    }
    throw new Failure("rejected", `${shownHost(url.host)} redirects more than ${maxRedirects} times`);
  };
}

/**
 * Fetches a file, and has it in memory for as long as `use` works with it. What `isCutAtLimit` cut was of `wholeBytes`, or of more
 * where its server does not tell. Throws as `FetchFile` does.
 */
export type FetchWhole = <Result>(
  url: string,
  options: FetchFileOptions,
  use: (content: Buffer, wholeBytes: number) => Promise<Result>,
) => Promise<Result>;

/** Of all files together there are never more bytes in memory than the limits say; others wait, and are not read meanwhile. */
export function createFetchWhole(fetchFile: FetchFile): FetchWhole {
  const room = createRoom(fileLimits.maxWholeBytes);
  return async (url, options, use) => {
    const { limitBytes } = options;
    const { stream, sizeBytes = 0 } = await fetchFile(url, options);
    const read = async () => {
      // One byte more than is kept tells that there is more.
      const content = await buffer(stream);
      const kept = content.length > limitBytes ? content.subarray(0, limitBytes) : content;
      return use(kept, Math.max(content.length, sizeBytes));
    };
    // Nobody knows how much comes where its server does not tell.
    return room.run(Math.min(sizeBytes || limitBytes, limitBytes), read).finally(() => stream.destroy());
  };
}

function requireUrl(text: string, base: URL | undefined, { allowedHosts }: FetchFileOptions): URL {
  if (!URL.canParse(text, base?.href)) throw new Failure("rejected", "the file's address is not a URL");
  const url = new URL(text, base?.href);
  if (allowedHosts?.includes(url.origin)) return url;
  if (allowedHosts ? url.protocol !== "https:" : !/^https?:$/.test(url.protocol)) {
    throw new Failure("misconfigured", `${shownHost(url.host)} is not to be fetched from by ${url.protocol}`);
  }
  if (allowedHosts && !isAllowedUrl(url, allowedHosts)) {
    throw new Failure(
      "misconfigured",
      `${shownHost(url.host)} is not among the hosts that this provider's files come from`,
    );
  }
  return url;
}

/** Is the host in the list, or, for entries that begin with a dot, does it end so? Whatever the entries say of paths. */
export function isAllowedHost(host: string, allowedHosts: readonly string[]): boolean {
  return allowedHosts.some((allowed) => isHostOf(allowed.split("/")[0] ?? "", host));
}

const isHostOf = (allowed: string, host: string) =>
  allowed.startsWith(".") ? host.endsWith(allowed) : host === allowed;

function isAllowedUrl({ host, pathname }: URL, allowedHosts: readonly string[]): boolean {
  const steps = pathname.split("/").slice(1);
  return allowedHosts.some((each) => {
    const [allowed = "", ...wanted] = each.split("/");
    if (!isHostOf(allowed, host)) return false;
    return wanted.length === 0 || (wanted.length === steps.length && wanted.every((step, i) => isStep(step, steps[i])));
  });
}

/** An encoded slash would be another path to a server that decodes it. */
const isStep = (wanted: string, step = "") =>
  wanted.startsWith(":") ? step !== "" && !/%2f|%5c/i.test(step) : step === wanted;

function toFile(answer: Awaited<ReturnType<OpenUrl>>, url: URL, options: FetchFileOptions): FetchedFile {
  const { headers, body } = answer;
  const length = headers["content-length"];
  const sizeBytes = length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
  const isTooLarge = (sizeBytes ?? 0) > options.limitBytes && !options.isCutAtLimit;
  const failure = refusalOf(answer, url, options) ?? (isTooLarge && tooLarge(options));
  if (failure) {
    body.destroy();
    throw failure;
  }
  const decode = decoders.get(headers["content-encoding"]?.trim().toLowerCase() ?? "");
  return {
    stream: limitStream(decode ? decode(body) : body, url, options),
    contentType: bounded(headers["content-type"])?.split(";")[0]?.trim().toLowerCase() || undefined,
    // Encoded, the length is not the file's.
    sizeBytes: decode ? undefined : sizeBytes,
    name: nameIn(bounded(headers["content-disposition"])),
  };
}

const unzip = (body: Readable): Readable => pipeline(body, createUnzip(), () => {});

/**
 * For servers that encode although the file is asked for as it is. What another word stands for is taken as it comes:
 * storages say `utf-8` and `aws-chunked` of files that are not encoded at all.
 */
const decoders = new Map<string, (body: Readable) => Readable>([
  ["gzip", unzip],
  ["x-gzip", unzip],
  ["deflate", unzip],
  ["br", (body) => pipeline(body, createBrotliDecompress(), () => {})],
]);

const bounded = (header: string | undefined) => ((header?.length ?? 0) > maxHeaderLength ? undefined : header);

function refusalOf(
  { status, headers }: Awaited<ReturnType<OpenUrl>>,
  url: URL,
  options: FetchFileOptions,
): Failure | undefined {
  if (status >= 200 && status < 300) return undefined;
  const words = `${shownHost(url.host)} answered HTTP ${status} instead of the file`;
  const retryAfter = { retryAfterSeconds: retryAfterSeconds(headers["retry-after"]) };
  if (status >= 500 || passingStatuses.has(status)) return new Failure("unreachable", words, { status, ...retryAfter });
  const needsOtherCredentials = status === 401 && options.headers !== undefined;
  return new Failure(needsOtherCredentials ? "misconfigured" : "rejected", words, { status });
}

const passingStatuses = new Set([408, 425, 429]);

const tooLarge = ({ limitBytes }: FetchFileOptions) =>
  new Failure("rejected", `the file is larger than ${limitBytes / 1000} kB`, { code: "too_large" });

/** Hands on what comes, until it is more than the limit, or breaks off. Of what is cut one byte more tells that it was. */
function limitStream(body: Readable, url: URL, options: FetchFileOptions): Readable {
  let left = options.limitBytes;
  let isCut = false;
  const limited = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      if (left >= 0) return done(null, chunk);
      if (!options.isCutAtLimit) return done(tooLarge(options));
      isCut = true;
      body.unpipe(limited).destroy();
      limited.end();
      done(null, chunk.subarray(0, chunk.length + left + 1));
    },
    destroy(error, done) {
      body.destroy();
      done(error);
    },
  });
  // An error that comes before somebody reads must not end the process; whoever reads meets it all the same.
  limited.on("error", () => {});
  // A Failure from the beginning: from Node 24 on readers meet what a stream was destroyed with, not what it made of that.
  const end = (error: unknown) => limited.destroy(asFetchFailure(error, url));
  finished(body, (error) => {
    if (error && !isCut) end(error);
  });
  const { signal } = options;
  const abort = () => end(signal.reason);
  signal.addEventListener("abort", abort);
  limited.once("close", () => signal.removeEventListener("abort", abort));
  if (signal.aborted) abort();
  return body.pipe(limited);
}

function asFetchFailure(error: unknown, url: URL): Failure {
  if (error instanceof Failure && (error.reason === "misconfigured" || error.reason === "rejected")) return error;
  const words = wordsOf(error instanceof Error ? error.message : String(error), callLimits.maxWordsLength);
  return new Failure("unreachable", `${shownHost(url.host)} did not give the file: ${words}`, { cause: error });
}

/** The name in a Content-Disposition: https://www.rfc-editor.org/rfc/rfc6266 */
function nameIn(disposition: string | undefined): string | undefined {
  if (disposition === undefined) return undefined;
  const encoded = /filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition)?.[1];
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition);
  try {
    if (encoded !== undefined) return decodeURIComponent(encoded) || undefined;
  } catch {
    // Not encoded as it says: the plain one is there for that.
  }
  return (plain?.[1]?.replace(/\\(.)/g, "$1") ?? plain?.[2]) || undefined;
}
