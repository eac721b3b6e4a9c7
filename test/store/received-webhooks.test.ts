import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { expect, inject, onTestFinished, test } from "vitest";
import { putLocation } from "../../src/store/locations.ts";
import { insertMapping } from "../../src/store/mappings.ts";
import { openDatabase, selectRows } from "../../src/store/postgres/database.ts";
import { lockMappingsWithWebhooks } from "../../src/store/received-webhooks.ts";
import { insertWebhooks } from "../../src/store/webhooks.ts";
import { createDatabase } from "../support/database.ts";

/** What the transaction says of how long it may wait for us, while mappings are locked. */
async function limitWhileLocked(options: Parameters<typeof openDatabase>[0]): Promise<unknown> {
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
  await insertWebhooks(db, [{ mappingId: id, source: "provider", url: "u", headers: {}, body: Buffer.from("{}") }]);
  return db.transaction(async (tx) => {
    expect(await lockMappingsWithWebhooks(tx, 20)).toMatchObject([{ id }]);
    const setting = sql`select current_setting('idle_in_transaction_session_timeout') as "limit"`;
    return (await selectRows<{ limit: string }>(tx, setting))[0]?.limit;
  });
}

test("a process that stands still loses the mappings it has locked", async () => {
  const { url, drop } = await createDatabase(inject("postgresUrl"));
  onTestFinished(drop);
  expect(await limitWhileLocked({ url, poolSize: 2, startSeconds: 10 })).toBe("5s");
});

test("the embedded database has no such limit: it would say for ever that it was passed", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "bridge-data-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  cpSync(inject("embeddedTemplate"), dataDir, { recursive: true });
  expect(await limitWhileLocked({ dataDir })).toBe("0");
});
