import { sql } from "drizzle-orm";
import { type Db, selectRows } from "../postgres/database.ts";

/**
 * Takes the making of a conversation's contact for so long, until its id is kept. `contactId`: the contact is known meanwhile, and
 * nothing is to be made. Without both another delivery is making it.
 */
export async function takeMaking(
  db: Db,
  conversationId: number,
  seconds: number,
): Promise<{ isTaken: boolean; contactId: string | null }> {
  const [row] = await selectRows<{ isTaken: boolean; contactId: string | null }>(
    db,
    sql`
      with taken as (
        update conversations set contact_made_until = now() + make_interval(secs => ${seconds}::float8)
        where id = ${conversationId} and highlevel_contact_id is null
          and (contact_made_until is null or contact_made_until < now())
        returning id
      )
      select exists (select from taken) as "isTaken", highlevel_contact_id as "contactId"
      from conversations where id = ${conversationId}`,
  );
  return row ?? { isTaken: false, contactId: null };
}

/** It was not made: whoever comes next tries. */
export async function endMaking(db: Db, conversationId: number): Promise<void> {
  await db.execute(sql`update conversations set contact_made_until = null where id = ${conversationId}`);
}
