import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { createProcessing } from "../../src/inbox/process-webhooks.ts";
import { inlineReading } from "../../src/providers/reading.ts";
import { createListeners } from "../../src/registry/endpoints/listeners.ts";
import { erasePerson } from "../../src/registry/people.ts";
import { putLocation } from "../../src/store/locations.ts";
import { insertMapping as insertMappingOf } from "../../src/store/mappings.ts";
import { listMessages } from "../../src/store/messages/list-messages.ts";
import { recallParts } from "../../src/store/messages/parts.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { pruneStep } from "../../src/store/retention.ts";
import { findWebhook, insertWebhooks } from "../../src/store/webhooks.ts";
import { restless, startTestBridge, untilPosted } from "../support/bridge.ts";
import { copyMigrated, openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";
import { publicUrl } from "../support/location.ts";
import { providerOf } from "../support/providers.ts";
import { createRandom, shuffle } from "../support/random.ts";
import { until } from "../support/until.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 10);
  await putLocation(database.db, { id: "loc", sealedToken: "sealed" });
});
afterAll(() => database.close());

let counter = 0;
async function addMapping() {
  const { id, address } = await insertMapping(database.db, {
    ...{ locationId: "loc", provider: "vonage-sms", address: `+1500555${String(1000 + ++counter)}` },
    ...{ conversationProviderId: "p", type: "Custom", unknownSender: "create", postAutomatic: false },
  });
  return { id, address };
}

interface Part {
  id: string;
  text: string;
  number: number;
  total: number;
  ref?: string | undefined;
  from?: string;
}
const fields = { type: "text", "message-timestamp": "2026-11-21 09:59:57" };
const webhookOf = (mapping: { id: string; address: string }, { id, text, number, total, ref, from }: Part) => ({
  ...{ accountId: mapping.id, source: "provider" as const, url: "u", headers: { "content-type": "application/json" } },
  body: Buffer.from(
    JSON.stringify({
      ...{ ...fields, msisdn: from ?? "15005550006", to: mapping.address.slice(1), messageId: id, text },
      ...{ concat: "true", "concat-ref": ref ?? "37", "concat-part": String(number), "concat-total": String(total) },
    }),
  ),
});
const store = (mapping: { id: string; address: string }, parts: Part[]) =>
  insertWebhooks(
    database.db,
    parts.map((part) => webhookOf(mapping, part)),
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
  ...{ visibleAfterSeconds: 0, reading: inlineReading, log: () => undefined },
  applyInstall: () => Promise.reject(new Error("is not called here")),
};
/** As a process does that has just been started. */
const processAll = async () => {
  const processWebhooks = createProcessing(context);
  while (await processWebhooks());
};
/** Each is processed before the next one comes. */
async function receive(mapping: { id: string; address: string }, ...parts: Part[]): Promise<number[]> {
  const ids: number[] = [];
  for (const part of parts) {
    ids.push(...(await store(mapping, [part])));
    await processAll();
  }
  return ids;
}
/** Minutes go by. */
async function wait(): Promise<void> {
  await database.db.execute(sql`update message_parts set waits_until = now() where waits_until is not null`);
  await recallParts(database.db);
  await processAll();
}
async function messagesOf({ id }: { id: string }) {
  const { rows } = await listMessages(database.db, { mappingId: id, limit: 100 });
  return rows
    .map(({ message, address }) => ({ id: message.providerMessageId, text: message.content?.text, from: address }))
    .reverse();
}
const statesOf = (ids: number[]) =>
  Promise.all(
    ids.map((id) => findWebhook(database.db, id).then((found) => [found?.state, found?.reason ?? undefined])),
  );
const rowsOf = ({ id }: { id: string }) =>
  selectRows<{ state: string; content: unknown }>(
    database.db,
    sql`select state, content from message_parts where mapping_id = ${id} order by id`,
  );

const [one, two, three] = [
  { id: "a1", text: "Hello, I wr", number: 1, total: 3 },
  { id: "a2", text: "ite a lo", number: 2, total: 3 },
  { id: "a3", text: "ng text", number: 3, total: 3 },
] as const;
const whole = { id: "a1", text: "Hello, I write a long text", from: "+15005550006" };

test("parts become one message, in whichever order they come, each by a process of its own", async () => {
  for (const order of [
    [one, two, three],
    [three, two, one],
    [two, three, one],
  ]) {
    const mapping = await addMapping();
    const ids = await receive(mapping, ...order.slice(0, 2));
    expect(await messagesOf(mapping), "it waits").toEqual([]);
    ids.push(...(await receive(mapping, ...order.slice(2))));
    expect(await messagesOf(mapping)).toEqual([whole]);
    expect(await statesOf(ids)).toEqual(Array(3).fill(["processed", undefined]));
    expect(await rowsOf(mapping), "nothing of it is kept twice").toEqual(
      Array(3).fill({ state: "joined", content: null }),
    );
  }
});

test("parts that are processed together, or by several processes at once, become one message", async () => {
  const random = createRandom(20_261_126);
  const mapping = await addMapping();
  const people = Array.from({ length: 20 }, (_, person) => `1500556${1000 + person}`);
  const parts = people.flatMap((from) =>
    [one, two, three].map((part) => ({ ...part, id: `${part.id}-${from}`, from })),
  );
  await store(mapping, shuffle([...parts, ...parts], random));
  await Promise.all([processAll(), processAll(), processAll()]);
  await processAll();
  const found = await messagesOf(mapping);
  expect(found.toSorted((a, b) => (a.from < b.from ? -1 : 1))).toEqual(
    people.map((from) => ({ ...whole, id: `a1-${from}`, from: `+${from}` })),
  );
});

test("a part that comes again is a duplicate, before the text is whole and after", async () => {
  const mapping = await addMapping();
  const ids = await receive(mapping, one, one, two, three, two, three, one);
  expect(await messagesOf(mapping)).toEqual([whole]);
  const duplicate = ["ignored", "duplicate: a part with this providerMessageId is known"];
  const taken = ["processed", undefined];
  expect(await statesOf(ids)).toEqual([taken, duplicate, taken, taken, duplicate, duplicate, duplicate]);
});

test("two people who write by the same reference, and two numbers, do not mix", async () => {
  const [mapping, other] = [await addMapping(), await addMapping()];
  const ann = { from: "15005550071" };
  const bob = { from: "15005550072" };
  await receive(mapping, { ...one, ...ann }, { ...three, ...bob, id: "b3" }, { ...two, ...bob, id: "b2", text: "OB " });
  await receive(other, { ...two, ...ann, id: "c2" });
  await receive(mapping, { ...one, ...bob, id: "b1" }, { ...two, ...ann }, { ...three, ...ann });
  expect(await messagesOf(mapping)).toEqual([
    { id: "b1", text: "Hello, I wrOB ng text", from: "+15005550072" },
    { ...whole, from: "+15005550071" },
  ]);
  expect(await messagesOf(other)).toEqual([]);
});

test("what is not whole in time goes as it is, and says what is missing", async () => {
  const mapping = await addMapping();
  const [first = 0] = await receive(mapping, one, three);
  await recallParts(database.db);
  await processAll();
  expect(await messagesOf(mapping), "not before its time").toEqual([]);
  await wait();
  expect(await messagesOf(mapping)).toEqual([{ ...whole, text: "Hello, I wr\n[Part 2 of 3 is missing]\nng text" }]);
  await wait();
  expect(await messagesOf(mapping), "once").toHaveLength(1);
  expect(await statesOf([first])).toEqual([["processed", undefined]]);
  expect(await rowsOf(mapping)).toEqual(Array(2).fill({ state: "broken", content: null }));
  await receive(mapping, two, one);
  expect(await messagesOf(mapping), "what comes later comes by itself").toEqual([
    expect.anything(),
    { id: "a2", text: "[Part 2 of 3, which came late]\nite a lo", from: "+15005550006" },
  ]);
});

test("the beginning, the end or several parts in a row may be missing", async () => {
  const mapping = await addMapping();
  await receive(mapping, { ...two, total: 4 });
  await wait();
  await receive(mapping, { id: "d4", text: "end", number: 4, total: 4, ref: "38" });
  await wait();
  expect((await messagesOf(mapping)).map(({ text }) => text)).toEqual([
    "[Part 1 of 4 is missing]\nite a lo\n[Parts 3 to 4 of 4 are missing]",
    "[Parts 1 to 3 of 4 are missing]\nend",
  ]);
});

test("another text by the same reference ends the one before, and later on is none of its parts", async () => {
  const mapping = await addMapping();
  await receive(mapping, one, two, { ...one, id: "e1", text: "Again" }, { ...two, id: "e2" }, { ...three, id: "e3" });
  await receive(mapping, { ...two, id: "f2" }, { ...one, id: "f1" }, { ...three, id: "f3" });
  expect((await messagesOf(mapping)).map(({ id, text }) => [id, text])).toEqual([
    ["a1", "Hello, I write a lo\n[Part 3 of 3 is missing]"],
    ["e1", "Againite a long text"],
    ["f1", "Hello, I write a long text"],
  ]);
});

test("each part that comes lets the others wait on", async () => {
  const mapping = await addMapping();
  await receive(mapping, one);
  await database.db.execute(sql`update message_parts set waits_until = now() where waits_until is not null`);
  await receive(mapping, two);
  expect(await recallParts(database.db)).toBe(false);
  await receive(mapping, three);
  expect(await messagesOf(mapping)).toEqual([whole]);
});

test("a part whose number is no longer mapped waits for a mapping, and is not lost", async () => {
  const mapping = await addMapping();
  const [id = 0] = await receive(mapping, one);
  await database.db.execute(sql`update mappings set address = '+15005559999' where id = ${mapping.id}`);
  await wait();
  expect(await statesOf([id])).toEqual([["failed", expect.stringContaining("no mapping for")]]);
  await database.db.execute(sql`update mappings set address = ${mapping.address} where id = ${mapping.id}`);
  await database.db.execute(sql`update webhooks set state = 'received' where id = ${id}`);
  await processAll();
  expect((await messagesOf(mapping)).map(({ text }) => text)).toEqual(["Hello, I wr\n[Parts 2 to 3 of 3 are missing]"]);
});

test("parts whose number has moved to another mapping go there, all of them, and say where they are", async () => {
  const mapping = await addMapping();
  const ids = await receive(mapping, one, two);
  await database.db.execute(sql`update mappings set address = '+15005559998' where id = ${mapping.id}`);
  const { id } = await insertMappingOf(database.db, {
    ...{ accountId: mapping.id, locationId: "loc", provider: "vonage-sms", address: mapping.address },
    ...{ conversationProviderId: "p", type: "Custom", unknownSender: "create", postAutomatic: false },
  });
  await wait();
  await wait();
  expect((await messagesOf({ id })).map(({ text }) => text)).toEqual(["Hello, I write a lo\n[Part 3 of 3 is missing]"]);
  expect(await messagesOf(mapping)).toEqual([]);
  expect(await statesOf(ids)).toEqual(Array(2).fill(["processed", undefined]));
});

test("every part of a number that is mapped no more says so", async () => {
  const mapping = await addMapping();
  const ids = await receive(mapping, one, two);
  await database.db.execute(sql`update mappings set address = '+15005559997' where id = ${mapping.id}`);
  await wait();
  expect(await statesOf(ids)).toEqual(Array(2).fill(["failed", expect.stringContaining("no mapping for")]));
  await database.db.execute(sql`update mappings set address = ${mapping.address} where id = ${mapping.id}`);
  await database.db.execute(sql`update webhooks set state = 'received' where mapping_id = ${mapping.id}`);
  await processAll();
  expect((await messagesOf(mapping)).map(({ text }) => text)).toEqual([
    "Hello, I write a lo\n[Part 3 of 3 is missing]",
  ]);
  expect(await statesOf(ids)).toEqual(Array(2).fill(["processed", undefined]));
});

test("parts that waited while the bridge was off for long are not forgotten before they are recalled", async () => {
  const mapping = await addMapping();
  await receive(mapping, one, two);
  await database.db.execute(
    sql`update message_parts set created_at = now() - interval '40 days' where mapping_id = ${mapping.id}`,
  );
  await database.db.execute(
    sql`update webhooks set received_at = now() - interval '40 days' where mapping_id = ${mapping.id}`,
  );
  await pruneStep(database.db, { retentionDays: 1, rows: 1000 });
  await wait();
  expect((await messagesOf(mapping)).map(({ text }) => text)).toEqual([
    "Hello, I write a lo\n[Part 3 of 3 is missing]",
  ]);
});

test("a sender's name that is erased leaves none of the webhooks that brought its parts", async () => {
  const mapping = await addMapping();
  const ids = await receive(mapping, { ...one, from: "Acme" }, { ...two, from: "Acme" }, { ...three, from: "Acme" });
  await erasePerson(database.db, { address: "Acme", locationIds: ["loc"] });
  const bodies = await Promise.all(ids.map((id) => findWebhook(database.db, id)));
  expect(bodies.map((found) => found?.body.toString())).toEqual(["", "", ""]);
});

test("what is no count of parts is a text of its own", async () => {
  const mapping = await addMapping();
  const odd = [
    { ...one, id: "g1", number: 0 },
    { ...one, id: "g2", number: 4 },
    { ...one, id: "g3", total: 1 },
    { ...one, id: "g4", total: 256 },
    { ...one, id: "g5", ref: "" },
    { ...one, id: "g6", number: Number.NaN },
    { ...one, id: "g7", number: 1.5 },
  ];
  await receive(mapping, ...odd);
  expect((await messagesOf(mapping)).map(({ id }) => id)).toEqual(odd.map(({ id }) => id));
  expect(await rowsOf(mapping)).toEqual([]);
});

test("a bridge posts what is whole at once, and the rest when its time is over, by itself", async () => {
  const { url, drop } = await copyMigrated(inject);
  const bridge = await startTestBridge({ databaseUrl: url, tuning: restless });
  const apart = await openDatabase({ url, poolSize: 2, startSeconds: 10 });
  onTestFinished(async () => {
    await apart.close();
    await bridge.stop();
    await drop();
  });
  const { signer } = providerOf("vonage-sms");
  const address = "+15005550009";
  const mapped = { provider: "vonage-sms", address, credentials: signer.credentials };
  const id = await bridge.addMapping(mapped);
  const post = async (part: Part) => {
    const { body } = webhookOf({ id, address }, part);
    const sample = { contentType: "application/json", body: JSON.parse(body.toString()) };
    const signed = signer.sign(sample, { url: `${publicUrl}/webhooks/${id}`, at: new Date() });
    expect((await bridge.post(signed)).status).toBe(200);
  };
  for (const part of [two, three, one]) await post(part);
  expect(await untilPosted(bridge, 1)).toMatchObject([{ altId: "a1", body: whole.text }]);
  const body = webhookOf({ id, address }, two).body.toString();
  const { body: preview } = await bridge.admin("POST", `/mappings/${id}/preview`, {
    contentType: "application/json",
    body,
  });
  expect(preview.events).toMatchObject([{ outcome: "kept", reason: "part 2 of 3: it goes with the others" }]);
  await post({ ...one, id: "i1", ref: "38" });
  await until(
    () => selectRows(apart.db, sql`update message_parts set waits_until = now() where waits_until > now() returning 1`),
    (changed) => changed.length > 0,
  );
  const [, second] = await untilPosted(bridge, 2);
  expect(second).toMatchObject({ altId: "i1", body: "Hello, I wr\n[Parts 2 to 3 of 3 are missing]" });
});

test("a person who is erased leaves no parts, and old ones are forgotten", async () => {
  const mapping = await addMapping();
  await receive(mapping, { ...one, from: "15005550077" }, { ...one, id: "h1", from: "15005550078" });
  await erasePerson(database.db, { address: "+15005550077", locationIds: ["loc"] });
  expect(await rowsOf(mapping)).toHaveLength(1);
  await receive(mapping, { ...two, id: "h2", from: "15005550078" }, { ...three, id: "h3", from: "15005550078" });
  const prune = () => pruneStep(database.db, { retentionDays: 30, rows: 1000 });
  await prune();
  expect(await rowsOf(mapping)).toHaveLength(3);
  await database.db.execute(sql`update message_parts set created_at = now() - interval '4 days'`);
  await prune();
  expect(await rowsOf(mapping)).toEqual([]);
});
