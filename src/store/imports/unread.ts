import { eq, sql } from "drizzle-orm";
import { type Db, selectRows } from "../postgres/database.ts";
import { conversations } from "../schema.ts";

/** Null where no import is under way in the conversation any more. */
export async function keepUnreadBefore(db: Db, conversationId: number, unreadBefore: number | null): Promise<void> {
  await db.update(conversations).set({ unreadBefore }).where(eq(conversations.id, conversationId));
}

/** How many messages the person has written since the import was made. */
export async function countLiveSince(db: Db, conversationId: number, importId: number | undefined): Promise<number> {
  const [row] = await selectRows<{ count: number }>(
    db,
    sql`
      select count(*)::int as count from messages
      where conversation_id = ${conversationId} and direction = 'inbound' and origin <> 'import'
        and created_at >= (select created_at from imports where id = ${importId ?? null}::bigint)`,
  );
  return row?.count ?? 0;
}
