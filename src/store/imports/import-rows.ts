import { and, asc, eq, gt, isNotNull, sql } from "drizzle-orm";
import type { ConsentChange, ProviderMessage } from "../../model.ts";
import type { Addressee } from "../consent/opt-outs.ts";
import type { Habits } from "../conversations.ts";
import { countStates } from "../deliveries.ts";
import { isPast, isTo } from "../lanes/held-lane.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import { columnsOf } from "../postgres/columns.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { deliveries, type Import, type ImportRow, importRows, type MappingRow } from "../schema.ts";
import { isMappingPaused } from "../trouble/holds.ts";

/** A line as it was read: a message, or why it is none that can be taken. */
export type NewImportRow = { line: number } & (
  | { person: string; message: ProviderMessage; sentAt: Date; consent: ConsentChange | undefined }
  | { reason: string }
);

/** Keeps what was read of an import, in one statement. Gives how many of each; a message whose id it has already is a duplicate. */
export async function insertImportRows(
  db: Db,
  importId: number,
  rows: NewImportRow[],
): Promise<Record<"lines" | "refused" | "duplicates", number>> {
  const input = rows.map((row) => ({
    ...row,
    providerMessageId: "message" in row ? row.message.providerMessageId : undefined,
  }));
  const stored = await selectRows<{ isRefused: boolean }>(
    db,
    sql`
      insert into import_rows (import_id, line, person, sent_at, provider_message_id, message, consent, reason)
      select ${importId}, line, person, "sentAt", "providerMessageId", message, consent, reason
      from json_to_recordset(${JSON.stringify(input)}::json) as input (
        line int, person text, "sentAt" timestamptz, "providerMessageId" text, message jsonb, consent text, reason text
      )
      on conflict do nothing
      returning reason is not null as "isRefused"`,
  );
  const refused = stored.filter(({ isRefused }) => isRefused).length;
  return { lines: rows.length, refused, duplicates: rows.length - stored.length };
}

/**
 * Takes out what the mapping has by its id already, or one of its provider that stood for the address in the same location before
 * it, also by another account, and of
 * each person's words on whether they may be written to all but the newest. Gives what is left, as far as it is told beforehand.
 */
export async function sortImportRows(
  tx: Db,
  { id }: Pick<Import, "id">,
  { id: mappingId, provider, locationId, address }: Pick<MappingRow, "id" | "provider" | "locationId" | "address">,
): Promise<{ duplicates: number; people: number; knownPeople: number }> {
  const doubled = await selectRows(
    tx,
    sql`
      delete from import_rows where import_id = ${id} and message is not null and exists (
        select from messages where provider_message_id = import_rows.provider_message_id and mapping_id = any (array(
          select id from mappings where location_id = ${locationId} and address = ${address} and provider = ${provider}
        ))
      ) returning 1`,
  );
  await tx.execute(sql`
    update import_rows set consent = null
    from (
      select id, row_number() over (partition by person order by sent_at desc, line desc) as nth
      from import_rows where import_id = ${id} and consent is not null
    ) said
    where import_rows.id = said.id and (consent = 'start' or nth > 1)`);
  const [counted] = await selectRows<{ people: number; knownPeople: number }>(
    tx,
    sql`
      select count(*)::int as people, count(c.highlevel_contact_id)::int as "knownPeople"
      from (select distinct person from import_rows where import_id = ${id} and message is not null) people
      left join conversations c on c.mapping_id = ${mappingId} and c.address = people.person`,
  );
  return { duplicates: doubled.length, people: 0, knownPeople: 0, ...counted };
}

/** Those after this one whose contact the bridge does not know, in their order. */
export async function listUnknownPeople(
  db: Db,
  { id, mappingId, after, limit }: { id: number; mappingId: string; after: string | null; limit: number },
): Promise<string[]> {
  const rows = await selectRows<{ person: string }>(
    db,
    sql`
      select distinct person from import_rows
      where import_id = ${id} and message is not null and person > ${after ?? ""} and not exists (
        select from conversations c
        where c.mapping_id = ${mappingId} and c.address = person and c.highlevel_contact_id is not null
      )
      order by person limit ${limit}`,
  );
  return rows.map(({ person }) => person);
}

const rowColumns = columnsOf<ImportRow>(importRows);

/** The next ones to be posted, of so many people beside these so many at most: person by person, each one's oldest first. */
export async function listNextRows(
  tx: Db,
  importId: number,
  { people, besides, ofEach }: { people: number; besides: string[]; ofEach: number },
): Promise<ImportRow[]> {
  const isOf = sql`import_id = ${importId} and message is not null`;
  const rows = await selectRows<Record<string, unknown>>(
    tx,
    sql`
      with recursive first as (
        (select person, 1 as nth from import_rows where ${isOf} order by person limit 1)
        union all
        select next.person, first.nth + 1 from first cross join lateral (
          select person from import_rows where ${isOf} and person > first.person order by person limit 1
        ) next
        where first.nth < ${people + besides.length}::int
      ), people as (
        select person from first where person <> all(${sql.param(besides)}::text[]) order by person limit ${people}::int
      )
      select ${rowColumns.list} from people cross join lateral (
        select * from import_rows where ${isOf} and person = people.person order by sent_at, line limit ${ofEach}::int
      ) import_rows
      order by import_rows.person, sent_at, line`,
  );
  return rows.map(rowColumns.read);
}

export async function deleteImportRows(tx: Db, ids: number[]): Promise<void> {
  await tx.delete(importRows).where(isAnyOf(importRows.id, ids));
}

/** Keeps how people wrote last of whom nothing has come live, which says more: for conversations that are locked. */
export async function keepFormerHabits(tx: Db, habits: Habits[]): Promise<void> {
  if (habits.length === 0) return;
  await tx.execute(sql`
    update conversations set service = person.service, spelling = person.spelling
    from json_to_recordset(${JSON.stringify(habits)}::json) as person ("conversationId" bigint, service text, spelling text)
    where conversations.id = person."conversationId" and not exists (
      select from messages where conversation_id = conversations.id and direction = 'inbound' and origin <> 'import'
    )`);
}

/** Of what is refused nothing is kept but the line and why. */
export async function refuseImportRows(tx: Db, ids: number[], reason: string): Promise<void> {
  const emptied = { message: null, person: null, sentAt: null, consent: null };
  await tx
    .update(importRows)
    .set({ ...emptied, reason })
    .where(isAnyOf(importRows.id, ids));
}

/** By their lines. */
export async function listRefusedRows(
  db: Db,
  importId: number,
  { after, limit }: { after: number | undefined; limit: number },
): Promise<{ line: number; reason: string | null }[]> {
  return db
    .select({ line: importRows.line, reason: importRows.reason })
    .from(importRows)
    .where(and(eq(importRows.importId, importId), isNotNull(importRows.reason), gt(importRows.line, after ?? -1)))
    .orderBy(asc(importRows.line))
    .limit(limit);
}

/** How many of the messages that it has begun are how. */
export const countPosted = (db: Db, importId: number) =>
  countStates(db, and(eq(deliveries.importId, importId), isNotNull(deliveries.messageId)));

/** How many of what it owes wait, up to so many, and of whom. */
export async function countWaitingOf(
  tx: Db,
  importId: number,
  limit: number,
): Promise<{ messages: number; people: string[] }> {
  const [counted] = await selectRows<{ messages: number; people: string[] }>(
    tx,
    sql`
      select count(*)::int as messages, coalesce(json_agg(distinct address), '[]') as people from (
        select conversation_id from deliveries where import_id = ${importId} and state = 'pending' limit ${limit}
      ) waiting join conversations on conversations.id = conversation_id`,
  );
  return counted ?? { messages: 0, people: [] };
}

/** Does something live wait for its turn to call HighLevel for the location, although nothing keeps it? */
export async function isLiveWaiting(tx: Db, locationId: string): Promise<boolean> {
  const rows = await selectRows(
    tx,
    sql`
      select 1 from lanes
      where location_id = ${locationId} and due_at < now() - interval '2 seconds' and due_at is not null
        and ${isTo.highlevel(sql`kind`)} and not ${isPast(sql`kind`)}
        and lease_token is null and not ${isMappingPaused(sql`mapping_id`)}
      limit 1`,
  );
  return rows.length > 0;
}

/** Texts of a person that are short enough to be a word, and are newer than this, to whatever number of the location. */
export async function listShortTextsSince(tx: Db, { locationId, address }: Addressee, since: Date): Promise<string[]> {
  const rows = await selectRows<{ text: string }>(
    tx,
    sql`
      select content ->> 'text' as text
      from mappings
      join conversations on conversations.mapping_id = mappings.id and conversations.address = ${address}
      join messages on messages.conversation_id = conversations.id
      where mappings.location_id = ${locationId} and direction = 'inbound'
        and length(content ->> 'text') < 100 and coalesce(sent_at, received_at) > ${since.toISOString()}::timestamptz`,
  );
  return rows.map(({ text }) => text);
}
