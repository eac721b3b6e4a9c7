/** PostgreSQL's five-character code of what went wrong, if it was PostgreSQL that said so. */
export function sqlStateOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string" && /^[0-9A-Z]{5}$/.test(cause.code)) return cause.code;
  }
  return undefined;
}

/**
 * Is it a value that PostgreSQL refuses, as opposed to trouble with PostgreSQL itself? Classes 22 (data), 23 (keys and
 * checks) and 54 (too large for an index): https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function isAboutData(error: unknown): boolean {
  return /^(22|23|54)/.test(sqlStateOf(error) ?? "");
}

/** What node-postgres and Node's sockets say of a connection that is not there or not there any more. */
const awayWords =
  /ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|onnection terminated|not queryable|stream was destroyed|timeout/;

/** Is it the database that is away, rather than the statement that is wrong? */
export function isUnavailable(error: unknown): boolean {
  if (/^(08|53|57)/.test(sqlStateOf(error) ?? "")) return true;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (awayWords.test(cause.message)) return true;
  }
  return false;
}

/** PostgreSQL ended a statement that took longer than its connection allows. */
export const isTimeout = (error: unknown): boolean => sqlStateOf(error) === "57014";

const repeatable = new Set(["40001", "40P01", "23505"]);

/** Repeats a transaction that lost against a concurrent one: a deadlock, or a key that two inserted at once. */
export async function repeatOnConflict<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === 5 || !repeatable.has(sqlStateOf(error) ?? "")) throw error;
    }
  }
}
