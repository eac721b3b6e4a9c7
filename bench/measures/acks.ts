import { randomUUID } from "node:crypto";
import { addTargets, type BridgeInUse, startBridgeProcess } from "../bridge.ts";
import type { Lab, SandboxInUse } from "../lab.ts";
import type { Client, LoadResult } from "../processes/client.ts";
import type { Helper } from "../processes/talk.ts";
import type { Finding, Row } from "../report.ts";
import { median } from "../statistics.ts";
import { connections, locationCount, peoplePerLocation } from "../systems.ts";
import type { Traffic } from "../webhooks.ts";

/**
 * Webhooks acknowledged per second, each verified and committed. All peers get the same requests, in rounds, one after
 * another, so that what else the machine does meets all of them; the medians of the rounds are compared.
 */
export async function measureAcks(lab: Lab): Promise<Finding> {
  const requests = lab.scaled(12_000);
  const rounds = lab.isQuick ? 1 : 3;
  const client = await lab.startClient();
  const sandbox = await lab.startSandbox();
  const peers: Record<string, number> = {
    "raw node:http": await lab.startPeer("raw-http"),
    "bare Express echo": await lab.startPeer("echo"),
    "echo with helmet and signature": await lab.startPeer("verified-echo"),
    "one INSERT per request": await lab.startPeer("hand-written", { databaseUrl: await lab.newDatabase() }),
  };
  const databaseUrl = await lab.newDatabase();
  const environment = { DATABASE_URL: databaseUrl, HIGHLEVEL_URL: sandbox.url };
  const bridge = await startBridgeProcess(lab, { ...environment, RUN: "web" });
  const ours = "the bridge (RUN=web)";
  const targets = await addTargets(bridge, sandbox, locationCount);
  const traffic: Traffic = { provider: "twilio", targets, people: peoplePerLocation, seed: randomUUID() };
  await client.ask("setTraffic", traffic);

  const results: Record<string, LoadResult[]> = {};
  let from = 0;
  for (let round = 0; round <= rounds; round++) {
    // The first one warms up.
    const count = round === 0 ? Math.ceil(requests / 5) : requests;
    await client.ask("write", { from, to: from + count });
    for (const [name, port] of Object.entries({ ...peers, [ours]: bridge.port })) {
      const result = await loadOnce(client, { port, from, to: from + count });
      if (round > 0) results[name] = [...(results[name] ?? []), result];
      lab.say(`acks, round ${round} of ${rounds}: ${name} ${Math.round(result.perSecond)}/s`);
    }
    from += count;
  }
  const whole = await measureWhole(lab, { client, sandbox, bridge, environment, traffic, requests });
  const telnyx = await measureTelnyx(lab, client, sandbox, requests);
  return { measure: "acks", rows: [...rowsOf(lab, results, ours), whole, telnyx], details: { requests, results } };
}

async function loadOnce(
  client: Helper<Client>,
  range: { port: number; from: number; to: number },
): Promise<LoadResult> {
  const result = await client.ask("load", { ...range, connections });
  if (result.statuses["200"] !== result.requests || result.broken > 0) {
    throw new Error(`not all were answered by 200: ${JSON.stringify(result)}`);
  }
  return result;
}

function rowsOf({ machine }: Lab, results: Record<string, LoadResult[]>, ours: string): Row[] {
  const rate = (name: string) => median((results[name] ?? []).map(({ perSecond }) => perSecond));
  const unit = "/s";
  const [echo, oneInsert] = [rate("bare Express echo"), rate("one INSERT per request")];
  const times = machine.flushMs >= 1 ? 2.5 : 1.5;
  const cpu = median((results[ours] ?? []).map(({ clientCpu }) => clientCpu));
  const p99 = median((results[ours] ?? []).map(({ answerMs }) => answerMs.p99));
  const what = `acknowledged by ${ours}`;
  return [
    { what: "client's ceiling: raw node:http", value: rate("raw node:http"), unit },
    { what: "peer: bare Express 5 echo", value: echo, unit },
    { what: "peer: echo with helmet and signature", value: rate("echo with helmet and signature"), unit },
    { what: "peer: one INSERT per request, pool of 20", value: oneInsert, unit },
    {
      what,
      value: rate(ours),
      unit,
      bar: { is: "at least", value: echo * 0.5, because: "0.5 of the echo" },
      note: `p99 ${p99.toFixed(1)} ms; the client took ${Math.round(cpu * 100)} % of a core`,
    },
    {
      what: `${what}, against one INSERT`,
      value: rate(ours),
      unit,
      bar: {
        is: "at least",
        value: oneInsert * times,
        because: `${times} × the peer, flush ${machine.flushMs.toFixed(2)} ms`,
      },
    },
  ];
}

/** The same with one process that does all, as it is installed by default: what it acknowledged, it processes and delivers. */
async function measureWhole(
  lab: Lab,
  parts: {
    client: Helper<Client>;
    sandbox: SandboxInUse;
    bridge: BridgeInUse;
    environment: Record<string, string>;
    traffic: Traffic;
    requests: number;
  },
): Promise<Row> {
  const { client, sandbox, bridge, environment, traffic, requests } = parts;
  await bridge.stop();
  const whole = await startBridgeProcess(lab, { ...environment, DATABASE_URL: await lab.newDatabase() });
  const targets = await addTargets(whole, sandbox, traffic.targets.length);
  const from = 0;
  await client.ask("setTraffic", { ...traffic, targets, seed: randomUUID() });
  await client.ask("write", { from, to: from + requests });
  const result = await loadOnce(client, { port: whole.port, from, to: from + requests });
  await whole.stop();
  return { what: "acknowledged by one process that also delivers", value: result.perSecond, unit: "/s" };
}

/** Another signature, Ed25519, which costs more to check. */
async function measureTelnyx(lab: Lab, client: Helper<Client>, sandbox: SandboxInUse, requests: number): Promise<Row> {
  const environment = { DATABASE_URL: await lab.newDatabase(), HIGHLEVEL_URL: sandbox.url, RUN: "web" };
  const bridge = await startBridgeProcess(lab, environment);
  const targets = await addTargets(bridge, sandbox, locationCount, "telnyx");
  await client.ask("setTraffic", { provider: "telnyx", targets, people: peoplePerLocation, seed: randomUUID() });
  await client.ask("write", { from: 0, to: requests });
  const { perSecond } = await loadOnce(client, { port: bridge.port, from: 0, to: requests });
  await bridge.stop();
  return { what: "acknowledged with Telnyx's Ed25519 signature", value: perSecond, unit: "/s" };
}
