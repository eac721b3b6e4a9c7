import { expect } from "vitest";
import { until } from "../../../support/until.ts";
import type { Provocation } from "../provocation.ts";
import type { Stage } from "../stage.ts";

/** What is under way on a connection that is cut by hand ends by other words. */
const cutByHand = /"database":"(starting|unreachable)"/;
let other: Awaited<ReturnType<Stage["connect"]>> | undefined;

const cut = ({ sqlOnServer }: Stage) =>
  sqlOnServer("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'conversation-bridge'");

/** Until a webhook is answered 503. */
const untilRefused = (stage: Stage) =>
  until(
    () => stage.text(),
    (status) => status === 503,
  );

const restartAt = ({ bridge, urlOf }: Stage) => bridge.restart({ database: { url: urlOf(), poolSize: 10 } });

export const database: Record<string, Provocation> = {
  "It is away": {
    // Its last words.
    leavesOut: /"database":"starting"/,
    async provoke(stage) {
      // Tests' servers may lose what they have not written yet.
      await stage.sqlOnServer("checkpoint");
      await stage.server.stopImmediately();
      await untilRefused(stage);
    },
    mend: ({ server }) => server.restart(),
  },
  "It is full (53100, 53400)": {
    async provoke(stage) {
      if (stage.disk) stage.disk.fill();
      else await failWrites(stage);
      const text = Array.from({ length: 10_000 }, () => Math.random().toString(36))
        .join(" ")
        .slice(0, 90_000);
      const post = () => stage.post(stage.write("generic-sms", { text }));
      await until(post, (status) => status === 503);
    },
    async mend(stage) {
      if (stage.disk) stage.disk.makeRoom();
      else await stage.sql("drop trigger fails on webhooks; drop trigger fails on write_probes");
    },
  },
  "It takes no writes (25006)": {
    async provoke(stage) {
      await stage.sqlOnServer("alter system set default_transaction_read_only = on");
      await stage.sqlOnServer("select pg_reload_conf()");
      await untilRefused(stage);
    },
    async mend({ sqlOnServer }) {
      await sqlOnServer("alter system reset default_transaction_read_only");
      await sqlOnServer("select pg_reload_conf()");
    },
  },
  "It takes no more connections (53300)": {
    leavesOut: cutByHand,
    async provoke(stage) {
      await stage.sqlOnServer("alter role bridge connection limit 0");
      await cut(stage);
      await untilRefused(stage);
    },
    mend: async ({ sqlOnServer }) => void (await sqlOnServer("alter role bridge connection limit -1")),
  },
  "It refuses the login (28…)": {
    leavesOut: cutByHand,
    async provoke(stage) {
      await stage.sqlOnServer("alter role bridge nologin");
      await stage.sqlOnServer("create role bridge_anew login in role bridge");
      await cut(stage);
      await untilRefused(stage);
    },
    async mend(stage) {
      stage.state.user = "bridge_anew";
      await restartAt(stage);
    },
  },
  "The database is gone (3D000)": {
    leavesOut: /"database":"(starting|unreachable)"|"code":"55000"/,
    async provoke(stage) {
      // Nobody may be in it meanwhile.
      await stage.sqlOnServer("alter database bridge with allow_connections false");
      const isRenamed = async () => {
        await cut(stage);
        return stage.sqlOnServer("alter database bridge rename to bridge_moved").then(
          () => true,
          () => false,
        );
      };
      await until(isRenamed, (isSo) => isSo);
      await stage.sqlOnServer("alter database bridge_moved with allow_connections true");
      await untilRefused(stage);
    },
    async mend(stage) {
      stage.state.database = "bridge_moved";
      await restartAt(stage);
    },
  },
  "It has no memory left (53200)": {
    async provoke(stage) {
      other = await stage.connect();
      // Each takes a place in the memory that all locks share.
      await expect(other.query("select pg_advisory_lock(n) from generate_series(1, 1000000) n")).rejects.toThrow(
        "memory",
      );
      await untilRefused(stage);
    },
    mend: async () => void (await other?.end()),
  },
  "It starts, or shuts down (57P…)": {
    leavesOut: /"database":"unreachable"/,
    async provoke(stage) {
      other = await stage.connect();
      const [{ pid } = {}] = await stage.sqlOnServer(
        "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid",
      );
      // As `pg_ctl stop -m smart`: whoever is connected may finish, and nobody else comes in.
      process.kill(Number(pid), "SIGTERM");
      await other.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'conversation-bridge'",
      );
      await untilRefused(stage);
    },
    async mend({ server }) {
      await other?.end();
      await server.stopImmediately();
      await server.restart();
    },
  },
  "It is too slow (57014)": {
    async provoke(stage) {
      other = await stage.connect();
      await other.query("begin; lock table webhooks, write_probes in access exclusive mode");
      await stage.readyz();
    },
    async mend() {
      await other?.query("rollback");
      await other?.end();
    },
  },
};

/** Where no small disk can be mounted: in the words that PostgreSQL has for a full one. */
async function failWrites({ sql }: Stage): Promise<void> {
  await sql(`create or replace function fail() returns trigger language plpgsql as $$
    begin raise exception 'could not extend file' using errcode = '53100'; end $$`);
  for (const table of ["webhooks", "write_probes"])
    await sql(`create trigger fails before insert on ${table} execute function fail()`);
}
