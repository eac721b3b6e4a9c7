import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { findAccount, updateAccount } from "../../src/store/accounts.ts";
import { putLocation } from "../../src/store/locations.ts";
import { deleteMapping, insertMapping as insert, updateMapping } from "../../src/store/mappings.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { pruneStep } from "../../src/store/retention.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 2);
  await putLocation(database.db, { id: "loc", sealedToken: "sealed" });
});
afterAll(() => database.close());

const settings = {
  ...({ locationId: "loc", provider: "twilio", conversationProviderId: "p", type: "Custom" } as const),
  ...({ unknownSender: "create", postAutomatic: false } as const),
};

test("an account goes on when the mapping that it came along with is moved, also after a rotation and a week", async () => {
  const { db } = database;
  const mapping = await insertMapping(db, { ...settings, address: "+15005550001", sealedCredentials: "first" });
  const movedTo = "22222222-8b86-4d11-b42d-00c04fc964ff";
  await deleteMapping(db, mapping.id, movedTo);
  await insert(db, { ...settings, id: movedTo, accountId: mapping.id, address: mapping.address });

  await updateAccount(db, mapping.id, { sealedCredentials: "second" });
  expect(await findAccount(db, mapping.id)).toMatchObject({ deletedAt: null, sealedCredentials: "second" });
  await db.execute(sql`update mappings set deleted_at = now() - interval '8 days' where id = ${mapping.id}`);
  await pruneStep(db, { retentionDays: 30, rows: 10 });
  expect(await findAccount(db, mapping.id)).toMatchObject({ deletedAt: null, sealedCredentials: "second" });
});

test("what a process of 0.2 registers, rotates and deletes is its account's, too", async () => {
  const { db } = database;
  const id = "33333333-8b86-4d11-b42d-00c04fc964ff";
  await db.execute(sql`
    insert into mappings (id, location_id, provider, address, type, unknown_sender, post_automatic, sealed_credentials)
    values (${id}, 'loc', 'twilio', '+15005550002', 'Custom', 'create', false, 'first')`);
  expect(await findAccount(db, id)).toMatchObject({ locationIds: ["loc"], sealedCredentials: "first" });
  await updateMapping(db, id, { sealedCredentials: "second" });
  expect(await findAccount(db, id)).toMatchObject({ deletedAt: null, sealedCredentials: "second" });
  await db.execute(sql`update mappings set deleted_at = now(), sealed_credentials = null where id = ${id}`);
  expect(await findAccount(db, id)).toMatchObject({ deletedAt: expect.any(Date), sealedCredentials: null });
});
