import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { expect, inject, onTestFinished, test } from "vitest";
import { putLocation } from "../../src/store/locations.ts";
import { type Db, selectRows } from "../../src/store/postgres/database.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { listReceivedWebhooks, lockAccountsWithWebhooks } from "../../src/store/received-webhooks.ts";
import { findWebhook, insertWebhooks } from "../../src/store/webhooks.ts";
import { copyEmbedded, copyMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";

async function addMapping(db: Db): Promise<string> {
  await putLocation(db, { id: "location", sealedToken: "sealed" });
  const mapping = {
    locationId: "location",
    provider: "generic-sms",
    address: "+15005550006",
    conversationProviderId: "p",
  };
  const { id } = await insertMapping(db, { ...mapping, type: "SMS", unknownSender: "create", postAutomatic: false });
  return id;
}
const written = { source: "provider" as const, url: "u", headers: {} };

/** What transactions say of how long they may wait for us: while mappings are locked, and of others. */
async function limits(options: Parameters<typeof openDatabase>[0]): Promise<string[]> {
  const { db, close } = await openDatabase(options);
  onTestFinished(close);
  const id = await addMapping(db);
  await insertWebhooks(db, [{ ...written, accountId: id, body: Buffer.from("{}") }]);
  const setting = sql`select current_setting('idle_in_transaction_session_timeout') as "limit"`;
  const locked = await db.transaction(async (tx) => {
    expect(await lockAccountsWithWebhooks(tx, 20)).toMatchObject([{ id }]);
    return selectRows<{ limit: string }>(tx, setting);
  });
  return [...locked, ...(await selectRows<{ limit: string }>(db, setting))].map(({ limit }) => limit);
}

/** Opens a database that is new, and removes it when the test has ended. */
async function openPostgres(): Promise<Parameters<typeof openDatabase>[0]> {
  const { url, drop } = await copyMigrated(inject);
  onTestFinished(drop);
  return { url, poolSize: 1, startSeconds: 10 };
}
async function openEmbedded(): Promise<Parameters<typeof openDatabase>[0]> {
  const dataDir = mkdtempSync(join(tmpdir(), "bridge-data-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  copyEmbedded(inject, dataDir);
  return { dataDir };
}

test("a process that stands still loses the mappings it has locked after 5 s, and other transactions are left alone", async () => {
  expect(await limits(await openPostgres())).toEqual(["5s", "30s"]);
});

test("the embedded database has no such limit: it would say for ever that it was passed", async () => {
  expect(await limits(await openEmbedded())).toEqual(["0", "0"]);
});

test.each([
  ["PostgreSQL", openPostgres],
  ["the embedded database", openEmbedded],
])("a body of any size is read from %s as it was stored", async (_name, open) => {
  const { db, close } = await openDatabase(await open());
  onTestFinished(close);
  const accountId = await addMapping(db);
  const sizes = [0, 1, 999_999, 1_000_000, 1_000_001, 2_500_000];
  const bodies = sizes.map((size, nth) => (nth % 2 ? randomBytes(size) : Buffer.alloc(size, "as if it were text ")));
  const ids: number[] = [];
  for (const body of bodies) ids.push(...(await insertWebhooks(db, [{ ...written, accountId, body }])));
  const { webhooks: listed } = await listReceivedWebhooks(db, [accountId], { rows: 10, bytes: 100_000_000 });
  expect(listed.map(({ id }) => id)).toEqual(ids);
  for (const [nth, body] of bodies.entries()) {
    expect(listed[nth]?.body.equals(body)).toBe(true);
    expect((await findWebhook(db, ids[nth] ?? 0))?.body.equals(body)).toBe(true);
  }
});
