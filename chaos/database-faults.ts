import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { atExit } from "../test/support/at-exit.ts";
import type { Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

/** What happens to the database. */
export const databaseFaults: Scenario[] = [
  {
    name: "database-restart",
    about: "PostgreSQL stopped in immediate mode and started again, 3 times",
    ownPostgres: true,
    async disturb(world) {
      for (let restart = 1; restart <= 3; restart++) {
        await world.postgres?.stopImmediately();
        await world.pass(0.5 + world.random() * 2);
        await world.postgres?.restart();
        await world.pass(1.5 + world.random());
      }
    },
  },
  {
    name: "cut-connections",
    about: "pg_terminate_backend on whatever is in a statement or a transaction",
    async disturb(world) {
      const client = new pg.Client({ connectionString: world.databaseUrl });
      // When the scenario has failed elsewhere its database goes away under this.
      client.on("error", () => undefined);
      await client.connect();
      let cut = 0;
      for (let round = 1; round <= 100 || (cut < enoughCuts && round <= 1000); round++) {
        const { rowCount } = await client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and (state <> 'idle' or random() < 0.02)`,
        );
        cut += rowCount ?? 0;
        await world.pass(0.02 + world.random() * 0.1);
      }
      await client.end();
      if (cut < enoughCuts) throw new Error(`only ${cut} connections were cut`);
    },
  },
  {
    name: "full-disk",
    about: "the embedded database's disk is full, then has room again; then kill -9",
    processes: [1],
    mustRefuse: true,
    skipBecause: () =>
      process.platform === "linux" && process.getuid?.() === 0
        ? undefined
        : "only root on Linux can mount a small disk",
    prepare(world) {
      const disk = diskOf(world);
      mkdirSync(disk);
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskMegabytes}m`, "tmpfs", disk]);
      world.atEnd(atExit(() => execFileSync("umount", ["--lazy", disk])));
    },
    environment: (world) => ({ DATABASE_URL: "", DATA_DIR: join(diskOf(world), "data") }),
    async disturb(world) {
      const ballast = join(diskOf(world), "ballast");
      await world.pass(2);
      fill(diskOf(world), ballast);
      for (let second = 1; second <= 8; second++) {
        fill(diskOf(world), ballast);
        await world.pass(1);
      }
      rmSync(ballast);
      await world.pass(3);
      await world.killAndStart(0);
    },
  },
];

/** Fewer say nothing: then it goes on for longer. */
const enoughCuts = 10;

/** Takes what room there is. */
function fill(disk: string, ballast: string): void {
  const { bavail, bsize } = statfsSync(disk);
  try {
    appendFileSync(ballast, Buffer.alloc(bavail * bsize));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

const diskMegabytes = 200;
const diskOf = ({ folder }: World) => join(folder, "disk");
