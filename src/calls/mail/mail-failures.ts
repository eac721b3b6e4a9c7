import { Failure } from "../../errors.ts";
import { reasonOf } from "../failure-reason.ts";
import { notPublic, shownHost } from "../failures.ts";
import { callLimits } from "../limits.ts";
import { wordsOf } from "../parse-answer.ts";
import type { MailServer } from "./mail-server.ts";

/**
 * What a server of mail refused, as an HTTP API would say it: what follows from a failure is decided by its status, and the
 * answer holds the server's own code and words.
 */
export function mailRefusal(status: number, code: string, words: string): Failure {
  const message = wordsOf(words, callLimits.maxWordsLength);
  const answer = { code, message };
  return new Failure(reasonOf("provider", { status }), `${code} ${message}`, { status, code, answer });
}

/** No connection, or one that broke. `hasLeft`: the mail may have been taken. */
export function mailBroke(error: unknown, { host, port }: MailServer, hasLeft: boolean): Failure {
  const { message, code }: NodeJS.ErrnoException = error instanceof Error ? error : new Error("unknown");
  const at = `${shownHost(host)}:${port}`;
  if (notPublic.test(message)) {
    return new Failure("misconfigured", `${shownHost(host)} resolves to an address that is not public`);
  }
  const why = wordsOf(
    code === undefined || message.includes(code) ? message : `${message} (${code})`,
    callLimits.maxWordsLength,
  );
  const words = hasLeft
    ? `the mail left, but ${at} did not say that it took it: ${why}`
    : `${at} does not answer as it should: ${why}`;
  return new Failure(reasonOf("anybody", { hasLeft }), words, { cause: error });
}
