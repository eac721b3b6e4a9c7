import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { conversationProviderId, locationAt } from "../bridge.ts";
import type { Lab, SandboxInUse } from "../lab.ts";
import type { Client } from "../processes/client.ts";
import type { Helper } from "../processes/talk.ts";
import type { Finding } from "../report.ts";
import { connections, startOneProcess, untilAccepted } from "./acks.ts";

/** How many messages may be on their way: enough to keep the bridge busy, too few to let a backlog pass for throughput. */
const mostUnderWay = 2000;

/**
 * Messages per second from the webhook to the sandbox, recorded, for a minute, through one process that does all. Who
 * posts waits while too many are under way, so that what is counted is sustained.
 */
export async function measureEndToEnd(lab: Lab): Promise<Finding> {
  const seconds = lab.scaled(60);
  const { client, sandbox, databaseUrl, bridge } = await startOneProcess(lab);

  const echo = await measureEcho(lab, client);
  lab.say(`end to end: the echo ${Math.round(echo)}/s`);
  const warmUp = await flow(client, sandbox, { port: bridge.port, from: 0, seconds: lab.scaled(10) });
  const measured = await flow(client, sandbox, { port: bridge.port, from: warmUp.next, seconds });
  lab.say(`end to end: the bridge ${Math.round(measured.acceptedPerSecond)}/s`);
  await untilAccepted(sandbox, measured.next);
  const isWhole = await untilRecorded(databaseUrl, measured.next);
  const distinct = await sandbox.ask("distinctCount");
  await bridge.stop();

  const handWritten = await measureHandWritten(lab, client, seconds / 3);
  const unit = "/s";
  return {
    measure: "end-to-end",
    rows: [
      {
        what: "end to end, webhook to HighLevel, one process",
        value: measured.acceptedPerSecond,
        unit,
        bar: { is: "at least", value: echo * 0.2, because: `0.2 of the echo, ${Math.round(echo)}/s` },
        note: `${seconds} s; ${measured.next} messages, ${measured.next - distinct} lost, ${(await sandbox.ask("count")) - distinct} doubled${isWhole ? "" : ", not all recorded"}`,
      },
      { what: "peer: hand-written bridge, post within the request", value: handWritten, unit },
    ],
    details: { echo, warmUp, measured, handWritten },
  };
}

/** Loads with no more under way than allowed, and counts what the sandbox accepts meanwhile. */
export async function flow(
  client: Helper<Client>,
  sandbox: SandboxInUse,
  load: { port: number; from: number; to?: number; seconds?: number },
) {
  await client.ask("allow", load.from + mostUnderWay);
  let isOver = false;
  const [startedAt, before] = [performance.now(), await sandbox.ask("count")];
  const gate = (async () => {
    while (!isOver) {
      await client.ask("allow", (await sandbox.ask("count")) + mostUnderWay);
      await sleep(10);
    }
  })();
  const result = await client.ask("load", { ...load, connections });
  const accepted = (await sandbox.ask("count")) - before;
  const seconds = (performance.now() - startedAt) / 1000;
  isOver = true;
  await gate;
  if (result.statuses["200"] !== result.requests) throw new Error(`not all 200: ${JSON.stringify(result)}`);
  return { ...result, accepted, acceptedPerSecond: accepted / seconds };
}

async function measureEcho(lab: Lab, client: Helper<Client>): Promise<number> {
  const port = await lab.startPeer("echo");
  await client.ask("load", { port, connections, from: 0, seconds: lab.scaled(2) });
  return (await client.ask("load", { port, connections, from: 0, seconds: lab.scaled(10) })).perSecond;
}

/** What the sandbox accepts is recorded right after: are all deliveries done? */
async function untilRecorded(databaseUrl: string, count: number): Promise<boolean> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    for (let attempt = 0; attempt < 100; attempt++) {
      const done = "select count(*)::int as done from deliveries where state = 'delivered'";
      if ((await database.query<{ done: number }>(done)).rows[0]?.done === count) return true;
      await sleep(100);
    }
    return false;
  } finally {
    await database.end();
  }
}

async function measureHandWritten(lab: Lab, client: Helper<Client>, seconds: number): Promise<number> {
  const sandbox = await lab.startSandbox();
  const location = locationAt(0);
  const providers = [{ id: conversationProviderId, channel: "sms" as const, extra: true }];
  await sandbox.ask("putLocations", [{ ...location, providers }]);
  const port = await lab.startPeer("hand-written", {
    databaseUrl: await lab.newDatabase(),
    highlevel: { url: sandbox.url, locationId: location.id, token: location.token, conversationProviderId },
  });
  await client.ask("allow", Number.MAX_SAFE_INTEGER);
  const { next } = await client.ask("load", { port, connections, from: 0, seconds: seconds / 5 });
  return (await client.ask("load", { port, connections, from: next, seconds })).perSecond;
}
