import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { Failure } from "../../src/errors.ts";
import { forgetGone } from "../../src/outbox/know-sender.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 1);
  await database.db.execute(sql`insert into locations (id) values ('here')`);
});
afterAll(() => database.close());

const access = { locationId: "here", token: "t" };
const gone = new Failure("rejected", "Contact not found", { status: 400, answer: { message: "Contact not found" } });

/** What is left after HighLevel has refused one contact after another, of a person known at a mapping that holds strangers. */
async function forgetAll({ told, found }: { told?: string; found: string | undefined }) {
  const [row] = await selectRows<{ id: number }>(
    database.db,
    sql`insert into conversations (location_id, address, highlevel_contact_id)
      values ('here', ${crypto.randomUUID()}, 'first') returning id::float8 as id`,
  );
  const highlevel = { findContact: async () => found };
  const mapping = { unknownSender: "hold", channel: "sms" };
  const conversation = {
    id: row?.id,
    address: "+15005550001",
    highlevelContactId: "first",
    highlevelConversationId: null,
  };
  // biome-ignore lint/suspicious/noExplicitAny: of each only what is looked at.
  let ids: any = { conversation, message: { content: { contact: told && { contactId: told } } } };
  const tried: string[] = [];
  let failure: unknown;
  while (ids.conversation.highlevelContactId !== null && failure === undefined) {
    expect(tried.length, "it comes to an end").toBeLessThan(10);
    tried.push(ids.conversation.highlevelContactId);
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    const context = { db: database.db, highlevel } as any;
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    await forgetGone(context, mapping as any, access, ids, gone).then(
      (left) => {
        ids = left;
      },
      (error: unknown) => {
        failure = error;
      },
    );
  }
  const [kept] = await selectRows<{ id: string | null }>(
    database.db,
    sql`select highlevel_contact_id as id from conversations where id = ${row?.id}`,
  );
  return { tried, failure, kept: kept?.id };
}

test("who is gone, and whom nobody else stands for, is a stranger again", async () => {
  expect(await forgetAll({ found: undefined })).toEqual({ tried: ["first"], failure: undefined, kept: null });
});

test("a search that lags behind makes nobody a stranger: it is asked again later", async () => {
  const left = await forgetAll({ found: "first" });
  expect(left).toMatchObject({ tried: ["first"], failure: { reason: "not_visible" }, kept: "first" });
});

test("each contact is tried once: the one that the sender told, then the one that is found", async () => {
  expect(await forgetAll({ told: "told", found: "found" })).toMatchObject({
    ...{ tried: ["first", "told", "found"], failure: { reason: "not_visible" }, kept: "found" },
  });
  expect(await forgetAll({ told: "told", found: undefined })).toMatchObject({ tried: ["first", "told"], kept: null });
});
