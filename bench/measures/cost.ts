import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Lab } from "../lab.ts";
import type { Finding, Row } from "../report.ts";
import { connections, startOneProcess, untilAccepted } from "./acks.ts";

const perSecond = 200;
const warmUpSeconds = 20;

/** What a message costs from its webhook to HighLevel, in one process at a steady rate: how busy the machine is changes little of it. */
export async function measureCost(lab: Lab): Promise<Finding> {
  const { client, sandbox, databaseUrl, bridge } = await startOneProcess(lab);
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  const load = { port: bridge.port, connections, perSecond };
  const [warmUp, count] = [perSecond * lab.scaled(warmUpSeconds), perSecond * lab.scaled(30)];
  await client.ask("pace", { ...load, from: 0, count: warmUp });
  await untilAccepted(sandbox, warmUp);
  const before = await readSpent(database, bridge.pid);
  await client.ask("pace", { ...load, from: warmUp, count });
  await untilAccepted(sandbox, warmUp + count);
  const after = await readSpent(database, bridge.pid);
  await database.end();
  await bridge.stop();

  const units = { bridge: "µs", postgresql: "µs", statements: "", transactions: "", rows: "", wal: "bytes" };
  const names = {
    bridge: "processor time of the bridge",
    postgresql: "processor time of PostgreSQL",
    statements: "statements",
    transactions: "transactions",
    rows: "rows written",
    wal: "write-ahead log",
  };
  const rows = (Object.keys(names) as (keyof Spent)[]).map((name): Row => {
    const [from, to] = [before[name], after[name]];
    const row = { what: `a message: ${names[name]}`, unit: units[name] };
    if (from === undefined || to === undefined) return { ...row, note: "cannot be read here" };
    return {
      ...row,
      value: (to - from) / count,
      ...(name === "bridge" ? { note: costOfMillion(before, after, count) } : {}),
    };
  });
  return { measure: "cost", rows, details: { before, after, count } };
}

/** Since the start. Undefined where it cannot be read: of a server elsewhere, and without pg_stat_statements. */
interface Spent {
  /** Microseconds. */
  bridge: number | undefined;
  postgresql: number | undefined;
  statements: number | undefined;
  transactions: number | undefined;
  rows: number | undefined;
  wal: number | undefined;
}

async function readSpent(database: pg.Client, bridgePid: number): Promise<Spent> {
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

function costOfMillion(before: Spent, after: Spent, count: number): string {
  const perMessage = (name: keyof Spent) => ((after[name] ?? 0) - (before[name] ?? 0)) / count;
  const coreHours = ((perMessage("bridge") + perMessage("postgresql")) * 1e6) / 1e6 / 3600;
  const gigabytes = (perMessage("wal") * 1e6) / 1e9;
  return `a million messages a day: ${coreHours.toFixed(2)} core hours, ${gigabytes.toFixed(1)} GB of write-ahead log`;
}
