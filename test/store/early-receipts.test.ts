import { sql } from "drizzle-orm";
import { expect, inject, onTestFinished, test } from "vitest";
import { putLocation } from "../../src/store/locations.ts";
import { selectRows } from "../../src/store/postgres/database.ts";
import { finishWebhooks, lockAccountsWithWebhooks } from "../../src/store/received-webhooks.ts";
import { foreignReceipt, insertWebhooks, replayEarlyReceipts } from "../../src/store/webhooks.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";
import { until } from "../support/until.ts";

test("a receipt that is being passed over while its send is recorded is heard again, and what has another reason is not", async () => {
  const { db, close } = await openMigrated(inject, 6);
  onTestFinished(close);
  await putLocation(db, { id: "location", sealedToken: "sealed" });
  const { id: accountId } = await insertMapping(db, {
    ...{ locationId: "location", provider: "evolution", address: "+15005550006", conversationProviderId: "p" },
    ...{ type: "SMS", unknownSender: "create", postAutomatic: false },
  });
  const webhook = { accountId, source: "provider" as const, url: "u", headers: {}, body: Buffer.from("{}") };
  const [early = 0, other = 0] = await insertWebhooks(db, [webhook, webhook]);
  let isHeard = false;
  const waiting = sql`select count(*)::int as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  let hearing: Promise<void> | undefined;
  await db.transaction(async (tx) => {
    expect(await lockAccountsWithWebhooks(tx, 20)).toMatchObject([{ id: accountId }]);
    await finishWebhooks(tx, [
      { id: early, state: "ignored", reason: foreignReceipt },
      { id: other, state: "ignored", reason: "event X is not bridged" },
    ]);
    hearing = replayEarlyReceipts(db, accountId).then(() => {
      isHeard = true;
    });
    await until(
      async () => isHeard || (await selectRows<{ count: number }>(db, waiting))[0]?.count,
      (done) => done === true || Number(done) > 0,
    );
  });
  await hearing;
  const states = await selectRows(db, sql`select state, reason from webhooks order by id`);
  expect(states).toEqual([
    { state: "received", reason: null },
    { state: "ignored", reason: "event X is not bridged" },
  ]);
});
