import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { oldestWaitingSeconds } from "../../../src/store/deliveries.ts";
import { groupDead, groupFailed } from "../../../src/store/operate/group-problems.ts";
import { previewDead } from "../../../src/store/operate/mend/choose-dead.ts";
import { discardFailed, previewFailed, replayFailed } from "../../../src/store/operate/mend/failed-webhooks.ts";
import { discardDeliveries, replayDeliveries } from "../../../src/store/operate/mend/replay-deliveries.ts";
import { type Database, selectRows } from "../../../src/store/postgres/database.ts";
import { pruneStep } from "../../../src/store/retention.ts";
import { readStanding } from "../../../src/store/standing.ts";
import { openMigrated } from "../../support/database.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 2);
  await database.db.execute(sql`insert into locations (id) values ('here'), ('there')`);
  await database.db.execute(sql`
    insert into accounts (id, provider, location_ids)
    select ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'twilio', array[id]
    from (select row_number() over (order by id) n, id from locations) numbered`);
});
afterAll(() => database.close());

/** At each location two posts and two sends, all dead for two days; the second of each for another reason. */
beforeEach(async () => {
  const { db } = database;
  await db.execute(sql`truncate lanes, attempts, deliveries, messages, conversations, webhooks restart identity`);
  await db.execute(sql`insert into conversations (location_id, address) values ('here', 'ann'), ('there', 'bob')`);
  await db.execute(sql`
    insert into messages (conversation_id, direction, state, received_at, created_at, content)
    select c.id, 'inbound', 'failed', now(), now() - interval '2 days', '{}'
    from generate_series(1, 2) n, conversations c, unnest(array['post-inbound', 'send-outbound']) kind order by c.id, n`);
  await db.execute(sql`
    insert into deliveries (kind, conversation_id, number, message_id, state, reason, detail, attempts, created_at, finished_at)
    select (array['post-inbound', 'send-outbound'])[1 + id % 2], conversation_id, id, id, 'dead',
      case when id % 4 < 2 then 'rejected' else 'misconfigured' end, 'x', 3, created_at, created_at
    from messages order by id`);
  await db.execute(sql`
    insert into lanes (conversation_id, kind, location_id, counter)
    select c.id, kind, location_id, 9 from conversations c, unnest(array['post-inbound', 'send-outbound']) kind`);
  await db.execute(sql`
    insert into webhooks (mapping_id, source, url, headers, body, state, reason, received_at)
    select ('00000000-0000-0000-0000-00000000000' || n)::uuid, source, 'u', '{}', '', 'failed',
      case when n = 1 then 'From: is missing' else 'no mapping for +1500' end, now() - interval '2 days'
    from generate_series(1, 2) n, unnest(array['provider', 'highlevel']) source order by n, source`);
});

const statesOf = (table: "deliveries" | "webhooks") =>
  selectRows<{ id: number; state: string }>(database.db, sql`select id, state from ${sql.raw(table)} order by id`).then(
    (rows) => Object.fromEntries(rows.map(({ id, state }) => [id, state])),
  );

test("a replay of one kind leaves the other as it is, and a dry run counts what it would do", async () => {
  const { db } = database;
  const filter = { kind: "post-inbound" as const, locationIds: ["here"], limit: 10 };
  const preview = await previewDead(db, filter);
  expect(preview).toMatchObject({ count: 2, sample: [{ address: "ann", locationId: "here" }, { address: "ann" }] });
  expect(Object.values(await statesOf("deliveries"))).toEqual(Array(8).fill("dead"));
  const { replayed } = await db.transaction((tx) => replayDeliveries(tx, filter));
  expect(replayed).toBe(2);
  const pending = await selectRows(
    db,
    sql`select distinct kind, address from deliveries
    join conversations c on c.id = conversation_id where state = 'pending'`,
  );
  expect(pending).toEqual([{ kind: "post-inbound", address: "ann" }]);
});

test("a replay goes by reason, time and messages, too", async () => {
  const preview = (filter: object) => previewDead(database.db, { kind: "send-outbound", limit: 10, ...filter });
  expect(await preview({})).toMatchObject({ count: 4, walkedTo: undefined });
  expect(await preview({ reason: "rejected" })).toMatchObject({ count: 2 });
  expect(await preview({ from: new Date(Date.now() - 86_400_000) })).toMatchObject({ count: 0 });
  expect(await preview({ until: new Date() })).toMatchObject({ count: 4 });
  expect(await preview({ messageIds: [1, 2] })).toMatchObject({ count: 1 });
  const first = await preview({ limit: 3 });
  expect(await preview({ limit: 3, after: first.walkedTo })).toMatchObject({ count: 1 });
});

test("problems are grouped by why, the provider's code and where, and a preview by what they have in common finds as many", async () => {
  const { db } = database;
  await db.execute(sql`update messages set error = '{"code":"30007","message":"x"}' where id in (2, 3)`);
  const { rows, walkedTo } = await groupDead(db, {});
  expect(walkedTo).toBeUndefined();
  expect(rows.map(({ count }) => count)).toEqual(Array(8).fill(1));
  expect(rows[0]).toMatchObject({ id: 8, firstAt: expect.any(Date), lastAt: expect.any(Date) });
  expect(rows.filter(({ kind }) => kind === "post-inbound").every(({ code }) => code === null)).toBe(true);
  const sends = rows.filter(({ kind }) => kind === "send-outbound");
  expect(sends.map(({ code }) => code).toSorted()).toEqual(["30007", "none", "none", "none"]);
  for (const { kind, reason, code, locationId, count } of rows) {
    if (!reason || !locationId) throw new Error("a group without a reason or a place");
    const filter = { kind, reason, locationIds: [locationId], code: code ?? undefined, limit: 10 };
    expect(await previewDead(db, filter)).toMatchObject({ count });
  }
  expect((await groupDead(db, { locationIds: ["here"] })).rows).toHaveLength(4);
  const failed = await groupFailed(db, { isToMapping: false, locationIds: undefined });
  expect(failed.rows.map(({ words, count }) => [words, count])).toEqual([
    ["no mapping for", 1],
    ["no mapping for", 1],
    ["From", 1],
    ["From", 1],
  ]);
});

test("what is replayed waits since now: its age pages nobody, nor hides what waits for longer", async () => {
  const { db } = database;
  const ages = async () => [
    await oldestWaitingSeconds(db),
    ...(await readStanding(db)).pending.map(({ oldestSeconds }) => oldestSeconds),
  ];
  await db.transaction((tx) => replayDeliveries(tx, { kind: "post-inbound", limit: 10 }));
  expect(Math.max(...(await ages()).map(Number))).toBeLessThan(3600);
  await db.execute(
    sql`update deliveries set state = 'pending' where id = (select max(id) from deliveries where state = 'dead')`,
  );
  expect(await oldestWaitingSeconds(db)).toBeGreaterThan(86_400);
});

test("what is discarded is no dead letter, is not replayed, and its content goes in its time", async () => {
  const { db } = database;
  const discarded = await db.transaction((tx) => discardDeliveries(tx, { kind: "post-inbound", limit: 10 }, "a test"));
  expect(discarded).toEqual({ discarded: 4, walkedTo: undefined });
  expect((await readStanding(db)).dead.map(({ count }) => count)).toEqual([2, 2]);
  expect(await db.transaction((tx) => replayDeliveries(tx, { kind: "post-inbound", limit: 10 }))).toMatchObject({
    replayed: 0,
  });
  await pruneStep(db, { retentionDays: 1, rows: 100 });
  const kept = await selectRows(
    db,
    sql`select d.kind, d.state, count(m.content)::int as contents, min(note) as note
      from deliveries d join messages m on m.id = message_id group by d.kind, d.state order by d.kind`,
  );
  expect(kept).toEqual([
    { kind: "post-inbound", state: "discarded", contents: 0, note: "a test" },
    { kind: "send-outbound", state: "dead", contents: 4, note: null },
  ]);
});

test("failed webhooks are replayed and discarded by their source, reason and location", async () => {
  const { db } = database;
  const preview = (filter: object) => previewFailed(db, { source: "provider", limit: 10, ...filter });
  expect(await preview({})).toMatchObject({ count: 2, sample: [{ state: "failed" }, {}] });
  expect(await preview({ reason: "No Mapping" })).toMatchObject({ count: 1 });
  expect(await preview({ locationId: "there", reason: "from:" })).toMatchObject({ count: 0 });
  expect(await preview({ locationIds: ["there"] })).toMatchObject({ count: 1 });
  expect(await preview({ until: new Date(0) })).toMatchObject({ count: 0 });
  const replayed = await db.transaction((tx) =>
    replayFailed(tx, { source: "provider", locationId: "here", limit: 10 }),
  );
  expect(replayed.ids).toHaveLength(1);
  const rest = await db.transaction((tx) => discardFailed(tx, { source: "highlevel", limit: 10 }, "a test"));
  expect(rest.ids).toHaveLength(2);
  expect(Object.values(await statesOf("webhooks")).sort()).toEqual(["failed", "ignored", "ignored", "received"]);
  expect((await readStanding(db)).failedWebhooks).toBe(1);
  const reasons = await selectRows(db, sql`select reason from webhooks where state = 'ignored' order by id`);
  expect(reasons).toEqual([
    { reason: "discarded: a test; From: is missing" },
    { reason: "discarded: a test; no mapping for +1500" },
  ]);
});
