import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";

/** Since the start. Undefined where it cannot be read: of a server elsewhere, and without pg_stat_statements. */
export interface Spent {
  /** Microseconds. */
  bridge: number | undefined;
  postgresql: number | undefined;
  statements: number | undefined;
  transactions: number | undefined;
  rows: number | undefined;
  wal: number | undefined;
}

export async function readSpent(database: pg.Client, bridgePid: number): Promise<Spent> {
  // What backends have counted is told with a delay.
  await sleep(1500);
  const one = async (query: string) => {
    const { rows } = await database.query<{ value: string }>(query);
    return rows[0] ? Number(rows[0].value) : undefined;
  };
  const unlessMissing = (query: string) => one(query).catch(() => undefined);
  await database.query("create extension if not exists pg_stat_statements").catch(() => undefined);
  const ofDatabase = "from pg_stat_database where datname = current_database()";
  return {
    bridge: processorMicroseconds([bridgePid]),
    postgresql: serverMicroseconds((await one("select pg_backend_pid() as value")) ?? 0),
    statements: await unlessMissing(
      "select sum(calls) as value from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())",
    ),
    transactions: await one(`select xact_commit as value ${ofDatabase}`),
    rows: await one(`select tup_inserted + tup_updated + tup_deleted as value ${ofDatabase}`),
    wal: await one("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as value"),
  };
}

/** Of the process that started this backend, of all that it has started, and of those that have ended. */
function serverMicroseconds(backendPid: number): number | undefined {
  const server = statOf(backendPid)?.parent;
  if (server === undefined || statOf(server) === undefined) return undefined;
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return processorMicroseconds([server, ...pids.filter((pid) => statOf(pid)?.parent === server)]);
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: a tick is a hundredth of a second. */
function processorMicroseconds(pids: number[]): number | undefined {
  const stats = pids.flatMap((pid) => statOf(pid) ?? []);
  return stats.length === 0 ? undefined : stats.reduce((sum, { ticks }) => sum + ticks, 0) * 10_000;
}

function statOf(pid: number): { parent: number; ticks: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")
      .map(Number);
    const [user = 0, system = 0, userOfEnded = 0, systemOfEnded = 0] = fields.slice(11, 15);
    return { parent: fields[1] ?? 0, ticks: user + system + userOfEnded + systemOfEnded };
  } catch {
    return undefined;
  }
}
