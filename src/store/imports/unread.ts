import { eq, sql } from "drizzle-orm";
import { type Db, selectRows } from "../postgres/database.ts";
import { conversations } from "../schema.ts";

/**
 * What was unread, without what had come live since the import was made: below 0 where somebody had read of that. Null where no
 * import is under way in the conversation any more.
 */
export async function keepUnreadBefore(db: Db, conversationId: number, unreadBefore: number | null): Promise<void> {
  await db.update(conversations).set({ unreadBefore }).where(eq(conversations.id, conversationId));
}

/**
 * How many messages the person has written since the import was made; or as many of them as HighLevel is known to have. Undefined
 * where the import is kept no more.
 */
export async function countLiveSince(
  db: Db,
  about: { conversationId: number; importId: number | undefined; arePosted?: true },
): Promise<number | undefined> {
  const { conversationId, importId = null, arePosted } = about;
  const [row] = await selectRows<{ count: number }>(
    db,
    sql`
      select (
        select count(*)::int from messages
        where conversation_id = ${conversationId} and direction = 'inbound' and origin <> 'import'
          ${arePosted ? sql`and highlevel_message_id is not null` : sql``} and messages.created_at >= imports.created_at
      ) as count
      from imports where id = ${importId}::bigint`,
  );
  return row?.count;
}

/**
 * The conversations of a mapping in which what was unread is to be set back, and nothing is owed that does: where it is kept, and where the
 * import has posted, or is about to, without having owed the end. With the import after which it is.
 */
export async function listUnended(
  db: Db,
  { importId, mappingId }: { importId: number; mappingId: string },
): Promise<{ conversationId: number; importId: number }[]> {
  return selectRows(
    db,
    sql`
      with posting as (
        select conversation_id, max(id) as last, max(id) filter (where message_id is null) as last_end
        from deliveries where import_id = ${importId} group by conversation_id
      ), unended as (
        select posting.conversation_id as id from posting join conversations on conversations.id = conversation_id
        where mapping_id = ${mappingId} and posting.last > coalesce(posting.last_end, 0)
        union
        select id from conversations where mapping_id = ${mappingId} and unread_before is not null and not exists (
          select from deliveries where conversation_id = conversations.id and kind = 'post-history'
            and state = 'pending' and message_id is null
        )
      )
      select id::float8 as "conversationId", coalesce((
        select max(import_id) from messages join deliveries on deliveries.message_id = messages.id
        where messages.conversation_id = unended.id and origin = 'import'
      ), ${importId})::float8 as "importId"
      from unended order by id`,
  );
}
