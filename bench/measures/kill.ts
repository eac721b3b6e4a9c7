import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { addTargets, startBridgeProcess } from "../bridge.ts";
import type { Lab } from "../lab.ts";
import { withClient } from "../prefill.ts";
import type { Finding } from "../report.ts";
import { connections, locationCount, peoplePerLocation } from "../systems.ts";
import type { Traffic } from "../webhooks.ts";

/** `kill -9` under full load, and a new process at once: when the backlog is being delivered again. */
export async function measureKill(lab: Lab): Promise<Finding> {
  const client = await lab.startClient();
  const sandbox = await lab.startSandbox();
  const databaseUrl = await lab.newDatabase();
  const environment = { DATABASE_URL: databaseUrl, HIGHLEVEL_URL: sandbox.url };
  const bridge = await startBridgeProcess(lab, environment);
  const targets = await addTargets(bridge, sandbox, locationCount);
  const traffic: Traffic = { provider: "twilio", targets, people: peoplePerLocation, seed: randomUUID() };
  await client.ask("setTraffic", traffic);
  return withClient(databaseUrl, async (database) => {
    const one = async <Value>(statement: string, values: unknown[] = []): Promise<Value> =>
      Object.values((await database.query<Record<string, Value>>(statement, values)).rows[0] ?? {})[0] as Value;
    const longestLease = () =>
      one<number | null>(
        "select max(extract(epoch from due_at - now()))::float8 from lanes where lease_token is not null",
      );
    const waiting = () =>
      one<number>(`select (select count(*) from webhooks where state = 'received')::int
        + (select count(*) from deliveries where state = 'pending')::int`);

    const loading = client.ask("load", { port: bridge.port, connections, from: 0 });
    const endsAt = performance.now() + lab.scaled(15) * 1000;
    let leaseSeconds = 0;
    while (performance.now() < endsAt) {
      leaseSeconds = Math.max(leaseSeconds, (await longestLease()) ?? 0);
      await sleep(100);
    }
    await bridge.kill();
    const killedAt = performance.now();
    const secondsSince = () => (performance.now() - killedAt) / 1000;
    await loading;
    const acknowledged = await client.ask("acknowledgedIds");
    const held = await database.query<{ token: string }>(
      "select lease_token as token from lanes where lease_token is not null",
    );
    const tokens = held.rows.map(({ token }) => token);
    const [backlog, before] = [await waiting(), await sandbox.ask("count")];

    const next = await startBridgeProcess(lab, environment);
    const until = async (isSo: () => Promise<boolean>): Promise<number> => {
      while (!(await isSo())) {
        if (secondsSince() > 300) throw new Error("after 300 s the backlog is not delivered");
        await sleep(20);
      }
      return secondsSince();
    };
    const againSeconds = await until(async () => (await sandbox.ask("count")) > before);
    const freeSeconds = await until(
      async () => (await one<number>("select count(*)::int from lanes where lease_token = any($1)", [tokens])) === 0,
    );
    lab.say(
      `kill: ${backlog} waited, delivered again after ${againSeconds.toFixed(1)} s, the last lease ended after ${freeSeconds.toFixed(1)} s`,
    );
    const drainedSeconds = await until(async () => (await waiting()) === 0);
    const [inHighlevel, distinct] = [await sandbox.ask("count"), await sandbox.ask("distinctCount")];
    const inSandbox = new Set((await sandbox.ask("accepted", 0)).map(([id]) => id));
    const lost = acknowledged.filter((id) => !inSandbox.has(id)).length;
    await next.stop();
    const unit = "s";
    return {
      measure: "kill",
      rows: [
        {
          what: "kill -9 under full load: the backlog is delivered again after",
          value: againSeconds,
          unit,
          bar: { is: "under", value: leaseSeconds, because: "one lease" },
          note: `${backlog} waited; a new process was started at once`,
        },
        {
          what: "the conversations that the killed process held go on after",
          value: freeSeconds,
          unit,
          note: `${tokens.length} of them`,
        },
        {
          what: "messages lost or doubled by it",
          value: lost + inHighlevel - distinct,
          unit: "",
          bar: { is: "under", value: 1 },
          note: `${acknowledged.length} acknowledged, ${distinct} in HighLevel, all after ${drainedSeconds.toFixed(0)} s`,
        },
      ],
      details: {
        leaseSeconds,
        backlog,
        acknowledged: acknowledged.length,
        lost,
        inHighlevel,
        distinct,
        againSeconds,
        freeSeconds,
        drainedSeconds,
      },
    };
  });
}
