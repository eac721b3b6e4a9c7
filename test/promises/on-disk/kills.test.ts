import { afterEach, expect, test } from "vitest";
import { startLoad } from "../../../chaos/load.ts";
import { type Cluster, startCluster } from "../../support/cluster.ts";
import { acceptedBy, faultless, judge } from "../../support/load.ts";
import { until } from "../../support/until.ts";

const inbound = "/conversations/messages/inbound";
let cluster: Cluster;
afterEach(() => cluster.stop());

/** One bridge, and people who write to it, or to whichever runs in its place. */
async function begin(people: number, pauseMs: number) {
  cluster = await startCluster({ processes: 1, environment: () => ({ HIGHLEVEL_TIMEOUT_SECONDS: "5" }) });
  await cluster.connect();
  const mappings = await cluster.addMappings();
  const keepUp = { sandbox: cluster.sandbox, mostAhead: 5 };
  const nextUrl = () => cluster.bridges.at(-1)?.url ?? "";
  const load = startLoad({ mappings, people, pauseMs, nextUrl, random: Math.random, keepUp });
  const untilMore = (count: number) => {
    const enough = load.acknowledged.size + count;
    return until(
      () => load.acknowledged.size,
      (size) => size >= enough,
    );
  };
  return { load, untilMore };
}

/** What dies again and again before it has done anything has died over what it reads first, and gives that up. */
function untilMorePosted() {
  const calls = cluster.sandbox.callCount(inbound);
  return () =>
    until(
      () => cluster.sandbox.callCount(inbound),
      (count) => count > calls,
    );
}

test("kill -9 of the bridge ten times under load: nothing that was acknowledged is missing, doubled or out of order", async () => {
  const { load, untilMore } = await begin(1, 200);
  cluster.sandbox.setFaults([{ kind: "delay", delayMs: 20, path: inbound }]);
  for (let kill = 1; kill <= 10; kill++) {
    const untilPosted = untilMorePosted();
    await untilMore(5 + Math.floor(Math.random() * 15));
    await untilPosted();
    const [bridge] = cluster.bridges.slice(-1);
    bridge?.kill("SIGKILL");
    await bridge?.exited;
    await cluster.start();
  }
  await load.stop();
  await cluster.untilSettled();
  expect(load.acknowledged.size).toBeGreaterThan(100);
  const failed = await cluster.admin("GET", "/webhooks?state=failed");
  const dead = await cluster.admin("GET", "/deliveries?state=dead");
  const givenUp = JSON.stringify([...failed.items, ...dead.items]);
  expect(judge(load.acknowledged, load.sent, acceptedBy(cluster.sandbox)), givenUp).toEqual(faultless);
}, 600_000);

test("SIGTERM finishes what is under way and ends with 0", async () => {
  const { load, untilMore } = await begin(1, 50);
  cluster.sandbox.setFaults([{ kind: "delay", delayMs: 500, path: inbound }]);
  await untilMore(3);
  const stopping = load.stop();
  await until(
    () => cluster.sandbox.callCount(inbound),
    (calls) => calls > 0,
  );
  const [bridge] = cluster.bridges;
  bridge?.kill("SIGTERM");
  expect(await bridge?.exited).toBe(0);
  await cluster.start();
  await stopping;
  await cluster.untilSettled();
  expect(judge(load.acknowledged, load.sent, acceptedBy(cluster.sandbox))).toEqual(faultless);
  expect(bridge?.logLines.filter((line) => line.includes('"outcome":"cut off"'))).toEqual([]);
}, 120_000);
