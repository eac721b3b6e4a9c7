import { and, eq, inArray, sql } from "drizzle-orm";
import { columnsOf } from "../postgres/columns.ts";
import { type Db, secondsFromNow, selectRows } from "../postgres/database.ts";
import { type MessagePartRow, messageParts } from "../schema.ts";

/** So long the parts that are there wait for the next one. Retries of a provider's first minutes come within it. */
const waitSeconds = 300;
/** What the parts of one text have in common. */
export type PartSet = Pick<MessagePartRow, "mappingId" | "person" | "ref" | "total">;

const partColumns = columnsOf<MessagePartRow>(messageParts);
/** A text has 255 at most: of others that were known by the same name before, these are told by far. */
const maxOfSet = 1000;

/** The newest of what is known of parts of these texts, in the order in which they came. The accounts must be locked. */
export async function findParts(tx: Db, sets: PartSet[]): Promise<MessagePartRow[]> {
  const different = new Map(
    sets.map(({ mappingId, person, ref, total }) => {
      const set = { mappingId, person, ref, total };
      return [JSON.stringify(set), set];
    }),
  );
  const rows = await selectRows<Record<string, unknown>>(
    tx,
    sql`
      select ${partColumns.list}
      from json_to_recordset(${JSON.stringify([...different.values()])}::json) as input (
        "mappingId" uuid, person text, ref text, total int
      ) cross join lateral (
        select * from message_parts p
        where p.mapping_id = input."mappingId" and p.person = input.person and p.ref = input.ref and p.total = input.total
        order by p.id desc limit ${maxOfSet}::int
      ) message_parts
      order by message_parts.id`,
  );
  return rows.map(partColumns.read);
}

export type NewPart = Omit<MessagePartRow, "id" | "createdAt" | "waitsUntil">;

/** Stores new parts. While one waits, those that are there wait as long as it does. */
export async function storeParts(tx: Db, parts: NewPart[]): Promise<void> {
  const until = secondsFromNow(waitSeconds);
  const rows = parts.map((part) => {
    const isWaiting = part.state === "waiting";
    return { ...part, content: isWaiting ? part.content : null, waitsUntil: isWaiting ? until : null };
  });
  if (rows.length > 0) await tx.insert(messageParts).values(rows);
  for (const { mappingId, person, ref, total } of parts.filter(({ state }) => state === "waiting")) {
    const isOfSet = [eq(messageParts.mappingId, mappingId), eq(messageParts.person, person), eq(messageParts.ref, ref)];
    const isEarlier = [eq(messageParts.total, total), eq(messageParts.state, "waiting")];
    await tx
      .update(messageParts)
      .set({ waitsUntil: until })
      .where(and(...isOfSet, ...isEarlier));
  }
}

/** They wait no more: what they say stands in a message. */
export async function closeParts(tx: Db, parts: Pick<MessagePartRow, "id" | "state">[]): Promise<void> {
  for (const state of ["joined", "broken"] as const) {
    const ids = parts.flatMap((part) => (part.state === state ? part.id : []));
    if (ids.length === 0) continue;
    await tx.update(messageParts).set({ state, content: null, waitsUntil: null }).where(inArray(messageParts.id, ids));
  }
}

/**
 * Has the webhooks of texts read again whose other parts did not come in time: the first one makes them go as they are. All
 * of them are read, as each may be for another mapping by now, or for none, which it must say. `true` where there were any.
 */
export async function recallParts(db: Db): Promise<boolean> {
  const [recalled] = await selectRows<{ count: number }>(
    db,
    sql`
      with overdue as (
        update message_parts set waits_until = null where id in (
          select p.id from message_parts p where p.waits_until <= now() and not exists (
            select from message_parts other where other.mapping_id = p.mapping_id and other.person = p.person
              and other.ref = p.ref and other.total = p.total and other.waits_until > now()
          ) for update skip locked
        ) returning webhook_id
      ), again as (
        update webhooks set state = 'received', reason = null, read_attempts = 0
        where state <> 'received' and id in (select webhook_id from overdue) returning 1
      )
      select count(*)::int as count from again`,
  );
  return (recalled?.count ?? 0) > 0;
}
