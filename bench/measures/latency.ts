import { randomUUID } from "node:crypto";
import { addTargets, type BridgeInUse, hasRoles, startBridgeProcess } from "../bridge.ts";
import type { Lab } from "../lab.ts";
import type { Finding, Row } from "../report.ts";
import { quantile } from "../statistics.ts";
import { messageIdAt, type Traffic } from "../webhooks.ts";
import { connections, locationCount, peoplePerLocation, untilAccepted } from "./acks.ts";

const perSecond = 200;
const warmUpSeconds = 10;

/** From the webhook's arrival to HighLevel's acceptance, at a steady rate: in one process, and across two. */
export async function measureLatency(lab: Lab): Promise<Finding> {
  const one = await measureWith(lab, async (environment) => {
    const bridge = await startBridgeProcess(lab, environment);
    return { takesIn: bridge, all: [bridge] };
  });
  const two = hasRoles
    ? await measureWith(lab, async (environment) => {
        const takesIn = await startBridgeProcess(lab, { ...environment, RUN: "web" });
        const delivers = await startBridgeProcess(lab, { ...environment, RUN: "worker" });
        return { takesIn, all: [takesIn, delivers] };
      })
    : [];
  const unit = "ms";
  const note = `${one.length} messages at ${perSecond}/s, worst ${Math.round(quantile(one, 1))} ms`;
  const across: Row = { what: "latency p99, stored by one process, delivered by another", unit };
  return {
    measure: "latency",
    rows: [
      { what: "latency p50, one process", value: quantile(one, 0.5), unit, bar: { is: "under", value: 15 }, note },
      { what: "latency p99, one process", value: quantile(one, 0.99), unit, bar: { is: "under", value: 75 } },
      hasRoles
        ? {
            ...across,
            value: quantile(two, 0.99),
            bar: { is: "under", value: 150 },
            note: `p50 ${quantile(two, 0.5).toFixed(1)} ms`,
          }
        : { ...across, note: "this version has no setting RUN" },
    ],
    details: { quantiles: [0.5, 0.9, 0.99, 1].map((part) => [part, quantile(one, part), quantile(two, part)]) },
  };
}

async function measureWith(
  lab: Lab,
  start: (environment: Record<string, string>) => Promise<{ takesIn: BridgeInUse; all: BridgeInUse[] }>,
): Promise<number[]> {
  const seconds = lab.scaled(30);
  const client = await lab.startClient();
  const sandbox = await lab.startSandbox();
  const { takesIn, all } = await start({ DATABASE_URL: await lab.newDatabase(), HIGHLEVEL_URL: sandbox.url });
  const targets = await addTargets(takesIn, sandbox, locationCount);
  const traffic: Traffic = { provider: "twilio", targets, people: peoplePerLocation, seed: randomUUID() };
  await client.ask("setTraffic", traffic);

  const warmUp = Math.max(perSecond * lab.scaled(warmUpSeconds), 0);
  const count = perSecond * seconds;
  const load = { port: takesIn.port, connections, perSecond };
  await client.ask("pace", { ...load, from: 0, count: warmUp });
  await untilAccepted(sandbox, warmUp);
  const { sentAtMs, statuses } = await client.ask("pace", { ...load, from: warmUp, count });
  if (statuses["200"] !== count) throw new Error(`not all were answered by 200: ${JSON.stringify(statuses)}`);
  await untilAccepted(sandbox, warmUp + count);
  const acceptedAtMs = new Map(await sandbox.ask("accepted", warmUp));
  for (const bridge of all) await bridge.stop();
  const took = sentAtMs.map((sentAt, index) => {
    const acceptedAt = acceptedAtMs.get(messageIdAt(traffic, warmUp + index));
    if (acceptedAt === undefined) throw new Error(`message ${warmUp + index} has not arrived`);
    return acceptedAt - sentAt;
  });
  lab.say(`latency: p50 ${quantile(took, 0.5).toFixed(1)} ms, p99 ${quantile(took, 0.99).toFixed(1)} ms`);
  return took;
}
