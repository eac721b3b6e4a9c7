import { sql } from "drizzle-orm";
import type { Db } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";

interface Making {
  /** Until when it is this one's, which nobody else has been given. */
  until: string | null;
  contactId: string | null;
}

/**
 * Takes the making of a conversation's contact for so long, until its id is kept. `contactId`: the contact is known meanwhile, and
 * nothing is to be made. Without both another delivery is making it.
 */
export async function takeMaking(db: Db, conversationId: number, seconds: number): Promise<Making> {
  const [row] = await take(db, { conversationId, seconds });
  return row ?? { until: null, contactId: null };
}

const take = prepare<{ conversationId: number; seconds: number }, Making>(
  "take-making",
  (value) => sql`
    with taken as (
      update conversations set contact_made_until = now() + make_interval(secs => ${value("seconds")}::float8)
      where id = ${value("conversationId")}::bigint and highlevel_contact_id is null
        and (contact_made_until is null or contact_made_until < now())
      returning contact_made_until
    )
    select (select contact_made_until::text from taken) as until, highlevel_contact_id as "contactId"
    from conversations where id = ${value("conversationId")}::bigint`,
);

/** It was not made: whoever comes next tries. Where another one has taken it since, it stays that one's. */
export async function endMaking(db: Db, conversationId: number, until: string): Promise<void> {
  await db.execute(sql`
    update conversations set contact_made_until = null
    where id = ${conversationId} and contact_made_until = ${until}::timestamptz`);
}
