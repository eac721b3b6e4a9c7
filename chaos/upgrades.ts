import type { Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

async function replace(world: World, place: number, start: (place: number) => Promise<unknown>): Promise<void> {
  const old = world.bridges[place];
  await start(place);
  old?.kill("SIGTERM");
  const code = await old?.exited;
  if (code !== 0) throw new Error(`a process that was asked to end ended with ${code}`);
}

/** This version and the one before on one database, under load. */
export const upgrades: Scenario[] = [
  {
    name: "upgrade",
    about: "processes of the version before are replaced one after another; for a time both work",
    processes: [2],
    beginsEarlier: true,
    async disturb(world) {
      await world.pass(2);
      await replace(world, 0, world.start);
      await world.pass(6);
      await replace(world, 1, world.start);
      await world.pass(2);
    },
  },
  {
    name: "straggler",
    about: "a process of the version before starts on a database that this one has migrated, and works beside it",
    processes: [2],
    async disturb(world) {
      await world.pass(2);
      await replace(world, 1, world.startEarlier);
      await world.pass(6);
      await replace(world, 1, world.start);
      await world.pass(2);
    },
  },
];
