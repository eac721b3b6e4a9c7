import pg from "pg";
import type { Lab } from "../lab.ts";
import type { Finding, Row } from "../report.ts";
import { readSpent, type Spent } from "../spent.ts";
import { connections, startOneProcess, untilAccepted } from "../systems.ts";

const perSecond = 200;
const warmUpSeconds = 12;

/** What a message costs from its webhook to HighLevel, in one process at a steady rate: how busy the machine is changes little of it. */
export async function measureCost(lab: Lab): Promise<Finding> {
  const { client, sandbox, databaseUrl, bridge } = await startOneProcess(lab);
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  const load = { port: bridge.port, connections, perSecond };
  const [warmUp, count] = [perSecond * lab.scaled(warmUpSeconds), perSecond * lab.scaled(20)];
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

function costOfMillion(before: Spent, after: Spent, count: number): string {
  const perMessage = (name: keyof Spent) => ((after[name] ?? 0) - (before[name] ?? 0)) / count;
  const coreHours = ((perMessage("bridge") + perMessage("postgresql")) * 1e6) / 1e6 / 3600;
  const gigabytes = (perMessage("wal") * 1e6) / 1e9;
  return `a million messages a day: ${coreHours.toFixed(2)} core hours, ${gigabytes.toFixed(1)} GB of write-ahead log`;
}
