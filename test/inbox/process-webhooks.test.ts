import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { createProcessing } from "../../src/inbox/process-webhooks.ts";
import { inlineReading } from "../../src/providers/reading.ts";
import { createListeners } from "../../src/registry/endpoints/listeners.ts";
import { listOptOutsOf } from "../../src/store/consent/opt-outs.ts";
import { findConversation } from "../../src/store/conversations.ts";
import { putLocation } from "../../src/store/locations.ts";
import { listMessages as listPage } from "../../src/store/messages/list-messages.ts";
import { insertMessages } from "../../src/store/messages/messages.ts";
import { listWebhooks } from "../../src/store/operate/list-webhooks.ts";
import { type Database, type Db, selectRows } from "../../src/store/postgres/database.ts";
import { listReceivedWebhooks } from "../../src/store/received-webhooks.ts";
import { pruneStep } from "../../src/store/retention.ts";
import { findWebhook, insertWebhooks } from "../../src/store/webhooks.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";
import { until } from "../support/until.ts";

// Files share their modules: this one's are its own, for one of them is spied on.
vi.hoisted(() => vi.resetModules());
afterAll(() => void vi.resetModules());
vi.mock(import("../../src/store/messages/messages.ts"), { spy: true });
const messagesStore = await vi.importActual<typeof import("../../src/store/messages/messages.ts")>(
  "../../src/store/messages/messages.ts",
);

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 10);
  await putLocation(database.db, { id: "loc", sealedToken: "sealed" });
});
afterAll(async () => {
  await database.close();
});

const listMessages = async (db: Db, page: Parameters<typeof listPage>[1]) => (await listPage(db, page)).rows;
const log = () => undefined;
let counter = 0;
async function addMapping(provider = "generic-sms"): Promise<{ id: string; address: string }> {
  return insertMapping(database.db, {
    locationId: "loc",
    provider,
    address: `+1500555${String(1000 + ++counter)}`,
    conversationProviderId: "p",
    type: "Custom",
    unknownSender: "create",
    postAutomatic: false,
  });
}
const body = (id: string, to: string, from = "+15005550006") =>
  Buffer.from(JSON.stringify({ type: "message.received", data: { id, from, to, text: id } }));
const storeWebhooks = (accountId: string, bodies: Buffer[]) =>
  insertWebhooks(
    database.db,
    bodies.map((each) => ({
      accountId,
      source: "provider" as const,
      url: "u",
      headers: { "content-type": "application/json" },
      body: each,
    })),
  );
const context = {
  get db() {
    return database.db;
  },
  get apart() {
    return database.people;
  },
  get listeners() {
    return createListeners(database.db);
  },
  visibleAfterSeconds: 0,
  reading: inlineReading,
  applyInstall: () => Promise.reject(new Error("is not called here")),
};
/** As a worker does, which looks again only where more may be there. */
const processAll = async () => {
  const processWebhooks = createProcessing({ ...context, log });
  while ((await processWebhooks())?.isMoreReceived);
};

test("several processes at once keep the order in which webhooks of a mapping were stored", async () => {
  const mapping = await addMapping();
  const ids = Array.from({ length: 500 }, (_, index) => `order-${index}`);
  await storeWebhooks(
    mapping.id,
    ids.map((id) => body(id, mapping.address)),
  );
  await Promise.all([processAll(), processAll(), processAll(), processAll()]);
  // A process that finds the mapping locked comes back at its next poll.
  await processAll();
  const found = await listMessages(database.db, { mappingId: mapping.id, limit: 1000 });
  expect(found.map(({ message }) => message.providerMessageId).reverse()).toEqual(ids);
});

test("of a STOP and a START of different kinds that wait together the later one counts", async () => {
  const mapping = await addMapping();
  const change = (to: "stop" | "start", from: string) =>
    Buffer.from(JSON.stringify({ type: "consent.changed", data: { from, to: mapping.address, change: to } }));
  const [wants, wantsNot] = ["+15005557001", "+15005557002"];
  await storeWebhooks(mapping.id, [
    change("stop", wants),
    body("START", mapping.address, wants),
    body("STOP", mapping.address, wantsNot),
    change("start", wantsNot),
    body("stop", mapping.address, wantsNot),
  ]);
  await processAll();
  const of = (address: string) => listOptOutsOf(database.db, { locationId: "loc", address });
  expect((await of(wants)).map(({ liftedBy }) => liftedBy)).toEqual(["word"]);
  expect((await of(wantsNot)).map(({ liftedBy }) => liftedBy)).toEqual([null]);
});

test("a webhook that PostgreSQL cannot store fails alone", async () => {
  const mapping = await addMapping();
  await database.db.execute(sql`alter table messages add constraint no_poison check (provider_message_id <> 'poison')`);
  const [good, poison, after] = await storeWebhooks(
    mapping.id,
    ["good", "poison", "after"].map((id) => body(id, mapping.address)),
  );
  await processAll();
  expect((await findWebhook(database.db, good ?? 0))?.state).toBe("processed");
  expect(await findWebhook(database.db, poison ?? 0)).toMatchObject({
    state: "failed",
    reason: expect.stringContaining("PostgreSQL"),
  });
  expect((await findWebhook(database.db, after ?? 0))?.state).toBe("processed");
  await database.db.execute(sql`alter table messages drop constraint no_poison`);
});

test("a mapping whose adapter this version lacks does not hold the others up", async () => {
  const [unknown, known] = [await addMapping("pigeon"), await addMapping()];
  const [lost] = await storeWebhooks(unknown.id, [randomBytes(10)]);
  const [fine] = await storeWebhooks(known.id, [body("fine", known.address)]);
  await processAll();
  expect(await findWebhook(database.db, lost ?? 0)).toMatchObject({ state: "failed", reason: "no adapter for pigeon" });
  expect((await findWebhook(database.db, fine ?? 0))?.state).toBe("processed");
});

test("what is old and done is deleted, and its ids still stop duplicates", async () => {
  const mapping = await addMapping();
  await storeWebhooks(mapping.id, [body("old", mapping.address), Buffer.from("{broken")]);
  await processAll();
  await database.db.execute(sql`update deliveries set state = 'delivered'`);
  for (const [table, column] of [
    ["webhooks", "received_at"],
    ["messages", "created_at"],
  ] as const) {
    await database.db.execute(
      sql`update ${sql.identifier(table)} set ${sql.identifier(column)} = now() - interval '31 days'`,
    );
  }
  while ((await pruneStep(database.db, { retentionDays: 30, rows: 50 })) > 0);
  const { rows: left } = await listWebhooks(database.db, { accountId: mapping.id, limit: 10 });
  expect(
    left.map((webhook) => webhook.state),
    "a failed one waits for its replay",
  ).toEqual(["failed"]);
  const [old] = await listMessages(database.db, { mappingId: mapping.id, limit: 10 });
  expect(old?.message).toMatchObject({ content: null, providerMessageId: "old" });
  await storeWebhooks(mapping.id, [body("old", mapping.address)]);
  await processAll();
  expect(await listMessages(database.db, { mappingId: mapping.id, limit: 10 })).toHaveLength(1);
});

test("how people spell their address, and what they write by, outlives their messages", async () => {
  const { id: mappingId } = await addMapping("generic-email");
  const data = { id: "spelled", from: "Token+aBc@relay.example", to: "box@example.com", text: "Hi" };
  await storeWebhooks(mappingId, [Buffer.from(JSON.stringify({ type: "message.received", data }))]);
  const texts = await addMapping();
  await storeWebhooks(texts.id, [body("by-rcs", texts.address, "rcs:+15005550006")]);
  await processAll();
  await database.db.execute(sql`update messages set content = null`);
  const kept = { service: null, spelling: data.from };
  expect(await findConversation(database.db, mappingId, data.from.toLowerCase())).toMatchObject(kept);
  expect(await findConversation(database.db, texts.id, "+15005550006")).toMatchObject({ service: "rcs" });
});

test("an id that no index can hold fails alone", async () => {
  const mapping = await addMapping();
  const long = Array.from({ length: 300 }, () => crypto.randomUUID()).join("");
  const [tooLong, after] = await storeWebhooks(
    mapping.id,
    [long, "after-long"].map((id) => body(id, mapping.address)),
  );
  await processAll();
  expect(await findWebhook(database.db, tooLong ?? 0)).toMatchObject({
    state: "failed",
    reason: expect.stringContaining("998"),
  });
  expect((await findWebhook(database.db, after ?? 0))?.state).toBe("processed");
});

test("a mistake of our own over one webhook does not hold the others up", async () => {
  const mapping = await addMapping();
  const [broken, fine] = await storeWebhooks(
    mapping.id,
    ["our-bug", "next"].map((id) => body(id, mapping.address)),
  );
  vi.mocked(insertMessages).mockImplementation(async (tx, rows) => {
    if (rows.some((row) => row.providerMessageId === "our-bug")) throw new TypeError("a bug");
    return messagesStore.insertMessages(tx, rows);
  });
  await processAll();
  expect(await findWebhook(database.db, broken ?? 0)).toMatchObject({
    state: "failed",
    reason: expect.stringContaining("the bridge itself"),
  });
  expect((await findWebhook(database.db, fine ?? 0))?.state).toBe("processed");
  expect(await listMessages(database.db, { mappingId: mapping.id, limit: 10 })).toHaveLength(1);
});

const tooMuch = Array.from({ length: 70_000 }, (_, index) => sql`${index}`);
test.for<[string, string, (tx: Db) => Promise<unknown>]>([
  ["takes a statement too long", "longer than the database allows", (tx) => endStatement(tx)],
  ["takes a transaction too long", "longer than the database allows", (tx) => endTransaction(tx)],
  [
    "needs more parameters than there are",
    "the bridge itself",
    (tx) => tx.execute(sql`select 1 where 1 in (${sql.join(tooMuch, sql`, `)})`),
  ],
  [
    "breaks over words like those of a lost connection",
    "the bridge itself",
    () => Promise.reject(new Error("Failed query: insert timeout ECONNRESET", { cause: new TypeError("a bug") })),
  ],
])("a webhook that %s is processed alone, and fails alone", async ([, reason, spoil]) => {
  const mapping = await addMapping();
  const name = `spoiled-${mapping.address}`;
  const ids = await storeWebhooks(
    mapping.id,
    ["first", name, "last"].map((id) => body(`${id} ${mapping.address}`, mapping.address)),
  );
  const batches: number[] = [];
  vi.mocked(insertMessages).mockImplementation(async (tx, rows) => {
    if (rows.some(({ providerMessageId }) => providerMessageId?.startsWith(name))) {
      batches.push(rows.length);
      await spoil(tx);
    }
    return messagesStore.insertMessages(tx, rows);
  });
  const events: string[] = [];
  const processWebhooks = createProcessing({ ...context, log: (_level, event) => void events.push(event) });
  while (await processWebhooks());
  expect(batches, "once with others, twice alone").toEqual([3, 1, 1]);
  const found = await Promise.all(ids.map((id) => findWebhook(database.db, id)));
  expect(found.map((webhook) => webhook?.state)).toEqual(["processed", "failed", "processed"]);
  expect(found[1]?.reason).toContain(reason);
  expect(events.filter((event) => event !== "webhook.processed")).toEqual([
    "webhooks.isolated",
    "webhook.broke",
    "webhook.broke",
  ]);
});

async function endStatement(tx: Db): Promise<void> {
  await tx.execute(sql`set local statement_timeout = '20ms'`);
  await tx.execute(sql`select pg_sleep(60)`);
}

/** As if reading took longer than a transaction may wait. */
async function endTransaction(tx: Db): Promise<void> {
  await tx.execute(sql`set local idle_in_transaction_session_timeout = '20ms'`);
  for (;;) {
    await tx.execute(sql`select 1`);
    await sleep(500);
  }
}

test("a webhook that takes long to read keeps its transaction, as its process does not stand still", async () => {
  const mapping = await addMapping();
  const [webhookId = 0] = await storeWebhooks(mapping.id, [body("long", mapping.address)]);
  const isKept = async () =>
    selectRows(
      database.people,
      sql`
        select pid from pg_stat_activity
        where datname = current_database() and state = 'idle in transaction' and query = 'select 1'`,
    );
  const parse: typeof inlineReading.parse = async (...given) => {
    await until(isKept, ({ length }) => length === 1);
    return inlineReading.parse(...given);
  };
  const processWebhooks = createProcessing({ ...context, log, reading: { ...inlineReading, parse } });
  while (await processWebhooks());
  expect((await findWebhook(database.db, webhookId))?.state).toBe("processed");
});

test("what the database would say of every webhook fails none", async () => {
  const mapping = await addMapping();
  const [waiting = 0] = await storeWebhooks(mapping.id, [body("waiting", mapping.address)]);
  const processWebhooks = createProcessing({ ...context, log });
  for (const broken of ["select * from no_such_table", "do $$ begin raise sqlstate '25006'; end $$"]) {
    vi.mocked(insertMessages).mockImplementation((tx) => tx.execute(sql.raw(broken)) as never);
    for (const _ of [1, 2, 3]) await expect(processWebhooks()).rejects.toThrow();
  }
  vi.mocked(insertMessages).mockImplementation(messagesStore.insertMessages);
  expect(await processWebhooks()).toBeDefined();
  expect((await findWebhook(database.db, waiting))?.state).toBe("processed");
});

test("only what was received before a process started costs it a count", async () => {
  const mapping = await addMapping();
  const [before = 0] = await storeWebhooks(mapping.id, [body("before-start", mapping.address)]);
  const processWebhooks = createProcessing({ ...context, log });
  while (await processWebhooks());
  const [since = 0] = await storeWebhooks(mapping.id, [body("since-start", mapping.address)]);
  while (await processWebhooks());
  expect(await findWebhook(database.db, before)).toMatchObject({ state: "processed", readAttempts: 1 });
  expect(await findWebhook(database.db, since)).toMatchObject({ state: "processed", readAttempts: 0 });
});

test("the large webhooks of one mapping leave room for another's, and at least one is read, however large", async () => {
  const [large, small] = [await addMapping(), await addMapping()];
  const [first = 0] = await storeWebhooks(
    large.id,
    Array.from({ length: 5 }, () => randomBytes(2_000)),
  );
  const [other = 0] = await storeWebhooks(small.id, [body("other", small.address)]);
  const idsWithin = async (bytes: number) => {
    const { webhooks, isCut } = await listReceivedWebhooks(database.db, [large.id, small.id], { rows: 200, bytes });
    return [isCut, ...webhooks.map(({ id }) => id)];
  };
  expect(await idsWithin(1)).toEqual([true, first]);
  expect(await idsWithin(2_050)).toEqual([true, first, other]);
  expect(await idsWithin(5_000)).toEqual([true, first, first + 1, first + 2, other]);
  expect((await idsWithin(20_000)).slice(0, 2)).toEqual([false, first]);
  await processAll();
});

test("webhooks of many mappings are processed together, those of each in their order, and a large backlog waits its turn", async () => {
  const [busy, quiet] = [await addMapping(), await addMapping()];
  const numbers = Array.from({ length: 300 }, (_, index) => `busy-${index}`);
  const bodies = numbers.map((id) => body(id, busy.address));
  await storeWebhooks(busy.id, bodies);
  const [last] = await storeWebhooks(quiet.id, [body("quiet", quiet.address)]);
  const processWebhooks = createProcessing({ ...context, log });
  expect(await processWebhooks()).toMatchObject({ isMoreReceived: true });
  expect((await findWebhook(database.db, last ?? 0))?.state).toBe("processed");
  const first = await listMessages(database.db, { mappingId: busy.id, limit: 1000 });
  expect(first).toHaveLength(100);
  await processAll();
  const all = await listMessages(database.db, { mappingId: busy.id, limit: 1000 });
  expect(all.map(({ message }) => message.providerMessageId).reverse()).toEqual(numbers);
});

test("of more mappings than are processed together the others are looked for, and what was taken whole is not", async () => {
  const mappings = await Promise.all(Array.from({ length: 21 }, addMapping));
  for (const { id, address } of mappings) await storeWebhooks(id, [body(`of-${id}`, address)]);
  const processWebhooks = createProcessing({ ...context, log });
  expect(await processWebhooks()).toMatchObject({ isMoreReceived: true });
  expect(await processWebhooks()).toMatchObject({ isMoreReceived: false });
  expect(await processWebhooks()).toBeUndefined();
});
