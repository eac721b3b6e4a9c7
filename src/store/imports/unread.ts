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

/** How many messages the person has written since the import was made; or as many of them as HighLevel is known to have. */
export async function countLiveSince(
  db: Db,
  about: { conversationId: number; importId: number | undefined; arePosted?: true },
): Promise<number> {
  const { conversationId, importId = null, arePosted } = about;
  const [row] = await selectRows<{ count: number }>(
    db,
    sql`
      select count(*)::int as count from messages
      where conversation_id = ${conversationId} and direction = 'inbound' and origin <> 'import'
        ${arePosted ? sql`and highlevel_message_id is not null` : sql``}
        and created_at >= (select created_at from imports where id = ${importId}::bigint)`,
  );
  return row?.count ?? 0;
}
