import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { applyReceipts } from "../../src/inbox/apply-receipts.ts";
import type { Receipt } from "../../src/model.ts";
import type { MappingFacts } from "../../src/registry/mappings.ts";
import { describeMapping } from "../../src/registry/mappings.ts";
import { ensureConversation } from "../../src/store/conversations.ts";
import { putLocation } from "../../src/store/locations.ts";
import { insertMessages } from "../../src/store/messages/messages.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";

const many = 3_000;
let database: Database;
let mapping: MappingFacts;
let ids: number[];

beforeAll(async () => {
  database = await openMigrated(inject, 2);
  const { db } = database;
  await putLocation(db, { id: "loc", sealedToken: "sealed" });
  mapping = await addMapping("twilio", "+15005550001");
  const person = { mappingId: mapping.id, locationId: "loc", address: "+15005550006" };
  const conversation = await ensureConversation(db, person);
  const rows = await selectRows<{ id: number }>(
    db,
    sql`
      insert into messages (mapping_id, conversation_id, origin, direction, state, provider_message_id, received_at)
      select ${mapping.id}, ${conversation.id}, 'highlevel', 'outbound', 'queued', case when n % 2 = 0 then 'sm-' || n end, now()
      from generate_series(0, ${many - 1}::int) n order by n returning id`,
  );
  ids = rows.map(({ id }) => id);
});
afterAll(async () => {
  await database.close();
});

async function addMapping(provider: string, address: string): Promise<MappingFacts> {
  const about = { conversationProviderId: "p", type: "Custom", unknownSender: "create", postAutomatic: false } as const;
  const whose = { id: randomUUID(), locationId: "loc", provider, address };
  return describeMapping(await insertMapping(database.db, { ...whose, ...about }));
}

test("receipts of thousands of messages are told apart, also by an id that an earlier one of them brought", async () => {
  const sent = ids.flatMap((id, n): Receipt[] => [
    // Half of the messages know the provider's id; the other half learn it by their first receipt.
    { ...receiptOf(n, "sent"), reference: n % 2 === 0 ? undefined : String(id) },
    receiptOf(n, "delivered"),
  ]);
  const unknown = receiptOf(many, "delivered");
  const received = [...sent, unknown].map((receipt) => ({ account: { ...mapping, deletedAt: null }, receipt }));
  const { known, owed } = await database.db.transaction((tx) =>
    applyReceipts({ tx, visibleAfterSeconds: 0 }, received),
  );
  expect([known.size, known.has(unknown)]).toEqual([sent.length, false]);
  expect(owed.map(({ messageId }) => messageId)).toEqual(ids);
  const rows = await selectRows<{ state: string; isOwn: boolean }>(
    database.db,
    sql`select distinct state, provider_message_id = 'sm-' || (id - ${ids[0]}) as "isOwn" from messages`,
  );
  expect(rows).toEqual([{ state: "delivered", isOwn: true }]);
  const [kept] = await selectRows<{ fates: unknown }>(database.db, sql`select fates from messages limit 1`);
  expect(kept?.fates).toMatchObject([{ state: "delivered", at: expect.stringMatching(/^\d{4}-.*T/) }]);
});

test("a report that comes as mail finds its email by the Message-ID, whatever the provider calls it", async () => {
  const { db } = database;
  const mailbox = await addMapping("generic-email", "box@ours.test");
  const { id: mappingId, accountId, channel } = mailbox;
  const conversation = await ensureConversation(db, { mappingId, locationId: "loc", address: "ann@vale.test" });
  const [email] = await selectRows<{ id: number }>(
    db,
    sql`insert into messages (mapping_id, conversation_id, origin, direction, state, provider_message_id, rfc_message_id, received_at)
      values (${mappingId}, ${conversation.id}, 'highlevel', 'outbound', 'sent', 'theirs-1', 'One@ours.test', now()) returning id`,
  );
  const receipt: Receipt = {
    ...{ kind: "receipt", providerMessageId: "one@ours.test", status: "complained", recipient: "ann@vale.test" },
    consent: { change: "stop", cause: "complaint" },
  };
  const account = { ...mailbox, deletedAt: null };
  const another = { ...account, id: mapping.accountId };
  const applied = await db.transaction((tx) =>
    applyReceipts({ tx, visibleAfterSeconds: 0 }, [
      { account, receipt },
      { account: another, receipt: { ...receipt } },
    ]),
  );
  expect([applied.known.size, applied.known.has(receipt)]).toEqual([1, true]);
  expect([...applied.consents.values()].flat()).toMatchObject([
    { channel, address: "ann@vale.test", messageId: email?.id, change: "stop" },
  ]);
  const [kept] = await selectRows(
    db,
    sql`select state, provider_message_id as "providerMessageId" from messages where id = ${email?.id}`,
  );
  expect([kept, accountId === mapping.accountId]).toEqual([
    { state: "complained", providerMessageId: "theirs-1" },
    false,
  ]);
});

const receiptOf = (n: number, status: Receipt["status"]): Receipt => ({
  kind: "receipt",
  providerMessageId: `sm-${n}`,
  status,
});

test("of an email with more recipients than are kept it is kept how many receipts were not, and HighLevel hears of no new one", async () => {
  const { db } = database;
  const mailbox = await addMapping("postmark", "support@example.com");
  const person = { mappingId: mailbox.id, locationId: "loc", address: "ann@example.org" };
  const { id: conversationId } = await ensureConversation(db, person);
  await insertMessages(db, [
    {
      ...{ mappingId: mailbox.id, conversationId, origin: "highlevel", direction: "outbound", state: "sent" },
      ...{ providerMessageId: "email-1", receivedAt: new Date() },
    },
  ]);
  const tell = async (names: string[]) => {
    const receipts = names.map(
      (name): Receipt => ({
        ...{ kind: "receipt", providerMessageId: "email-1", status: "delivered", recipient: `${name}@example.org` },
      }),
    );
    const received = receipts.map((receipt) => ({ account: { ...mailbox, deletedAt: null }, receipt }));
    const { owed } = await db.transaction((tx) => applyReceipts({ tx, visibleAfterSeconds: 0 }, received));
    const [kept] = await selectRows<{ people: number; left: number | null }>(
      db,
      sql`select (select count(*)::int from jsonb_object_keys(recipients)) as people, left_out as left
        from messages where provider_message_id = 'email-1'`,
    );
    return { ...kept, owed: owed.length };
  };
  const names = Array.from({ length: 250 }, (_, index) => `p${index}`);
  expect(await tell(names.slice(0, 200))).toEqual({ people: 200, left: null, owed: 1 });
  expect(await tell(names.slice(190))).toEqual({ people: 200, left: 50, owed: 0 });
  expect(await tell(["p249", "ann"])).toEqual({ people: 201, left: 51, owed: 1 });
});
