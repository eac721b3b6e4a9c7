import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

const placesOf = ({ processes }: World) => Array.from({ length: processes }, (_, place) => place);
const anyPlace = (world: World) => Math.floor(world.random() * world.processes);

const shiftClock = (minutes: number) => {
  const url = pathToFileURL(join(import.meta.dirname, "shift-clock.mjs"));
  return { NODE_OPTIONS: `--import ${url.href}?minutes=${minutes}` };
};
/** Within what providers' signatures allow: a process that is off by more rightly refuses their webhooks as stale. */
const skewMinutes = 4;

/** What happens to the bridge's processes. */
export const processFaults: Scenario[] = [
  {
    name: "kill",
    about: "kill -9 of bridge processes at random moments, 12 times",
    async disturb(world) {
      for (let kill = 1; kill <= 12; kill++) {
        await world.pass(0.2 + world.random() * 0.8);
        await world.killAndStart(anyPlace(world));
      }
    },
  },
  {
    name: "kill-all",
    about: "kill -9 of all bridge processes at once, 4 times",
    async disturb(world) {
      for (let kill = 1; kill <= 4; kill++) {
        await world.pass(1 + world.random());
        await Promise.all(placesOf(world).map((place) => world.killAndStart(place)));
      }
    },
  },
  {
    name: "rolling-restart",
    about: "SIGTERM, one process after another, each when its successor is there",
    async disturb(world) {
      for (let round = 1; round <= (world.processes === 1 ? 6 : 2); round++) {
        for (const place of placesOf(world)) {
          const old = world.bridges[place];
          await world.start(place);
          old?.kill("SIGTERM");
          const code = await old?.exited;
          if (code !== 0) throw new Error(`a process that was asked to end ended with ${code}`);
          await world.pass(0.3);
        }
      }
    },
  },
  {
    name: "pause",
    about: "SIGSTOP for longer than the lease, then SIGCONT",
    async disturb(world) {
      const paused = world.bridges[anyPlace(world)];
      paused?.kill("SIGSTOP");
      await sleep((world.attemptSeconds + 5 + 2) * 1000);
      paused?.kill("SIGCONT");
      await world.pass(2);
    },
  },
  {
    name: "clock-skew",
    about: "clocks that differ by 8 minutes: between the processes, or over a restart",
    environment: (world, place) => {
      const shifts = world.processes === 1 ? [skewMinutes] : [0, skewMinutes, -skewMinutes];
      return shiftClock(shifts[place] ?? 0);
    },
    async disturb(world) {
      await world.pass(4);
      for (const minutes of world.processes === 1 ? [-skewMinutes, skewMinutes] : []) {
        world.bridges[0]?.kill("SIGKILL");
        await world.bridges[0]?.exited;
        await world.start(0, shiftClock(minutes));
        await world.pass(2);
      }
      await world.pass(2);
    },
  },
];
