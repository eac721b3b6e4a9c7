import type { Lab } from "../lab.ts";
import type { Finding, Row } from "../report.ts";
import { median, quantile } from "../statistics.ts";
import {
  type Carrier,
  connections,
  flow,
  startHandWritten,
  startOneProcess,
  startTwoProcesses,
  untilAccepted,
} from "../systems.ts";
import { messageIdAt } from "../webhooks.ts";

/** Milliseconds from the moment the client sends to the sandbox's answer, of each message of a round. */
type Rounds = number[][];

/**
 * From the webhook's arrival to HighLevel's acceptance, at a quarter of what one process can do from end to end: in one
 * process, across two, and in the bridge as it is written by hand, in turn.
 */
export async function measureLatency(lab: Lab): Promise<Finding> {
  const rounds = lab.isQuick ? 1 : 3;
  const one = await startOneProcess(lab);
  const two = await startTwoProcesses(lab);
  const handWritten = await startHandWritten(lab);
  const warmUp = await flow(one, { from: 0, seconds: lab.scaled(5) });
  const full = await flow(one, { from: warmUp.next, seconds: lab.scaled(8) });
  const perSecond = Math.ceil(full.acceptedPerSecond / 4);
  const next = new Map<Carrier, number>([[one, full.next]]);
  for (const carrier of [two, handWritten]) {
    next.set(carrier, (await flow(carrier, { from: 0, seconds: lab.scaled(5) })).next);
  }
  const carriers = { handWritten, one, two };
  for (const carrier of Object.values(carriers)) await untilAccepted(carrier.sandbox, next.get(carrier) ?? 0);
  const took: Record<string, Rounds> = { handWritten: [], one: [], two: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const [name, carrier] of Object.entries(carriers)) {
      // The first one brings each to this rate.
      const count = perSecond * lab.scaled(round === 0 ? 3 : 6);
      const from = next.get(carrier) ?? 0;
      const ms = await pace(carrier, { perSecond, from, count });
      next.set(carrier, from + count);
      if (round === 0) continue;
      took[name]?.push(ms);
      const [p50, p99] = [quantile(ms, 0.5), quantile(ms, 0.99)];
      lab.say(`latency, round ${round} of ${rounds}: ${name} p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
    }
  }
  for (const carrier of Object.values(carriers)) await carrier.stop();
  const { handWritten: peer = [], one: alone = [], two: across = [] } = took;
  const rows = [
    ...rowsOf("peer: hand-written bridge", peer),
    ...rowsOf("one process", alone, { peer, maxP50: 1.5, maxP99: 2 }),
    ...rowsOf("stored by one process, delivered by another", across, { peer, maxP50: 2.5, maxP99: 3 }),
  ].map((row, index) => (index === 0 ? { ...row, note: `${perSecond}/s, a quarter of what one process can do` } : row));
  const parts = [0.5, 0.9, 0.99, 1];
  const quantiles = Object.entries(took).map(([name, all]) => [
    name,
    all.map((ms) => parts.map((p) => quantile(ms, p))),
  ]);
  return { measure: "latency", rows, details: { perSecond, parts, quantiles } };
}

async function pace(
  { client, sandbox, port, traffic }: Carrier,
  load: { perSecond: number; from: number; count: number },
): Promise<number[]> {
  const { sentAtMs, statuses } = await client.ask("pace", { ...load, port, connections });
  if (statuses["200"] !== load.count) throw new Error(`not all were answered by 200: ${JSON.stringify(statuses)}`);
  await untilAccepted(sandbox, load.from + load.count);
  const acceptedAtMs = new Map(await sandbox.ask("accepted", load.from));
  return sentAtMs.map((sentAt, index) => {
    const acceptedAt = acceptedAtMs.get(messageIdAt(traffic, load.from + index));
    if (acceptedAt === undefined) throw new Error(`message ${load.from + index} has not arrived`);
    return acceptedAt - sentAt;
  });
}

/** The medians of the rounds; and against a peer those of each round's ratio. */
function rowsOf(where: string, rounds: Rounds, against?: { peer: Rounds; maxP50: number; maxP99: number }): Row[] {
  const each = [
    { name: "p50", part: 0.5, most: against?.maxP50 },
    { name: "p99", part: 0.99, most: against?.maxP99 },
  ];
  return each.flatMap(({ name, part, most }): Row[] => {
    const of = (all: Rounds) => all.map((ms) => quantile(ms, part));
    const measured: Row = { what: `latency ${name}, ${where}`, value: median(of(rounds)), unit: "ms" };
    if (!against || most === undefined) return [measured];
    const peer = of(against.peer);
    const ratio = median(of(rounds).map((ms, round) => ms / (peer[round] ?? Number.NaN)));
    const what = `latency ${name} against the hand-written bridge, ${where}`;
    return [measured, { what, value: ratio, unit: "×", bar: { is: "under", value: most } }];
  });
}
