import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { applyReceipts } from "../../src/inbox/apply-receipts.ts";
import type { Receipt } from "../../src/model.ts";
import { describeMapping, type MappingFacts } from "../../src/registry/mappings.ts";
import { ensureConversation } from "../../src/store/conversations.ts";
import { putLocation } from "../../src/store/locations.ts";
import { findMapping, insertMapping as insert } from "../../src/store/mappings.ts";
import { findMessage, insertMessages } from "../../src/store/messages/messages.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";
import { type Provider, providers } from "../support/providers.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 5);
  await putLocation(database.db, { id: "loc", sealedToken: "sealed" });
});
afterAll(async () => {
  await database.close();
});

const locationId = "loc";
let counter = 0;
async function addMapping({ name, channel }: Provider): Promise<MappingFacts> {
  const address = channel === "sms" ? `+1500555${1000 + ++counter}` : `box${++counter}@example.com`;
  const rest = { conversationProviderId: "p", type: "Custom", unknownSender: "create", postAutomatic: false } as const;
  const { id } = await insertMapping(database.db, { locationId, provider: name, address, ...rest });
  const row = await findMapping(database.db, id);
  if (!row) throw new Error("the mapping is not there");
  return describeMapping(row);
}

/** What an agent had the mapping send, under the provider's id of it once that is known; gives our id. */
async function addSent({ id: mappingId, channel }: MappingFacts, providerMessageId: string | null): Promise<number> {
  const address = channel === "sms" ? "+15005550006" : "ann@example.org";
  const { id: conversationId } = await ensureConversation(database.db, { mappingId, locationId, address });
  const [stored] = await insertMessages(database.db, [
    {
      ...{ mappingId, conversationId, origin: "highlevel", direction: "outbound", receivedAt: new Date() },
      ...{ state: providerMessageId === null ? "queued" : "sent", providerMessageId },
    },
  ]);
  if (!stored) throw new Error("the message is not there");
  return stored.id;
}

/** Whether it was about anything. */
async function tell(mapping: MappingFacts, reference: number | undefined, providerMessageId: string): Promise<boolean> {
  const receipt: Receipt = {
    kind: "receipt",
    reference: reference?.toString(),
    providerMessageId,
    status: "delivered",
  };
  const context = { tx: database.db, visibleAfterSeconds: 0 };
  return (await applyReceipts(context, [{ account: { ...mapping, deletedAt: null }, receipt }])).known.has(receipt);
}
const stateOf = async (id: number) => (await findMessage(database.db, id))?.message.state;

const unsigned = providers.filter(({ adapter }) => !adapter.isReferenceSigned);
const signed = providers.filter(({ adapter }) => adapter.isReferenceSigned);

describe.each(unsigned)("a receipt of $name that is posted under another message's reference", (provider) => {
  test("is about the message whose id it has", async () => {
    const mapping = await addMapping(provider);
    const [own, other, queued] = [
      await addSent(mapping, "id-own"),
      await addSent(mapping, "id-other"),
      await addSent(mapping, null),
    ];
    for (const reference of [other, queued]) expect(await tell(mapping, reference, "id-own")).toBe(true);
    expect([await stateOf(own), await stateOf(other), await stateOf(queued)]).toEqual(["delivered", "sent", "queued"]);
  });

  test("is about none when its id is nobody's and the message has another", async () => {
    const mapping = await addMapping(provider);
    const sent = await addSent(mapping, "id-own");
    expect(await tell(mapping, sent, "id-of-somebody-else")).toBe(false);
    expect(await stateOf(sent)).toBe("sent");
  });
});

describe.each(providers)("a receipt of $name", (provider) => {
  test("that comes before the send is recorded is known by its reference", async () => {
    const mapping = await addMapping(provider);
    const queued = await addSent(mapping, null);
    expect(await tell(mapping, queued, "id-new")).toBe(true);
    expect(await stateOf(queued)).toBe("delivered");
  });

  test("with its own reference, or none, is known by the id", async () => {
    const mapping = await addMapping(provider);
    const [first, second] = [await addSent(mapping, "id-1"), await addSent(mapping, "id-2")];
    expect(await tell(mapping, first, "id-1")).toBe(true);
    expect(await tell(mapping, undefined, "id-2")).toBe(true);
    expect([await stateOf(first), await stateOf(second)]).toEqual(["delivered", "delivered"]);
  });
});

test.each(signed)("a signed reference of $name counts, also beside one id for all messages", async (provider) => {
  const mapping = await addMapping(provider);
  const [first, second] = [await addSent(mapping, "accepted"), await addSent(mapping, null)];
  expect(await tell(mapping, second, "accepted")).toBe(true);
  expect([await stateOf(first), await stateOf(second)]).toEqual(["sent", "delivered"]);
});

test("of messages of two numbers of one account with the same id it is the one that the reference names", async () => {
  const provider = unsigned.find(({ channel }) => channel === "sms");
  if (!provider) throw new Error("there is no provider of texts");
  const first = await addMapping(provider);
  const row = await findMapping(database.db, first.id);
  if (!row) throw new Error("the mapping is not there");
  const address = "+15005559000";
  const second = describeMapping(await insert(database.db, { ...row, id: randomUUID(), address }));
  const [one, two] = [await addSent(first, "ok"), await addSent(second, "ok")];
  expect(await tell({ ...second, id: first.accountId }, two, "ok")).toBe(true);
  expect([await stateOf(one), await stateOf(two)]).toEqual(["sent", "delivered"]);
});
