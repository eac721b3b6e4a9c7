import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { listAccounts } from "../../src/store/accounts.ts";
import { listOptOuts } from "../../src/store/consent/opt-outs.ts";
import { listEndpoints } from "../../src/store/events/endpoints.ts";
import { listRefusedRows } from "../../src/store/imports/import-rows.ts";
import { countOpenBeside, findOpenImport, listImports } from "../../src/store/imports/imports.ts";
import { listKeys } from "../../src/store/keys.ts";
import { listLocations } from "../../src/store/locations.ts";
import { findLastMapping, listMappings } from "../../src/store/mappings.ts";
import { findParts } from "../../src/store/messages/parts.ts";
import { listAudit } from "../../src/store/operate/audit.ts";
import { listReplays } from "../../src/store/operate/mend/replays.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { maxWalked, type Page } from "../../src/store/postgres/walk-newest.ts";
import { countRead, fewTimes } from "../support/count-read.ts";
import { copyMigrated } from "../support/database.ts";

let database: Database;
let owner: Awaited<ReturnType<typeof copyMigrated>>;
let mappingId: string;
let importId: number;

/**
 * 3,000 locations with an account, a mapping, five imports, a key and twenty opt-outs each, and another one that has none. Of
 * location-8 there are thousands of imports and parts, of location-9 of accounts, mappings and opt-outs.
 */
beforeAll(async () => {
  owner = await copyMigrated(inject);
  database = await openDatabase({ url: owner.url, poolSize: 1, startSeconds: 10 });
  const { db } = database;
  const ofEach = sql`from generate_series(0, 2999) n cross join lateral generate_series(1, case n when 9 then 4000 else 1 end) m`;
  await db.execute(sql`insert into locations (id) select 'location-' || n from generate_series(0, 3000) n`);
  await db.execute(sql`
    insert into mappings (location_id, provider, address, conversation_provider_id, type, unknown_sender, post_automatic)
    select 'location-' || n, 'twilio', '+1' || n * 100000 + m, 'p', 'Custom', 'create', false ${ofEach} order by random()`);
  const [eighth] = await selectRows<{ id: string }>(db, sql`select id from mappings where location_id = 'location-8'`);
  mappingId = eighth?.id ?? "";
  await db.execute(sql`
    insert into imports (mapping_id, per_second, is_dry_run, state)
    select id, 1, false, 'done' from mappings, generate_series(1, 5) order by random()`);
  await db.execute(sql`
    insert into imports (mapping_id, per_second, is_dry_run, state)
    select ${mappingId}, 1, false, 'done' from generate_series(1, 5000)`);
  const [last] = await selectRows<{ id: number }>(db, sql`select max(id)::int as id from imports`);
  importId = last?.id ?? 0;
  await db.execute(sql`
    insert into import_rows (import_id, line, reason) select ${importId}::int, n, 'no' from generate_series(1, 20000) n`);
  await db.execute(sql`
    insert into keys (name, hash, location_ids, access)
    select 'k', n, array['location-' || n], 'write' from generate_series(0, 3000) n`);
  await db.execute(sql`
    insert into endpoints (format, sealed_target, events, location_ids, created_by)
    select 'standard', 's', '{}', array['location-' || n], 'key ' || n from generate_series(1, 500) n`);
  await db.execute(sql`
    insert into replays (filter, per_second, key_id, counted, state, finished_at)
    select '{}', 1, keys.id, 0, 'done', now() from generate_series(1, 10), keys where hash <> '9'`);
  await db.execute(sql`
    insert into audit (who, method, route, status, is_answered, ids)
    select 'key ' || n, 'POST', '/', 200, true, jsonb_build_object('mappingId', n)
    from generate_series(1, 20) round, generate_series(0, 2999) n`);
  await db.execute(sql`
    insert into opt_outs (location_id, channel, address, cause, lifted_at)
    select 'location-' || n, 'sms', '+1500' || round, 'word', case when round % 2 = 0 then now() end
    from generate_series(1, 20) round, generate_series(0, 2999) n`);
  await db.execute(sql`
    insert into opt_outs (location_id, channel, address, cause)
    select 'location-9', 'email', round || '@example.com', 'word' from generate_series(1, 30000) round`);
  await db.execute(sql`
    insert into message_parts (mapping_id, person, ref, total, number, provider_message_id, webhook_id, state)
    select ${mappingId}, 'ann', '1', 2 + n % 2, 1, 'p' || n, n, 'joined' from generate_series(1, 50000) n`);
  await db.execute(sql`vacuum analyze`);
}, 120_000);
afterAll(async () => {
  await database.close();
  await owner.drop();
});

const limit = 51;
const of = (...locationIds: string[]) => ({ locationIds, limit });
const few = of("location-2");
const busy = of("location-8");
const large = of("location-9");
const none = of("location-3000");
const nobody = of("nobody");
const hundreds = of(...Array.from({ length: 900 }, (_, n) => `location-${n}`));
const all = { locationIds: undefined, limit };
const after = "80000000-0000-4000-8000-000000000000";
const isWithLifted = true;

test.for([
  ["imports of one location", () => listImports(database.db, few), 5],
  ["imports of a location that has thousands", () => listImports(database.db, busy), limit],
  ["older imports of one location", () => listImports(database.db, { ...few, before: 1 }), 0],
  ["imports of a location that has none", () => listImports(database.db, none), 0],
  ["imports of nobody", () => listImports(database.db, nobody), 0],
  ["imports of all locations", () => listImports(database.db, all), limit],
  ["lines that an import refused", () => listRefusedRows(database.db, importId, { after: 100, limit }), limit],
  ["accounts of one location", () => listAccounts(database.db, few), 1],
  ["accounts of a location that has none", () => listAccounts(database.db, none), 0],
  ["accounts of nobody", () => listAccounts(database.db, nobody), 0],
  ["accounts of hundreds of locations", () => listAccounts(database.db, hundreds), limit],
  ["accounts of all locations", () => listAccounts(database.db, { ...all, after }), limit],
  ["mappings of one location", () => listMappings(database.db, few), 1],
  ["mappings of a location that has thousands", () => listMappings(database.db, large), limit],
  ["later mappings of such a location", () => listMappings(database.db, { ...large, after }), limit],
  ["mappings of a location that has none", () => listMappings(database.db, none), 0],
  ["mappings of hundreds of locations", () => listMappings(database.db, hundreds), limit],
  ["mappings of others", () => listMappings(database.db, { ...few, locationId: "location-9" }), 0],
  ["mappings of an account", () => listMappings(database.db, { ...all, accountId: mappingId }), 1],
  ["mappings of an address", () => listMappings(database.db, { ...large, addresses: ["+1900001"] }), 1],
  ["mappings of all locations", () => listMappings(database.db, { ...all, after }), limit],
  ["locations of a key", () => listLocations(database.db, large), 1],
  ["locations of a key that are paused", () => listLocations(database.db, { ...large, isPaused: true }), 0],
  ["all locations", () => listLocations(database.db, all), limit],
  ["keys", () => listKeys(database.db, { limit }), limit],
  ["what was written", () => listAudit(database.db, { limit }), limit],
  ["what was written with a key", () => listAudit(database.db, { who: "key 5", limit }), 20],
  ["what was written of a thing", () => listAudit(database.db, { who: "key 5", ids: { mappingId: 5 }, limit }), 20],
  ["what was written by nobody", () => listAudit(database.db, { who: "key 5000", limit }), 0],
  ["replays of all", () => listReplays(database.db, { limit }), limit],
  ["opt-outs of one location", () => listOptOuts(database.db, { ...few, isWithLifted }), 20],
  ["opt-outs of a location that has thousands", () => listOptOuts(database.db, { ...large, isWithLifted }), limit],
  ["opt-outs of a location that has none", () => listOptOuts(database.db, none), 0],
  ["opt-outs of nobody", () => listOptOuts(database.db, nobody), 0],
  ["opt-outs of a person", () => listOptOuts(database.db, { ...large, addresses: ["+15001"] }), 1],
  ["opt-outs of somebody unknown", () => listOptOuts(database.db, { ...large, addresses: ["+1"] }), 0],
  ["opt-outs of all locations", () => listOptOuts(database.db, { ...all, isWithLifted }), limit],
] as const)("a list of %s reads no more than a few times what it shows", async ([, list, found]) => {
  const counted = await countRead(database.db, list);
  expect(counted.found).toBe(found);
  expect(counted.read).toBeLessThanOrEqual(fewTimes(found));
});

test.for([
  ["imports of a location that has thousands of mappings", () => listImports(database.db, large), limit],
  ["imports of hundreds of locations", () => listImports(database.db, hundreds), limit],
  ["accounts of a location that has thousands", () => listAccounts(database.db, large), limit],
  ["mappings of an address in whatever location", () => listMappings(database.db, { ...all, addresses: ["+1"] }), 0],
  ["locations that are paused", () => listLocations(database.db, { ...all, isPaused: true }), 0],
  ["endpoints, of which there are 500 at most", () => listEndpoints(database.db, few), 1],
  ["replays of a key", () => listReplays(database.db, { ofKeys: none, limit }), 10],
  ["replays of a key that made none", () => listReplays(database.db, { ofKeys: large, limit }), 0],
  ["what was written of a thing, by whomever", () => listAudit(database.db, { ids: { mappingId: 7 }, limit }), 3],
  ["what was written long ago", () => listAudit(database.db, { until: new Date(0), limit }), 0],
  ["opt-outs that stand", () => listOptOuts(database.db, all), limit],
  ["opt-outs of one channel", () => listOptOuts(database.db, { ...large, channel: "sms" }), 0],
  ["opt-outs by a cause", () => listOptOuts(database.db, { ...large, cause: "highlevel" }), 0],
  ["opt-outs by a cause, of all locations", () => listOptOuts(database.db, { ...all, cause: "highlevel" }), 0],
  ["opt-outs of hundreds of locations", () => listOptOuts(database.db, hundreds), limit],
  ["opt-outs of a person in all locations", () => listOptOuts(database.db, { ...all, addresses: ["+15001"] }), limit],
] as const)("a list of %s looks at some thousands of rows at most", async ([, list, found]) => {
  const counted = await countRead(database.db, list);
  expect(counted.found).toBe(found);
  expect(counted.read).toBeLessThanOrEqual(3 * maxWalked + fewTimes(found));
});

test("the pages of a list of opt-outs, short ones too, hold all that fit once", async () => {
  const ids: number[] = [];
  let before: number | undefined;
  do {
    const page: Page<{ id: number }> = await listOptOuts(database.db, { ...large, channel: "sms", before });
    ids.push(...page.rows.map(({ id }) => id));
    before = page.rows.length < limit ? page.walkedTo : page.rows.at(-1)?.id;
  } while (before !== undefined);
  expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => b - a));
  expect(ids, "every second one of twenty stands").toHaveLength(10);
});

test("whether an import of a mapping is open is told without those that have ended", async () => {
  const { db } = database;
  const open = await countRead(db, async () => [
    await findOpenImport(db, mappingId),
    await countOpenBeside(db, mappingId),
  ]);
  expect(open.read).toBeLessThanOrEqual(fewTimes(2));
});

test("of a name under which thousands of parts came, the newest thousand are read, and no others", async () => {
  const parts = () => findParts(database.db, [{ mappingId, person: "ann", ref: "1", total: 2 }]);
  const counted = await countRead(database.db, parts);
  expect(counted.found).toBe(1000);
  expect(counted.read, "of 25,000; each by an entry and a row").toBeLessThanOrEqual(2020);
});

test("by which mapping a person was written with last is told without reading all that was said", async () => {
  const { db } = database;
  const person = { locationId: "location-8", contactId: "contact-8" };
  await db.execute(sql`
    with talk as (
      insert into conversations (mapping_id, location_id, address, highlevel_contact_id)
      values (${mappingId}, ${person.locationId}, '+15005550006', ${person.contactId}) returning id
    )
    insert into messages (mapping_id, conversation_id, direction, state, received_at)
    select ${mappingId}, talk.id, 'inbound', 'received', now() from talk, generate_series(1, 5000)`);
  await db.execute(sql`vacuum analyze messages, conversations`);
  const counted = await countRead(db, async () => [await findLastMapping(db, { ...person, providers: ["twilio"] })]);
  expect(counted.read).toBeLessThanOrEqual(100);
});
