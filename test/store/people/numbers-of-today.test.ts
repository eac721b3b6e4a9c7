import { readFileSync } from "node:fs";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { numberOfToday } from "../../../src/formats/phone-number.ts";
import type { Database } from "../../../src/store/postgres/database.ts";
import { selectRows } from "../../../src/store/postgres/database.ts";
import { openMigrated } from "../../support/database.ts";
import { insertMapping } from "../../support/insert-mapping.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 1);
});
afterAll(() => database.close());

test("who was kept by a former number is kept by that of today, but where both are there", async () => {
  const { db } = database;
  const locationId = "here";
  await db.execute(sql`insert into locations (id) values (${locationId})`);
  const mapping = { provider: "twilio", locationId, address: "+15005550009", conversationProviderId: "p" };
  const rest = { type: "Custom", unknownSender: "create", postAutomatic: false } as const;
  const { id } = await insertMapping(db, { ...mapping, ...rest });
  const kept = ["+553188887777", "+5215512345678", "+553132345678", "+15005550006", "+553188880001", "+5531988880001"];
  for (const address of kept) {
    await db.execute(
      sql`insert into conversations (mapping_id, location_id, address) values (${id}, ${locationId}, ${address})`,
    );
    await db.execute(
      sql`insert into opt_outs (location_id, channel, address, cause) values (${locationId}, 'sms', ${address}, 'word')`,
    );
  }
  await db.execute(sql.raw(readFileSync("migrations/0055_numbers-of-today.sql", "utf8")));
  const wanted = kept.map((address) => (address === "+553188880001" ? address : numberOfToday(address)));
  const now = await selectRows<{ address: string; spelling: string | null }>(
    db,
    sql`select address, spelling from conversations order by id`,
  );
  expect(now.map(({ address }) => address)).toEqual(wanted);
  expect(now.map(({ spelling }) => spelling)).toEqual([kept[0], kept[1], null, null, null, null]);
  const optOuts = await selectRows<{ address: string }>(db, sql`select address from opt_outs order by id`);
  expect(optOuts.map(({ address }) => address)).toEqual(wanted);
});
