import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { erasePerson, findConversationsOf } from "../../src/registry/people.ts";
import { insertMessages } from "../../src/store/messages/messages.ts";
import { endDead } from "../../src/store/operate/erase-person.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";

let database: Database;
const account = "00000000-0000-0000-0000-000000000001";
const elsewhere = "00000000-0000-0000-0000-000000000002";

/** At two locations the person has written, been written to, and been named in what could not be read; and so has another. */
beforeAll(async () => {
  database = await openMigrated(inject, 2);
  const { db } = database;
  await db.execute(sql`insert into locations (id) values ('here'), ('there')`);
  await db.execute(sql`
    insert into accounts (id, provider, location_ids)
    values (${account}, 'twilio', array['here']), (${elsewhere}, 'twilio', array['there'])`);
  await db.execute(sql`
    insert into mappings (id, account_id, location_id, provider, address, type, unknown_sender, post_automatic)
    select id, id, location_ids[1], 'twilio', '+14155550100', 'SMS', 'create', false from accounts`);
  await db.execute(sql`
    insert into conversations (mapping_id, location_id, address, spelling, highlevel_contact_id)
    select id, location_id, person, 'marked', 'contact' || person
    from mappings, unnest(array['+14155550123', '+14155550199']) person order by location_id, person`);
  await db.execute(sql`
    insert into webhooks (mapping_id, url, headers, body, state, reason)
    select id, 'https://x/?to=' || who, '{}', convert_to('From=%2B' || who || '&Body=marked', 'UTF8'), state, 'because of marked ' || who
    from mappings, unnest(array['14155550123', '14155550199']) who, unnest(array['processed', 'failed', 'received']) state
    order by location_id, who, state`);
  await db.execute(sql`
    insert into messages (mapping_id, conversation_id, webhook_id, direction, state, provider_message_id, received_at, content, error,
      recipients, send_request)
    select mapping_id, id, id, 'inbound', 'failed', 'p-' || id, now(), '{"text":"marked"}', '{"code":"1","message":"marked"}',
      '{"marked":{"status":"failed"}}', '{"message":"marked"}'
    from conversations`);
  await db.execute(sql`
    insert into deliveries (kind, conversation_id, number, message_id, state, reason, detail)
    select 'post-inbound', conversation_id, id, id, 'dead', 'rejected', 'marked' from messages`);
  await db.execute(sql`
    insert into attempts (delivery_id, started_at, duration_ms, outcome, detail)
    select id, now(), 1, 'rejected', 'marked' from deliveries`);
});
afterAll(() => database.close());

test("what names a person in another writing is erased, and of the app's as a whole what is of a location in reach", async () => {
  const { db } = database;
  const mail = "ann@example.org";
  const inBase64 = `Content-Transfer-Encoding: base64\r\n\r\n${Buffer.from(`marked, ${mail}`).toString("base64")}`;
  const bodies: [account: string | null, body: string][] = [
    [account, JSON.stringify({ mime: inBase64 })],
    [elsewhere, String(new URLSearchParams({ mime: inBase64 }))],
    [null, `{"locationId":"here","to":"ann\\u0040example.org"}`],
    [null, `{"locationId":"there","to":"${mail}"}`],
    [null, `{"locationId":"here","to":"joann@example.org"}`],
  ];
  const first = await idOfNewest();
  for (const [id, body] of bodies)
    await db.execute(sql`
      insert into webhooks (mapping_id, source, url, headers, body, state, reason)
      values (${id}, 'highlevel', 'https://x', '{}', convert_to(${body}, 'UTF8'), 'failed', ${body})`);
  const left = () =>
    selectRows<{ number: number }>(
      db,
      sql`select (id - ${first})::int as number from webhooks where id > ${first} and state = 'failed' and length(body) > 0 order by id`,
    ).then((rows) => rows.map(({ number }) => number));
  expect(await left()).toEqual([1, 2, 3, 4, 5]);
  expect(await erasePerson(db, { address: "Ann@Example.org", locationIds: ["here"] })).toMatchObject({ webhooks: 2 });
  expect(await left()).toEqual([2, 4, 5]);
  await erasePerson(db, { address: mail, locationIds: undefined });
  expect(await left()).toEqual([5]);
  await db.execute(sql`delete from webhooks where id > ${first}`);
});

async function idOfNewest(): Promise<number> {
  const [newest] = await selectRows<{ id: number }>(database.db, sql`select max(id)::int as id from webhooks`);
  return newest?.id ?? 0;
}

/** In how many rows of the whole database these words stand. */
async function countRows(words: string): Promise<number> {
  const tables = await selectRows<{ name: string }>(
    database.db,
    sql`select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  let total = 0;
  for (const { name } of tables) {
    const body = name === "webhooks" ? sql`|| encode(body, 'escape')` : sql``;
    const table = sql.raw(`"${name}"`);
    const [counted] = await selectRows<{ count: number }>(
      database.db,
      sql`select count(*)::int as count from ${table} t where strpos(t::text ${body}, ${words}) > 0`,
    );
    total += counted?.count ?? 0;
  }
  return total;
}

test("a person is erased at the locations that are reached, and nowhere else, and nobody else is", async () => {
  const { db } = database;
  const [person, other] = [await countRows("14155550123"), await countRows("14155550199")];
  expect(person).toBeGreaterThan(0);
  expect(person).toBe(other);
  const erased = await erasePerson(db, { address: "(415) 555-0123", locationIds: ["here"] });
  expect(erased).toMatchObject({ conversations: 1, messages: 1 });
  expect(await countRows("14155550123"), "what the other location has").toBe(person / 2);
  expect(await countRows("14155550199")).toBe(other);
  await erasePerson(db, { address: "+1 415 555 0123", locationIds: undefined });
  expect(await countRows("14155550123")).toBe(0);
  const marked = await countRows("marked");
  await erasePerson(db, { address: "+14155550199", locationIds: undefined });
  expect(marked).toBeGreaterThan(0);
  expect(await countRows("marked"), "with the last person all that anybody wrote is gone").toBe(0);
  expect(await findConversationsOf(db, { address: "+14155550199", locationIds: undefined })).toEqual([]);
});

test("what comes again of an erased person is still known, and nothing of it goes out or waits", async () => {
  const { db } = database;
  const [message] = await selectRows<{ id: string; conversation: number }>(
    db,
    sql`select provider_message_id as id, conversation_id as conversation from messages where mapping_id = ${account} limit 1`,
  );
  const again = {
    mappingId: account,
    conversationId: message?.conversation ?? 0,
    direction: "inbound" as const,
    state: "received" as const,
    providerMessageId: message?.id ?? null,
    receivedAt: new Date(),
  };
  expect(await insertMessages(db, [again])).toEqual([]);
  expect(await selectRows(db, sql`select distinct state, note from deliveries`)).toEqual([
    { state: "discarded", note: "erased" },
  ]);
  const left = await selectRows(db, sql`select distinct state from webhooks order by state`);
  expect(left).toEqual([{ state: "ignored" }, { state: "processed" }]);
});

test("dead deliveries and failed webhooks have an end", async () => {
  const { db } = database;
  await db.execute(sql`
    update deliveries set state = 'dead', finished_at = now() - make_interval(days => case when id = 1 then 200 else 1 end)`);
  await db.execute(sql`
    update webhooks set state = 'failed', received_at = now() - make_interval(days => case when id <= 2 then 200 else 1 end)`);
  while (await endDead(db, { days: 180, rows: 5 }));
  const states = await selectRows(
    db,
    sql`select state, count(*)::int as count from deliveries group by state order by state`,
  );
  expect(states).toEqual([
    { state: "dead", count: 3 },
    { state: "discarded", count: 1 },
  ]);
  expect(await selectRows(db, sql`select count(*)::int as count from webhooks`)).toEqual([{ count: 10 }]);
});
