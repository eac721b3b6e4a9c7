import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { addTargets, type BridgeInUse, conversationProviderId, locationAt, startBridgeProcess } from "./bridge.ts";
import type { Lab, SandboxInUse } from "./lab.ts";
import type { Client } from "./processes/client.ts";
import type { HandWrittenSettings } from "./processes/hand-written.ts";
import type { Peer } from "./processes/serve.ts";
import type { Helper } from "./processes/talk.ts";
import { numberAt, type Traffic } from "./webhooks.ts";

export const connections = 64;
/** Locations with a mapping each, and people who write to each. */
export const locationCount = 10;
export const peoplePerLocation = 200;

/** What carries messages from webhooks to a sandbox of its own, with a client of its own that posts texts of Twilio's. */
export interface Carrier {
  client: Helper<Client>;
  sandbox: SandboxInUse;
  databaseUrl: string;
  /** Where the webhooks go. */
  port: number;
  traffic: Traffic;
  stop(): Promise<void>;
}

/** One process that does all. */
export async function startOneProcess(lab: Lab): Promise<Carrier & { bridge: BridgeInUse }> {
  const carrier = await startBridges(lab, [{}]);
  return { ...carrier, bridge: carrier.bridges[0] };
}

/** One that takes in and one that delivers. */
export const startTwoProcesses = (lab: Lab): Promise<Carrier> => startBridges(lab, [{ RUN: "web" }, { RUN: "worker" }]);

type Roles = [Record<string, string>, ...Record<string, string>[]];

async function startBridges(lab: Lab, roles: Roles): Promise<Carrier & { bridges: [BridgeInUse, ...BridgeInUse[]] }> {
  const client = await lab.startClient();
  const sandbox = await lab.startSandbox();
  const databaseUrl = await lab.newDatabase();
  const environment = { DATABASE_URL: databaseUrl, HIGHLEVEL_URL: sandbox.url };
  const [role, ...others] = roles;
  const bridges: [BridgeInUse, ...BridgeInUse[]] = [await startBridgeProcess(lab, { ...environment, ...role })];
  for (const each of others) bridges.push(await startBridgeProcess(lab, { ...environment, ...each }));
  const targets = await addTargets(bridges[0], sandbox, locationCount);
  const traffic: Traffic = { provider: "twilio", targets, people: peoplePerLocation, seed: randomUUID() };
  await client.ask("setTraffic", traffic);
  const stop = async () => {
    for (const bridge of bridges) await bridge.stop();
  };
  return { client, sandbox, databaseUrl, port: bridges[0].port, traffic, bridges, stop };
}

/** The bridge as it is usually written, which posts within the request. */
export async function startHandWritten(lab: Lab): Promise<Carrier> {
  const client = await lab.startClient();
  const sandbox = await lab.startSandbox();
  const databaseUrl = await lab.newDatabase();
  const location = locationAt(0);
  const providers = [{ id: conversationProviderId, channel: "sms" as const, extra: true }];
  await sandbox.ask("putLocations", [{ ...location, providers }]);
  const highlevel = { url: sandbox.url, locationId: location.id, token: location.token, conversationProviderId };
  const peer = await lab.start<Peer>("hand-written", { databaseUrl, highlevel } satisfies HandWrittenSettings);
  // It keeps no mappings: one URL is as good as another.
  const targets = Array.from({ length: locationCount }, (_, index) => {
    return { mappingId: randomUUID(), address: numberAt(index) };
  });
  const traffic: Traffic = { provider: "twilio", targets, people: peoplePerLocation, seed: randomUUID() };
  await client.ask("setTraffic", traffic);
  return { client, sandbox, databaseUrl, port: await peer.ask("port"), traffic, stop: peer.stop };
}

/** How many messages may be on their way: enough to keep the bridge busy, too few to let a backlog pass for throughput. */
const maxUnderWay = 2000;

/** Loads with no more under way than allowed, and counts what the sandbox accepts meanwhile. */
export async function flow(
  { client, sandbox, port }: Pick<Carrier, "client" | "sandbox" | "port">,
  load: { from: number; to?: number; seconds?: number },
) {
  await client.ask("allow", load.from + maxUnderWay);
  let isOver = false;
  const [startedAt, before] = [performance.now(), await sandbox.ask("count")];
  const gate = (async () => {
    while (!isOver) {
      await client.ask("allow", (await sandbox.ask("count")) + maxUnderWay);
      await sleep(10);
    }
  })();
  const result = await client.ask("load", { ...load, port, connections });
  const accepted = (await sandbox.ask("count")) - before;
  const seconds = (performance.now() - startedAt) / 1000;
  isOver = true;
  await gate;
  if (result.statuses["200"] !== result.requests) throw new Error(`not all 200: ${JSON.stringify(result)}`);
  return { ...result, accepted, acceptedPerSecond: accepted / seconds };
}

/** Waits until the sandbox has so many messages. Throws when for half a minute none has come. */
export async function untilAccepted(sandbox: SandboxInUse, count: number): Promise<void> {
  let [seen, seenAt] = [-1, performance.now()];
  for (;;) {
    const now = await sandbox.ask("count");
    if (now >= count) return;
    if (now > seen) [seen, seenAt] = [now, performance.now()];
    if (performance.now() - seenAt > 30_000)
      throw new Error(`the sandbox has ${now} of ${count} messages and gets no more`);
    await sleep(20);
  }
}
