import { expect, test } from "vitest";
import { createLog } from "../../../src/log.ts";
import { nameDatabaseTroubles } from "../../../src/observe/watch-database.ts";
import { databaseTroubles, isUnavailable, troubleOf } from "../../../src/store/postgres/database-errors.ts";

const failed = (code: string) => new Error("Failed query", { cause: Object.assign(new Error("words"), { code }) });

test.each([
  ["53100", "full"],
  ["53400", "full"],
  ["53200", "out_of_memory"],
  ["53300", "too_many_connections"],
  ["28P01", "login_refused"],
  ["28000", "login_refused"],
  ["3D000", "no_such_database"],
  ["25006", "read_only"],
  ["57P03", "starting"],
  ["57P01", "starting"],
  ["ECONNREFUSED", "unreachable"],
  ["EPIPE", "unreachable"],
])("PostgreSQL's %s is told as %s", (code, trouble) => {
  expect(troubleOf(failed(code))).toBe(trouble);
  expect(isUnavailable(failed(code))).toBe(true);
});

test("a line of the log that has PostgreSQL's code says in words what it means, and what to do", () => {
  const lines: Record<string, unknown>[] = [];
  const log = nameDatabaseTroubles(createLog("debug", { write: (line) => void lines.push(JSON.parse(line)) }));
  log("error", "worker.failed", { loop: "deliver", code: "53100" });
  log("error", "worker.failed", { loop: "deliver", code: "ECONNREFUSED" });
  log("error", "delivery.broke", { code: "23505" });
  log("warn", "token.not_renewed", { code: "ECONNREFUSED" });
  log("info", "bridge.started");
  expect(lines[0]).toMatchObject({ code: "53100", database: "full", advice: databaseTroubles.full });
  expect(lines[1]).toMatchObject({ database: "unreachable", advice: databaseTroubles.unreachable });
  for (const line of lines.slice(2)) expect(line).not.toHaveProperty("database");
});
