/** PostgreSQL's five-character code of what went wrong, if it was PostgreSQL that said so. */
export function sqlStateOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string" && stateShape.test(cause.code)) return cause.code;
  }
  return undefined;
}

/** Not so `EPIPE`, which is Node's. */
const stateShape = /^(?=.*\d)[0-9A-Z]{5}$/;

/** What ails PostgreSQL, in a word. */
export type DatabaseTrouble = keyof typeof databaseTroubles;

/** The same in words, with what to do. */
export const databaseTroubles = {
  full: "its disk is full, or a quota of it: make room there, and it goes on by itself",
  out_of_memory: "it has no memory left: look at what runs there",
  too_many_connections:
    "it takes no more connections: DATABASE_POOL_SIZE and 4 more of each process must fit in its max_connections",
  login_refused: "it refuses the user or the password: correct them in DATABASE_URL",
  no_such_database: "it has no database of this name: create it, or correct DATABASE_URL",
  read_only: "it takes no writes: it is a standby, or set to read only. Let DATABASE_URL name the primary",
  starting: "it is starting, or shutting down: wait, or look at its log",
  slow: "it needs too long for an answer: look at what runs there, and at its disk",
  unreachable: "it cannot be reached: see whether it runs, and whether the host and port in DATABASE_URL are right",
};

/** By their beginnings: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const troublesByState: [state: RegExp, trouble: DatabaseTrouble][] = [
  [/^53[14]/, "full"],
  [/^532/, "out_of_memory"],
  [/^533/, "too_many_connections"],
  [/^28/, "login_refused"],
  [/^3D/, "no_such_database"],
  [/^25006/, "read_only"],
  [/^57P/, "starting"],
  [/^(57014|25P0)/, "slow"],
];

export function troubleOf(error: unknown): DatabaseTrouble {
  return troubleOfState(sqlStateOf(error)) ?? "unreachable";
}

/** Undefined for what says nothing of PostgreSQL itself. */
export function troubleOfState(state = ""): DatabaseTrouble | undefined {
  return troublesByState.find(([states]) => states.test(state))?.[1];
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

/**
 * What PostgreSQL says of itself: connections (08), a standby that takes no writes (25006), who may connect to what (28, 3D),
 * conflicts (40, 55), resources (53), being stopped (57), its disk (58). Not so what a statement of ours did wrong: too many
 * parameters (08P01), too long (57014).
 */
const awayStates = /^(08(?!P01)|25006|28|3D|40|53|55|57(?!014)|58)/;

/** Is it the database that is away, rather than the statement that is wrong? */
export function isUnavailable(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined) return awayStates.test(state);
  // The innermost alone: around it stands the statement with what people wrote.
  let innermost = error;
  while (innermost instanceof Error && innermost.cause !== undefined) innermost = innermost.cause;
  return (
    innermost instanceof Error && awayWords.test(`${"code" in innermost ? innermost.code : ""} ${innermost.message}`)
  );
}

/** No rights, or no such table or column: whatever a statement is about, it fails. */
const schemaStates = new Set(["42501", "42P01", "42703"]);

/** Does it say nothing of what was to be stored, because everything else would have failed as well? */
export const isAboutDatabase = (error: unknown): boolean =>
  isUnavailable(error) || schemaStates.has(sqlStateOf(error) ?? "");

/** PostgreSQL ended a statement that took longer than its connection allows. */
export const isTimeout = (error: unknown): boolean => sqlStateOf(error) === "57014";

/** PostgreSQL ended the connection because its transaction waited for us for too long. */
export const isOverrun = (error: unknown): boolean => sqlStateOf(error) === "25P03";

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
