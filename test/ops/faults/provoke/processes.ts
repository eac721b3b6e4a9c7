import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { locationId, token } from "../../../support/location.ts";
import { until } from "../../../support/until.ts";
import type { Provocation } from "../provocation.ts";
import type { Stage } from "../stage.ts";

const saidBy = (start: Promise<unknown>) =>
  start.then(
    () => "it started",
    (error: Error) => error.message,
  );

/** Another session holds what the worker must have, as a psql whose transaction somebody left open does. */
let blocker: Awaited<ReturnType<Stage["connect"]>> | undefined;
const clock = performance.now.bind(performance);

export const processes: Record<string, Provocation> = {
  "No process runs": {
    provoke: ({ bridge }) => bridge.halt(),
    mend: ({ bridge }) => bridge.restart(),
  },
  "It does not start: keys are missing": {
    provoke: ({ bridge }) => saidBy(bridge.restart({ encryptionKeys: [randomBytes(32)] })),
    mend: ({ bridge, encryptionKeys }) => bridge.restart({ encryptionKeys: [randomBytes(32), ...encryptionKeys] }),
  },
  "It does not start: the database takes no login": {
    provoke: ({ bridge, urlOf }) => saidBy(bridge.restart({ database: { url: urlOf("nobody"), poolSize: 10 } })),
    mend: ({ bridge, urlOf }) => bridge.restart({ database: { url: urlOf(), poolSize: 10 } }),
  },
  "Nobody works": {
    async provoke({ bridge, text, age, calm }) {
      await bridge.restart({ run: "web" });
      await calm();
      await text();
      await age(5);
    },
    mend: ({ bridge }) => bridge.restart({ run: "all" }),
  },
  "A worker is stuck": {
    // The clock is put forward by a minute.
    async provoke(stage) {
      const { text, sql } = stage;
      blocker = await stage.connect();
      await blocker.query("begin; lock table messages in share row exclusive mode");
      await text();
      await until(
        () => sql("select 1 from pg_stat_activity where wait_event_type = 'Lock' and usename like 'bridge%'"),
        (rows) => rows.length > 0,
      );
      performance.now = () => clock() + 61_000;
    },
    async mend({ bridge }) {
      await blocker?.query("rollback");
      await blocker?.end();
      await bridge.restart();
      performance.now = clock;
    },
  },
  "A process stands still": {
    async provoke() {
      for (let time = 0; time < 3; time++) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
        await sleep(60);
      }
    },
  },
  "A mistake of ours": {
    async provoke({ bridge, sql, text }) {
      await sql("update locations set sealed_token = left(sealed_token, -6) || 'AAAAAA'");
      await bridge.admin("POST", `/locations/${locationId}/resume`);
      await text();
      await until(
        () => bridge.admin("GET", "/deliveries?state=dead&reason=internal_error"),
        ({ body }) => body.items.length > 0,
      );
    },
    async mend({ bridge }, run) {
      await bridge.admin("PUT", `/locations/${locationId}`, { token });
      await run();
    },
  },
  "A webhook kills the process": {
    // As the count says after its third death: test/inbox/deadly-webhooks.test.ts has it die.
    async provoke({ sql }) {
      await sql(`
        insert into webhooks (mapping_id, source, url, headers, body, read_attempts)
        select mapping_id, source, url, headers, convert_to(replace(convert_from(body, 'UTF8'), '"text-', '"again-'), 'UTF8'), 3
        from webhooks where convert_from(body, 'UTF8') like '%"text-%' order by id desc limit 1`);
    },
    async mend({ newest }, run) {
      await run({ WEBHOOK: await newest("/webhooks?state=failed") });
    },
  },
  "A write is not in the audit": {
    async provoke({ bridge, sql }) {
      await sql("alter table audit rename to audit_away");
      await bridge.admin("PUT", "/locations/location-3", { token: "token-3" });
    },
    mend: async ({ sql }) => void (await sql("alter table audit_away rename to audit")),
  },
  "A declared provider is not known": {
    provoke: async ({ sql }) =>
      void (await sql(`insert into providers (name, document, version) values ('x-broken', '{}', gen_random_uuid())`)),
    mend: async ({ sql }) => void (await sql("delete from providers")),
  },
};
