import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Scenario } from "./scenario.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import type { World } from "./world.ts";

/**
 * Who makes a lane due may lease it along (docs/decisions/0013): what happens to that on its way to PostgreSQL. A process is
 * seen at it by the names of its prepared statements, which come with each request.
 */
const enqueues = Buffer.from("enqueue-deliveries\0");
const readsHeads = Buffer.from("read-heads\0");
const ofHandOver = Buffer.from('"isLeased":true');
const commit = Buffer.from("commit\0");

/** What was leased as it became due is committed, and its heads are read, before there is any call. */
const takesHandedOver = (request: Buffer) => request.includes(readsHeads) && request.includes(ofHandOver);
const takesClaimed = (request: Buffer) => request.includes(readsHeads) && !request.includes(ofHandOver);

/** The way of each place to PostgreSQL. */
const proxies = new WeakMap<World, TcpProxy[]>();
const proxiesOf = (world: World): TcpProxy[] => proxies.get(world) ?? [];

const standsBeforeDatabase: Required<Pick<Scenario, "prepare" | "environment">> = {
  async prepare(world) {
    const port = Number(new URL(world.databaseUrl).port);
    const started = await Promise.all(Array.from({ length: world.processes }, () => startTcpProxy(port)));
    proxies.set(world, started);
    for (const proxy of started) world.atEnd(() => proxy.stop());
  },
  environment(world, place) {
    const url = new URL(world.databaseUrl);
    url.port = String(proxiesOf(world)[place]?.port);
    // Where that is a Unix socket, it would lead past the proxy.
    url.searchParams.delete("host");
    return { DATABASE_URL: url.href };
  },
};

/** Longer than this it takes only where the fault has no way to happen any more. */
const giveUpSeconds = 240;

async function untilTrue(what: string, isTrue: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + giveUpSeconds * 1000;
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error(`within ${giveUpSeconds} s ${what}`);
    await sleep(20);
  }
}

export const handOverFaults: Scenario[] = [
  {
    name: "kill-at-hand-over",
    about:
      "kill -9 of processes that have committed a lease with what made it due, and have called nobody yet, 5 times",
    ...standsBeforeDatabase,
    async disturb(world) {
      for (let kill = 1; kill <= 5; kill++) {
        await world.pass(0.2 + world.random() * 0.8);
        const place = Math.floor(world.random() * world.processes);
        const [proxy, bridge] = [proxiesOf(world)[place], world.bridges[place]];
        let isKilled = false;
        proxy?.setFate((request) => {
          isKilled ||= takesHandedOver(request);
          if (isKilled) bridge?.kill("SIGKILL");
          return isKilled ? "cut request" : "pass";
        });
        await untilTrue("nothing was handed over", () => isKilled);
        await bridge?.exited;
        proxy?.setFate(() => "pass");
        await world.start(place);
      }
    },
  },
  {
    name: "lost-commit",
    about: "connections cut between a commit that makes lanes due or leases them and PostgreSQL's answer, 10 times",
    ...standsBeforeDatabase,
    async disturb(world) {
      const enqueuing = new WeakSet<Socket>();
      let lost = 0;
      const draw = (request: Buffer, client: Socket) => {
        if (request.includes(enqueues)) enqueuing.add(client);
        if (!request.includes(commit) || !enqueuing.delete(client) || world.random() < 0.5) return "pass";
        lost++;
        return "lose answer";
      };
      for (const proxy of proxiesOf(world)) proxy.setFate(draw);
      await untilTrue("too few commits' answers were lost", () => lost >= 10);
      for (const proxy of proxiesOf(world)) proxy.setFate(() => "pass");
    },
  },
  {
    name: "bursts",
    about:
      "bursts between quiet times, so that lanes are handed over and claimed in turn, by processes with few places",
    prepare: standsBeforeDatabase.prepare,
    environment: (world, place) => ({ ...standsBeforeDatabase.environment(world, place), DELIVERY_CONCURRENCY: "16" }),
    async disturb(world) {
      // Quiet also for a process that shares its machine with other runs: else what is left of a burst never ends.
      const [burstMs, quietMs] = [world.pauseMs / 20, world.pauseMs * 4];
      let [handedOver, claimed] = [0, 0];
      for (const proxy of proxiesOf(world)) {
        proxy.setFate((request) => {
          if (takesHandedOver(request)) handedOver++;
          if (takesClaimed(request)) claimed++;
          return "pass";
        });
      }
      world.sandbox.setFaults([{ kind: "delay", delayMs: 50, rate: 0.5 }]);
      for (let burst = 1; burst <= 6; burst++) {
        const before = { handedOver, claimed };
        world.pauseMs = burstMs;
        await world.pass(1);
        await untilTrue("a burst was not claimed", () => claimed > before.claimed);
        world.pauseMs = quietMs;
        await world.pass(1.5);
        await untilTrue("nothing was handed over after a burst", () => handedOver > before.handedOver);
      }
      world.sandbox.setFaults([]);
    },
  },
];
