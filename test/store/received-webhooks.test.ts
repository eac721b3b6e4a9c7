import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { expect, inject, onTestFinished, test } from "vitest";
import { putLocation } from "../../src/store/locations.ts";
import { selectRows } from "../../src/store/postgres/database.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { lockAccountsWithWebhooks } from "../../src/store/received-webhooks.ts";
import { insertWebhooks } from "../../src/store/webhooks.ts";
import { copyMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";

/** What transactions say of how long they may wait for us: while mappings are locked, and of others. */
async function limits(options: Parameters<typeof openDatabase>[0]): Promise<string[]> {
  const { db, close } = await openDatabase(options);
  onTestFinished(close);
  await putLocation(db, { id: "location", sealedToken: "sealed" });
  const mapping = {
    locationId: "location",
    provider: "generic-sms",
    address: "+15005550006",
    conversationProviderId: "p",
  };
  const { id } = await insertMapping(db, { ...mapping, type: "SMS", unknownSender: "create", postAutomatic: false });
  await insertWebhooks(db, [{ accountId: id, source: "provider", url: "u", headers: {}, body: Buffer.from("{}") }]);
  const setting = sql`select current_setting('idle_in_transaction_session_timeout') as "limit"`;
  const locked = await db.transaction(async (tx) => {
    expect(await lockAccountsWithWebhooks(tx, 20)).toMatchObject([{ id }]);
    return selectRows<{ limit: string }>(tx, setting);
  });
  return [...locked, ...(await selectRows<{ limit: string }>(db, setting))].map(({ limit }) => limit);
}

test("a process that stands still loses the mappings it has locked after 5 s, and other transactions are left alone", async () => {
  const { url, drop } = await copyMigrated(inject);
  onTestFinished(drop);
  expect(await limits({ url, poolSize: 1, startSeconds: 10 })).toEqual(["5s", "30s"]);
});

test("the embedded database has no such limit: it would say for ever that it was passed", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "bridge-data-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  cpSync(inject("embeddedTemplate"), dataDir, { recursive: true });
  expect(await limits({ dataDir })).toEqual(["0", "0"]);
});
