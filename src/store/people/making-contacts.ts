import { sql } from "drizzle-orm";
import type { Db } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";

interface Making {
  isTaken: boolean;
  contactId: string | null;
}

/**
 * Takes the making of a conversation's contact for so long, until its id is kept. `contactId`: the contact is known meanwhile, and
 * nothing is to be made. Without both another delivery is making it.
 */
export async function takeMaking(db: Db, conversationId: number, seconds: number): Promise<Making> {
  const [row] = await take(db, { conversationId, seconds });
  return row ?? { isTaken: false, contactId: null };
}

const take = prepare<{ conversationId: number; seconds: number }, Making>(
  "take-making",
  (value) => sql`
    with taken as (
      update conversations set contact_made_until = now() + make_interval(secs => ${value("seconds")}::float8)
      where id = ${value("conversationId")}::bigint and highlevel_contact_id is null
        and (contact_made_until is null or contact_made_until < now())
      returning id
    )
    select exists (select from taken) as "isTaken", highlevel_contact_id as "contactId"
    from conversations where id = ${value("conversationId")}::bigint`,
);

/** It was not made: whoever comes next tries. */
export async function endMaking(db: Db, conversationId: number): Promise<void> {
  await db.execute(sql`update conversations set contact_made_until = null where id = ${conversationId}`);
}
