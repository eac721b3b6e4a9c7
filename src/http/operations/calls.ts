import { describeError, type Log } from "../../log.ts";
import { insertAudit, insertAuditHourly } from "../../store/operate/audit.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Caller, Write } from "../caller.ts";
import { asProblem } from "../problem.ts";
import { isWrite, type Operation, type Reply } from "./operation.ts";

/** Of a table of operations, what calls them within the process. */
export type Calls<Table> = {
  [Id in keyof Table]: Table[Id] extends Operation<never, infer R>
    ? (
        caller: Caller,
        given?: { params?: Record<string, string | number>; query?: Record<string, unknown>; body?: unknown },
      ) => Promise<R>
    : never;
};

/**
 * Calls without HTTP: the same checks of who may, the same validation, the same Problem thrown, and for a write the same
 * row in `audit`. The query is as it stands in a URL.
 */
export function createCalls<Context extends { db: Db; log: Log }, Table extends Record<string, Operation<Context>>>(
  context: Context,
  table: Table,
): Calls<Table> {
  const keep = keepWrites(context);
  const calls = Object.entries(table).map(([id, operation]) => {
    const call = async ({ ids: _ids, ...who }: Caller, given: object = {}): Promise<Reply> => {
      const caller = { ...who, ids: {} };
      const note = (status: number) => {
        const { method, path } = operation;
        const route = patternOf(path);
        if (isWrite(operation)) keep({ who: caller.who, method, route, status, isAnswered: true, ids: caller.ids });
      };
      try {
        const reply = await operation.call(context, { ...given, caller });
        note(reply.status);
        return reply;
      } catch (error) {
        note(asProblem(error).status);
        throw error;
      }
    };
    return [id, call];
  });
  return Object.fromEntries(calls) as Calls<Table>;
}

/** What leaves a line in the log for each write, and keeps it for good. */
export function keepWrites({ db, log }: { db: Db; log: Log }): (write: Write) => void {
  return (write) => {
    log("info", "admin.wrote", { ...write });
    insertAudit(db, { ...write, route: write.route ?? null }).catch((error: unknown) =>
      log("error", "audit.broke", describeError(error)),
    );
  };
}

/** That an operator looked at what people wrote stands in the audit, once an hour for each of `ids`; nobody waits for it. */
export function noteLook(
  { db, log }: { db: Db; log: Log },
  { who }: Caller,
  path: string,
  ids: Caller["ids"] = {},
): void {
  if (who !== "admin") return;
  const look = { who, method: "GET", route: patternOf(path), status: 200, isAnswered: true, ids };
  insertAuditHourly(db, look).catch((error: unknown) => log("error", "audit.broke", describeError(error)));
}

/** A path as Express writes it, and the log. */
export const patternOf = (path: string) => path.replace(/\{(\w+)\}/g, ":$1");
