import { AxiosError } from "axios";
import { Failure } from "../errors.ts";
import { reasonOf } from "./failure-reason.ts";
import { callLimits } from "./limits.ts";
import { parseAnswer, wordsOf } from "./parse-answer.ts";

/** The words of request-filtering-agent, which gives its error no code. */
export const notPublic = /^DNS lookup .* is not allowed/;
/** The words of axios for an answer that is too long, likewise. */
const tooLong = /^maxContentLength /;

/** Why no whole answer came. The outcome is unknown unless it is certain that nothing of the request left. */
export function networkFailure(
  error: unknown,
  { url, hasLeft, isLate }: { url: string; hasLeft: boolean; isLate: boolean },
): unknown {
  if (!(error instanceof AxiosError)) return error;
  // What broke a stream that was being sent.
  if (error.cause instanceof Failure) return error.cause;
  if (notPublic.test(error.message)) {
    return new Failure("misconfigured", `${shownHost(hostAndPort(url))} resolves to an address that is not public`);
  }
  const code = isLate ? "ETIMEDOUT" : (error.code ?? "unknown");
  if (hasLeft && tooLong.test(error.message)) {
    return new Failure("invalid_answer", `the answer is larger than ${callLimits.maxAnswerBytes / 1_000_000} MB`);
  }
  const words = hasLeft ? `the request left, but no whole answer came (${code})` : `no connection (${code})`;
  return new Failure(reasonOf("anybody", { hasLeft }), words, { cause: error });
}

/** An answer other than a success, in the other side's own words. */
export function refusal(
  { status, headers }: { status: number; headers: Record<string, string> },
  text: string,
): Failure {
  const answer = text.length > callLimits.maxRefusalLength ? undefined : parseAnswer(text);
  return new Failure(reasonOf("anybody", { status }), `HTTP ${status}${wordsOfAnswer(answer)}`, {
    status,
    retryAfterSeconds: retryAfterSeconds(headers["retry-after"]),
    answer,
    headers,
  });
}

/** The other side's own words and the id under which its support finds the call. Tolerant: edges answer HTML. */
function wordsOfAnswer(answer: unknown): string {
  if (typeof answer !== "object" || answer === null) return "";
  const { message, canonicalCode, traceId } = answer as Record<string, unknown>;
  const words = [...[message].flat(), canonicalCode, isWord(traceId) ? `traceId ${traceId}` : undefined].filter(isWord);
  return words.length > 0 ? `: ${wordsOf(words.join(" · "), callLimits.maxWordsLength)}` : "";
}

/** Of anything else there may be no text: JSON can name a `toString` of its own, or be too deep for one. */
const isWord = (value: unknown) => (typeof value === "string" && value !== "") || typeof value === "number";

/** The host and its port, of which a URL may leave out the usual one; empty for what is no URL. */
export function hostAndPort(url: string): string {
  if (!URL.canParse(url)) return "";
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || defaultPorts[protocol]}`;
}

const defaultPorts: Record<string, string> = {
  ...{ "http:": "80", "https:": "443" },
  ...{ "smtp:": "587", "smtps:": "465", "imap:": "143", "imaps:": "993" },
};

/** A host for a sentence: a URL's may be as long as the URL. */
export const shownHost = (host: string) => host.slice(0, callLimits.maxShownHostLength);

/** `Sun, 06 Nov 1994 08:49:37 GMT`, and what is close to it; not what a parser of dates makes of any number. */
const date = /^[a-z]{3,9},? \d{1,2}[ -][a-z]{3}[ -]\d{2,6} \d\d:\d\d:\d\d/i;

/**
 * Seconds, or an HTTP date that is yet to come; undefined for everything else. At most some hours, whatever it asks for.
 * https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterSeconds(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : secondsUntil(value);
  return seconds === undefined ? undefined : Math.min(seconds, callLimits.maxRetryAfterSeconds);
}

function secondsUntil(value: string): number | undefined {
  if (!date.test(value)) return undefined;
  const seconds = (Date.parse(value) - Date.now()) / 1000;
  return seconds >= 0 ? seconds : undefined;
}
