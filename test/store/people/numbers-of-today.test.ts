import { readFileSync } from "node:fs";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { numberOfToday } from "../../../src/formats/phone-number.ts";
import { findContactsOptOut } from "../../../src/store/consent/opt-outs.ts";
import type { Database } from "../../../src/store/postgres/database.ts";
import { selectRows } from "../../../src/store/postgres/database.ts";
import { openMigrated } from "../../support/database.ts";
import { insertMapping } from "../../support/insert-mapping.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 1);
});
afterAll(() => database.close());

const migrate = async () => {
  for (const statement of readFileSync("migrations/0055_numbers-of-today.sql", "utf8").split(
    "--> statement-breakpoint",
  ))
    await database.db.execute(sql.raw(statement));
};
async function addMapping(locationId: string): Promise<string> {
  await database.db.execute(sql`insert into locations (id) values (${locationId})`);
  const mapping = { provider: "twilio", locationId, address: "+15005550009", conversationProviderId: "p" };
  const rest = { type: "Custom", unknownSender: "create", postAutomatic: false } as const;
  return (await insertMapping(database.db, { ...mapping, ...rest })).id;
}

test("who was kept by a former number is kept by that of today, but where both are there", async () => {
  const { db } = database;
  const locationId = "here";
  const id = await addMapping(locationId);
  const kept = ["+553188887777", "+5215512345678", "+553132345678", "+15005550006", "+553188880001", "+5531988880001"];
  for (const address of kept) {
    await db.execute(
      sql`insert into conversations (mapping_id, location_id, address) values (${id}, ${locationId}, ${address})`,
    );
    await db.execute(
      sql`insert into opt_outs (location_id, channel, address, cause) values (${locationId}, 'sms', ${address}, 'word')`,
    );
  }
  await migrate();
  const wanted = kept.map((address) => (address === "+553188880001" ? address : numberOfToday(address)));
  const now = await selectRows<{ address: string; spelling: string | null }>(
    db,
    sql`select address, spelling from conversations order by id`,
  );
  expect(now.map(({ address }) => address)).toEqual(wanted);
  expect(now.map(({ spelling }) => spelling)).toEqual([kept[0], kept[1], null, null, null, null]);
  const optOuts = await selectRows<{ address: string }>(db, sql`select address from opt_outs order by id`);
  expect(optOuts.map(({ address }) => address)).toEqual([...new Set(kept.map(numberOfToday))]);
});

test("of two opt-outs of one person the one stays that stands, the strongest of them, and no other", async () => {
  const { db } = database;
  const locationId = "there";
  await db.execute(sql`insert into locations (id) values (${locationId})`);
  const [former, today] = ["+5215512340001", "+525512340001"];
  const enter = (channel: string, address: string, cause: string, liftedAt: string | null = null) =>
    db.execute(
      sql`insert into opt_outs (location_id, channel, address, cause, lifted_at) values (${locationId}, ${channel}, ${address}, ${cause}, ${liftedAt})`,
    );
  await enter("sms", former, "word");
  await enter("sms", today, "operator", "2026-01-01T00:00:00Z");
  await enter("whatsapp", former, "highlevel");
  await enter("whatsapp", today, "word");
  await enter("email", former, "word");
  await migrate();
  const left = sql`select channel, address, cause, lifted_at as "liftedAt" from opt_outs where location_id = ${locationId} order by id`;
  expect(await selectRows(db, left)).toEqual([
    { channel: "sms", address: today, cause: "word", liftedAt: null },
    { channel: "whatsapp", address: today, cause: "word", liftedAt: null },
    { channel: "email", address: today, cause: "word", liftedAt: null },
  ]);
});

test("who has a conversation by both is answered by the number that they wrote by last", async () => {
  const { db } = database;
  const mappingId = await addMapping("elsewhere");
  const numbers = ["+525512340011", "+5215512340011", "+5215512340012", "+525512340012"];
  for (const address of numbers) {
    const [made] = await selectRows<{ id: number }>(
      db,
      sql`insert into conversations (mapping_id, location_id, address, service) values (${mappingId}, 'elsewhere', ${address}, 'whatsapp') returning id`,
    );
    await db.execute(sql`
      insert into messages (mapping_id, conversation_id, direction, state, provider_message_id, received_at)
      values (${mappingId}, ${made?.id}, 'inbound', 'received', ${address}, now())`);
  }
  await migrate();
  const told = sql`select address, spelling from conversations where mapping_id = ${mappingId} order by id`;
  expect(await selectRows(db, told)).toEqual([
    { address: numbers[0], spelling: numbers[1] },
    { address: numbers[1], spelling: null },
    { address: numbers[2], spelling: null },
    { address: numbers[3], spelling: null },
  ]);
});

test("a contact whom a conversation of before has by the former number has opted out as the person of today has", async () => {
  const { db } = database;
  const mappingId = await addMapping("nowhere");
  const [former, today] = ["+5215512340021", "+525512340021"];
  await db.execute(sql`
    insert into conversations (mapping_id, location_id, address, highlevel_contact_id)
    values (${mappingId}, 'nowhere', ${today}, 'first'), (${mappingId}, 'nowhere', ${former}, 'second')`);
  await db.execute(
    sql`insert into opt_outs (location_id, channel, address, cause) values ('nowhere', 'sms', ${former}, 'word')`,
  );
  await migrate();
  for (const contactId of ["first", "second"]) {
    const about = { locationId: "nowhere", channels: ["sms"] as const, contactId, named: undefined };
    expect(await findContactsOptOut(db, about)).toMatchObject({ address: today });
  }
});

test("what an import has yet to post, and a part that waits, are of the person of today", async () => {
  const { db } = database;
  const mappingId = await addMapping("imported");
  const [former, today] = ["+5215512340031", "+525512340031"];
  const [inbound, outbound] = [
    { from: former, to: ["+15005550009"] },
    { direction: "outbound", to: [former] },
  ].map((message) => JSON.stringify(message));
  await db.execute(sql`
    with started as (insert into imports (mapping_id, is_dry_run, state, stage, per_second) values (${mappingId}, false, 'paused', 'posting', 1) returning id)
    insert into import_rows (import_id, line, person, message)
    select id, 1, ${former}, ${inbound}::jsonb from started union all select id, 2, ${former}, ${outbound}::jsonb from started`);
  await db.execute(sql`
    insert into message_parts (mapping_id, person, ref, total, number, provider_message_id, webhook_id, state, content)
    values (${mappingId}, ${former}, 'r', 2, 1, 'p', 1, 'waiting', ${inbound}::jsonb), (${mappingId}, ${former}, 'r', 2, 2, 'q', 1, 'joined', null)`);
  await migrate();
  const written = { from: today, fromSpelling: former, to: ["+15005550009"] };
  expect(await selectRows(db, sql`select person, message from import_rows order by line`)).toEqual([
    { person: today, message: written },
    { person: today, message: { direction: "outbound", to: [today] } },
  ]);
  expect(await selectRows(db, sql`select person, content from message_parts order by number`)).toEqual([
    { person: today, content: written },
    { person: today, content: null },
  ]);
});
