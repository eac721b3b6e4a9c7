import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../lab.ts";
import { withClient } from "../prefill.ts";
import type { Finding, Row } from "../report.ts";
import { readSpent, type Spent } from "../spent.ts";
import { median } from "../statistics.ts";
import {
  type Carrier,
  connections,
  flow,
  startHandWritten,
  startOneProcess,
  startTwoProcesses,
  untilAccepted,
} from "../systems.ts";

/** Messages per second of each round. */
interface Rates {
  echo: number[];
  handWritten: number[];
  one: number[];
  two: number[];
}

/**
 * Messages per second from the webhook to the sandbox, through one process that does all, through two, and through the
 * bridge as it is written by hand, in turn. Who posts waits while too many are under way, so that what is counted is
 * sustained.
 */
export async function measureEndToEnd(lab: Lab): Promise<Finding> {
  const rounds = lab.isQuick ? 1 : 3;
  const seconds = lab.scaled(8);
  const echo = await startEcho(lab);
  const one = await startOneProcess(lab);
  const two = await startTwoProcesses(lab);
  const handWritten = await startHandWritten(lab);
  const next = new Map<Carrier, number>();
  const pass = async (carrier: Carrier, forSeconds: number) => {
    const result = await flow(carrier, { from: next.get(carrier) ?? 0, seconds: forSeconds });
    next.set(carrier, result.next);
    await untilAccepted(carrier.sandbox, result.next);
    return result.acceptedPerSecond;
  };
  const carriers = [one, two, handWritten];
  for (const carrier of carriers) await pass(carrier, lab.scaled(5));
  const rates: Rates = { echo: [], handWritten: [], one: [], two: [] };
  const spent = await withClient(one.databaseUrl, async (database) => {
    const read = () => readSpent(database, one.bridge.pid);
    const each: { before: Spent; after: Spent; messages: number }[] = [];
    for (let round = 1; round <= rounds; round++) {
      rates.echo.push(await echo(seconds / 3));
      rates.handWritten.push(await pass(handWritten, seconds));
      const [before, from] = [await read(), next.get(one) ?? 0];
      rates.one.push(await pass(one, seconds));
      each.push({ before, after: await read(), messages: (next.get(one) ?? 0) - from });
      rates.two.push(await pass(two, seconds));
      const now = Object.entries(rates).map(([name, all]) => `${name} ${Math.round(all.at(-1) ?? Number.NaN)}/s`);
      lab.say(`end to end, round ${round} of ${rounds}: ${now.join(", ")}`);
    }
    return each;
  });
  const losses = await lossesOf(one, next.get(one) ?? 0);
  for (const carrier of carriers) await carrier.stop();
  const atFullLoad = (name: keyof Spent) =>
    median(spent.map(({ before, after, messages }) => ((after[name] ?? Number.NaN) - (before[name] ?? 0)) / messages));
  return {
    measure: "end-to-end",
    rows: [...rowsOf(rates, losses), ...spentRows(atFullLoad)],
    details: { rates, spent },
  };
}

async function startEcho(lab: Lab): Promise<(seconds: number) => Promise<number>> {
  const port = await lab.startPeer("echo");
  const client = await lab.startClient();
  await client.ask("setTraffic", {
    provider: "twilio",
    targets: [{ mappingId: "1", address: "+1" }],
    people: 1,
    seed: "",
  });
  const load = async (seconds: number) => (await client.ask("load", { port, connections, from: 0, seconds })).perSecond;
  await load(lab.scaled(2));
  return load;
}

function rowsOf(rates: Rates, losses: string): Row[] {
  const unit = "/s";
  /** Of the medians of each round's ratio. */
  const ratio = (of: number[], to: number[]) => median(of.map((rate, round) => rate / (to[round] ?? Number.NaN)));
  const row = (what: string, value: number, least: number): Row => ({
    ...{ what, value, unit: "×", bar: { is: "at least", value: least } },
  });
  return [
    { what: "peer: bare Express 5 echo", value: median(rates.echo), unit },
    { what: "peer: hand-written bridge, post within the request", value: median(rates.handWritten), unit },
    { what: "end to end, webhook to HighLevel, one process", value: median(rates.one), unit, note: losses },
    row("end to end, one process against the echo", ratio(rates.one, rates.echo), 0.2),
    row("end to end, one process against the hand-written bridge", ratio(rates.one, rates.handWritten), 1.3),
    {
      ...row("end to end, two processes (web, worker) against one", ratio(rates.two, rates.one), 1.4),
      note: `${Math.round(median(rates.two))}/s`,
    },
  ];
}

function spentRows(atFullLoad: (name: keyof Spent) => number): Row[] {
  const row = (what: string, name: keyof Spent, most: number): Row => {
    const value = atFullLoad(name);
    const measured = { what: `a message at full load: ${what}`, unit: "", bar: { is: "under" as const, value: most } };
    return Number.isNaN(value) ? { ...measured, note: "cannot be read here" } : { ...measured, value };
  };
  return [row("round trips to PostgreSQL (statements)", "statements", 0.5), row("rows written", "rows", 6)];
}

/** What the sandbox accepts is recorded right after: is each message there once, and each delivery done? */
async function lossesOf({ sandbox, databaseUrl }: Carrier, count: number): Promise<string> {
  const isWhole = await withClient(databaseUrl, async (database) => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const done = "select count(*)::int as done from deliveries where state = 'delivered'";
      if ((await database.query<{ done: number }>(done)).rows[0]?.done === count) return true;
      await sleep(100);
    }
    return false;
  });
  const [accepted, distinct] = [await sandbox.ask("count"), await sandbox.ask("distinctCount")];
  const recorded = isWhole ? "" : ", not all recorded";
  return `${count} messages, ${count - distinct} lost, ${accepted - distinct} doubled${recorded}`;
}
