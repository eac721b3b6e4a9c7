import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { putLocation } from "../../src/store/locations.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { insertWebhooks, replayWebhook } from "../../src/store/webhooks.ts";
import { copyMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";
import { spawnChild } from "../support/spawn-child.ts";

let database: Database;
let owner: Awaited<ReturnType<typeof copyMigrated>>;
beforeAll(async () => {
  owner = await copyMigrated(inject);
  database = await openDatabase({ url: owner.url, poolSize: 3, startSeconds: 10 });
  await putLocation(database.db, { id: "loc", sealedToken: "sealed" });
});
afterAll(async () => {
  await database.close();
  await owner.drop();
});

const addMapping = (address: string) =>
  insertMapping(database.db, {
    ...{ locationId: "loc", provider: "generic-sms", address, conversationProviderId: "p" },
    ...{ type: "Custom", unknownSender: "create", postAutomatic: false },
  });

async function receive(mapping: { id: string; address: string }, texts: string[]): Promise<number[]> {
  const bodyOf = (text: string) => ({
    type: "message.received",
    data: { id: `${mapping.address} ${text}`, from: "+15005550006", to: mapping.address, text },
  });
  return insertWebhooks(
    database.db,
    texts.map((text) => ({
      ...{ accountId: mapping.id, source: "provider" as const, url: "u" },
      ...{ headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify(bodyOf(text))) },
    })),
  );
}

/** Plain JavaScript over compiled modules: tsx takes four times as long to load them, at each start. */
const { folder } = inject("program");
const worker = join(folder, "deadly-worker.mjs");
const source = readFileSync(join(import.meta.dirname, "deadly-worker.ts"), "utf8");
writeFileSync(worker, transformSync(source, { loader: "ts" }).code);

async function runWorker(): Promise<number | null> {
  const args = [worker, owner.url, join(folder, "dist/modules")];
  const [code] = await once(spawnChild(process.execPath, args, { stdio: "inherit" }), "exit");
  return code;
}

const states = () =>
  selectRows<{ state: string; reason: string | null; readAttempts: number }>(
    database.db,
    sql`select state, reason, read_attempts as "readAttempts" from webhooks order by id`,
  );
test("a webhook over which the bridge dies twice when it reads it alone has failed, and all beside it and behind it arrive", async () => {
  const [attacked, other] = [await addMapping("+15005550001"), await addMapping("+15005550002")];
  const [, poison = 0] = await receive(attacked, ["before", "poison", "after"]);
  await receive(other, ["beside"]);

  expect(await runWorker(), "killed while it read all of them").toBeNull();
  expect(await states()).toMatchObject(Array(4).fill({ state: "received", readAttempts: 1 }));
  expect(await runWorker(), "killed while it read the deadly one alone").toBeNull();
  expect(await states()).toMatchObject([
    { state: "processed" },
    { state: "received", readAttempts: 2 },
    { state: "received", readAttempts: 1 },
    { state: "received", readAttempts: 1 },
  ]);

  expect(await runWorker(), "and once more: the first time could have been by chance").toBeNull();
  expect((await states())[1]).toMatchObject({ state: "received", readAttempts: 3 });

  expect(await runWorker(), "nobody reads it again").toBe(0);
  const [, failed, ...others] = await states();
  expect(failed).toMatchObject({ state: "failed", reason: expect.stringMatching(/the bridge died over it.*replay/) });
  expect(others).toMatchObject([{ state: "processed" }, { state: "processed" }]);

  expect(await replayWebhook(database.db, poison)).toBe(true);
  expect(await runWorker(), "a replay begins anew").toBeNull();
  expect((await states())[1]).toMatchObject({ state: "received", readAttempts: 1 });
  await database.db.execute(sql`update webhooks set state = 'ignored' where id = ${poison}`);
}, 240_000);
