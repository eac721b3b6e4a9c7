import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { keepFile } from "../../../src/inbox/imports/keep-file.ts";
import { endAbandoned, endImport, makeImport as makeNew } from "../../../src/inbox/imports/manage-imports.ts";
import { stepImport } from "../../../src/inbox/imports/step-import.ts";
import { countPosted, sortImportRows } from "../../../src/store/imports/import-rows.ts";
import { changeImport, findImport, insertImport } from "../../../src/store/imports/imports.ts";
import { type Database, type Db, selectRows } from "../../../src/store/postgres/database.ts";
import { pruneStep } from "../../../src/store/retention.ts";
import type { MappingRow } from "../../../src/store/schema.ts";
import { openMigrated } from "../../support/database.ts";
import { insertMapping } from "../../support/insert-mapping.ts";

let database: Database;
let db: Db;
beforeAll(async () => {
  database = await openMigrated(inject, 3);
  db = database.db;
});
afterAll(() => database.close());

/** What is posted asks nobody itself. */
const unasked = {
  ...{ log: () => undefined, onWork: () => undefined, attemptSeconds: 1 },
  callProvider: () => expect.unreachable(),
  accessTokens: { get: () => expect.unreachable(), renew: () => expect.unreachable() },
  highlevel: { findContact: () => expect.unreachable() },
};

/** As if the time of the next step had come. */
async function step(at: Db, perDay = 1000): Promise<void> {
  await at.execute(sql`update imports set next_at = now()`);
  const mappings = { get: async () => undefined };
  await stepImport({ ...unasked, db: at, perDay, mappings }, "posting");
}
const deliver = () => db.execute(sql`update deliveries set state = 'delivered' where state = 'pending'`);

async function makeImport(mapping: MappingRow) {
  const about = { mappingId: mapping.id, history: null, perSecond: 2, isDryRun: false, keyId: null };
  const made = await insertImport(db, about);
  const row = { date: "2024-01-31T09:30:00Z", direction: "inbound", text: "hi" };
  const rows = Array.from({ length: 20 }, (_, index) => ({
    ...row,
    person: `+1500555${1000 + (index % 4)}`,
    id: `m-${index}`,
  }));
  await keepFile(db, made, mapping, rows);
  return made.id;
}
const find = (id: number) => findImport(db, id, { locationIds: undefined });

test("a step that dies has not been done, some wait at most, live goes first, and half of a day is left to it", async () => {
  await db.execute(sql`insert into locations (id, sealed_token) values ('here', 'x')`);
  const about = { type: "SMS", unknownSender: "create", postAutomatic: false } as const;
  const mapping = await insertMapping(db, {
    ...{ ...about, locationId: "here", provider: "generic-sms", address: "+15005550009" },
  });
  const id = await makeImport(mapping);
  await step(db);
  expect(await find(id)).toMatchObject({ begun: 2, state: "running" });
  const dying = db.transaction(async (tx) => {
    await step(tx);
    throw new Error("killed");
  });
  await expect(dying).rejects.toThrow("killed");
  expect(await find(id)).toMatchObject({ begun: 2 });
  for (let turn = 0; turn < 6; turn++) await step(db);
  expect((await find(id))?.begun).toBeLessThanOrEqual(8);

  await deliver();
  await db.execute(
    sql`update lanes set due_at = now() - interval '5 seconds', kind = 'post-inbound' where kind = 'post-history' and conversation_id = (select min(conversation_id) from lanes)`,
  );
  await step(db);
  expect((await find(id))?.reason).toContain("live goes first");
  await db.execute(sql`delete from lanes where kind = 'post-inbound'`);
  await db.execute(sql`insert into budgets (location_id, interval_started_at, interval_used, day_started_at, day_used)
    values ('here', now(), 0, date_trunc('day', now() at time zone 'utc') at time zone 'utc', 500)`);
  await step(db);
  expect((await find(id))?.reason).toContain("HIGHLEVEL_REQUESTS_PER_DAY");
  while ((await find(id))?.state === "running") {
    await step(db, 1_000_000);
    await deliver();
  }
  expect(await find(id)).toMatchObject({ begun: 20, state: "done" });
  expect(await countPosted(db, id)).toEqual({ delivered: 20 });
  const left = await selectRows(db, sql`select 1 from import_rows`);
  expect(left).toEqual([]);
});

test("an import that is stopped while its file is read keeps nothing, and one that is paused goes on with all of it", async () => {
  const about = { type: "SMS", unknownSender: "create", postAutomatic: false } as const;
  const mapping = await insertMapping(db, {
    ...{ ...about, locationId: "here", provider: "generic-sms", address: "+15005550010" },
  });
  const row = { date: "2024-01-31T09:30:00Z", direction: "inbound", text: "hi" };
  /** Amid its second 250 lines. */
  async function keep(amid: (id: number) => Promise<unknown>) {
    const made = await insertImport(db, {
      ...{ mappingId: mapping.id, history: null, perSecond: 2, isDryRun: false, keyId: null },
    });
    let isAmid = false;
    const rows = Array.from({ length: 600 }, (_, index) => ({ ...row, person: "+15005551000", id: `f-${index}` }));
    const watched = new Proxy(db, {
      get(target, name, receiver) {
        const value = Reflect.get(target, name, receiver);
        if (name !== "transaction") return value;
        return async (...given: Parameters<Db["transaction"]>) => {
          if (isAmid) await amid(made.id);
          isAmid = !isAmid;
          return target.transaction(...given);
        };
      },
    });
    await keepFile(watched, made, mapping, rows);
    const left = await selectRows(db, sql`select 1 from import_rows where import_id = ${made.id}`);
    return { ...(await find(made.id)), left: left.length };
  }
  const stop = (id: number) => changeImport(db, id, { state: "stopped", reason: "by admin" });
  expect(await keep(stop)).toMatchObject({ state: "stopped", left: 0 });
  const pause = (id: number) => changeImport(db, id, { state: "paused", reason: "by admin" });
  expect(await keep(pause)).toMatchObject({ state: "paused", stage: "posting", reason: "by admin", left: 600 });
  await db.execute(sql`update imports set state = 'stopped'`);
  const resume = async (id: number) => {
    await pause(id);
    await changeImport(db, id, { state: "running", reason: null });
    const mappings = { get: async () => undefined };
    await stepImport({ ...unasked, db, perDay: 1000, mappings }, "posting");
  };
  expect(await keep(resume)).toMatchObject({ state: "running", stage: "posting", left: 600 });
});

test("of a location's mappings twenty have one open at a time, whatever another location has", async () => {
  await db.execute(sql`update imports set state = 'stopped' where state in ('running', 'paused')`);
  await db.execute(sql`insert into locations (id, sealed_token) values ('there', 'x')`);
  const make = async (locationId: string, index: number) => {
    const about = { type: "SMS", unknownSender: "create", postAutomatic: false } as const;
    const address = `+1500555${3000 + index}`;
    const { id } = await insertMapping(db, { ...about, locationId, provider: "generic-sms", address });
    return makeNew(db, { mappingId: id, history: null, perSecond: 2, isDryRun: true, keyId: null });
  };
  for (let index = 0; index < 20; index++) await make("here", index);
  await expect(make("here", 20)).rejects.toThrow("20 imports of the location are open");
  expect(await make("there", 21)).toMatchObject({ state: "running" });
  await db.execute(sql`update imports set state = 'stopped'`);
});

test("of what a person has said a hundred thousand times the newest is found before the statement times out", async () => {
  const about = { type: "SMS", unknownSender: "create", postAutomatic: false } as const;
  const mapping = await insertMapping(db, {
    ...{ ...about, locationId: "here", provider: "generic-sms", address: "+15005550011" },
  });
  const made = await insertImport(db, {
    ...{ mappingId: mapping.id, history: null, perSecond: 2, isDryRun: false, keyId: null },
  });
  await db.execute(sql`
    insert into import_rows (import_id, line, person, sent_at, provider_message_id, message, consent)
    select ${made.id}, i, '+1500555' || (i % 3), now() - make_interval(secs => i), 's-' || i, '{}', 'stop'
    from generate_series(1, 100000) i`);
  await sortImportRows(db, made, mapping);
  const left = await selectRows<{ line: number }>(
    db,
    sql`select line from import_rows where import_id = ${made.id} and consent = 'stop' order by line`,
  );
  expect(left.map(({ line }) => line)).toEqual([1, 2, 3]);
});

test("one that nobody resumes is stopped, what is unread amid it is set back, and then it is forgotten", async () => {
  await db.execute(sql`update imports set state = 'stopped' where state = 'running'`);
  const about = { type: "SMS", unknownSender: "create", postAutomatic: false } as const;
  const mapping = await insertMapping(db, {
    ...{ ...about, locationId: "here", provider: "generic-sms", address: "+15005550012" },
  });
  const id = await makeImport(mapping);
  await step(db, 1_000_000);
  await deliver();
  await changeImport(db, id, { state: "paused", reason: "by admin" });
  await db.execute(sql`update conversations set unread_before = 3
    where id = (select min(conversation_id) from deliveries where import_id = ${id})`);
  const [amid] = await selectRows<{ id: number }>(db, sql`select id from conversations where unread_before = 3`);
  await db.execute(sql`update imports set next_at = now() - interval '31 days' where id = ${id}`);
  await endAbandoned(db, 30);
  expect(await find(id)).toMatchObject({ state: "stopped", reason: expect.stringContaining("nobody has resumed it") });
  const owed = () =>
    selectRows<{ id: number }>(
      db,
      sql`select conversation_id as id from deliveries where state = 'pending' and message_id is null and import_id = ${id}`,
    );
  expect(await owed()).toEqual([amid]);
  // What is given up is owed again with the next one, and only once.
  await db.execute(sql`update deliveries set state = 'dead' where state = 'pending'`);
  const next = { mappingId: mapping.id, history: null, perSecond: 2, isDryRun: true, keyId: null };
  await endImport(db, await makeNew(db, next), "by admin");
  expect(await owed()).toEqual([amid]);
  await db.execute(sql`update imports set finished_at = now() - interval '31 days' where id = ${id}`);
  await pruneStep(db, { retentionDays: 30, rows: 1000 });
  expect(await find(id)).toBeUndefined();
});

test("eight people wait at once, ten messages of each: who does not get through keeps back no other", async () => {
  await db.execute(sql`update imports set state = 'stopped' where state = 'running'`);
  const about = { type: "SMS", unknownSender: "create", postAutomatic: false } as const;
  const mapping = await insertMapping(db, {
    ...{ ...about, locationId: "here", provider: "generic-sms", address: "+15005550013" },
  });
  const made = await insertImport(db, {
    ...{ mappingId: mapping.id, history: null, perSecond: 100, isDryRun: false, keyId: null },
  });
  const rows = Array.from({ length: 300 }, (_, index) => ({
    ...{ direction: "inbound", text: `${index}`, id: `e-${index}`, person: `+1500555${2000 + (index % 10)}` },
    date: new Date(Date.UTC(2024, 0, 1) - index * 60_000).toISOString(),
  }));
  await keepFile(db, made, mapping, rows);
  const whose = sql`deliveries join conversations on conversations.id = conversation_id where import_id = ${made.id}`;
  const waiting = () =>
    selectRows<{ address: string; count: number }>(
      db,
      sql`select address, count(message_id)::int as count from ${whose} and state = 'pending' group by address order by address`,
    );
  for (let turn = 0; turn < 12; turn++) await step(db, 1_000_000);
  const first = await waiting();
  expect(first).toHaveLength(8);
  expect(Math.max(...first.map(({ count }) => count))).toBe(10);
  const stuck = "+15005552000";
  for (let turn = 0; turn < 100; turn++) {
    await db.execute(sql`update deliveries set state = 'delivered' from conversations
      where conversations.id = conversation_id and import_id = ${made.id} and address <> ${stuck}`);
    await step(db, 1_000_000);
  }
  expect(await waiting()).toEqual([{ address: stuck, count: 10 }]);
  expect(await find(made.id)).toMatchObject({ begun: 280, state: "running" });
  for (let turn = 0; turn < 5; turn++) {
    await db.execute(sql`update deliveries set state = 'delivered' where import_id = ${made.id}`);
    await step(db, 1_000_000);
  }
  expect(await find(made.id)).toMatchObject({ begun: 300, state: "done" });
  const order = await selectRows<{ texts: string[]; ends: number }>(
    db,
    sql`select array_agg(content ->> 'text' order by number) filter (where message_id is not null) as texts,
        count(*) filter (where message_id is null)::int as ends
      from deliveries left join messages on messages.id = message_id where import_id = ${made.id} group by deliveries.conversation_id`,
  );
  for (const { texts, ends } of order) {
    expect(texts.map(Number)).toEqual(texts.map(Number).toSorted((a, b) => b - a));
    expect([texts.length, ends]).toEqual([30, 1]);
  }
});
