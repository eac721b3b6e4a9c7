import { eq, sql } from "drizzle-orm";
import { type Db, selectRows } from "../postgres/database.ts";
import { locations, type Trouble, type TroubleFacts, troubles } from "../schema.ts";
import { isPaused } from "../trouble/paused-locations.ts";

/** Those of which it was told that they began. */
export async function listTroubles(db: Db): Promise<Trouble[]> {
  return db.select().from(troubles);
}

/** `false` where it has been told already. */
export async function beginTrouble(tx: Db, trouble: Omit<Trouble, "beganAt">): Promise<boolean> {
  const begun = await tx.insert(troubles).values(trouble).onConflictDoNothing().returning({ key: troubles.key });
  return begun.length > 0;
}

/** The trouble that is over; undefined where that has been told already. */
export async function endTrouble(tx: Db, key: string): Promise<Trouble | undefined> {
  const [over] = await tx.delete(troubles).where(eq(troubles.key, key)).returning();
  return over;
}

/** The locations of an account; undefined where there is no such account. */
export async function findAccountLocations(db: Db, accountId: string): Promise<string[] | undefined> {
  const [account] = await selectRows<{ locationIds: string[] }>(
    db,
    sql`
      select array(
        select location_id from mappings where account_id = accounts.id and deleted_at is null
        union select unnest(location_ids) order by 1
      ) as "locationIds"
      from accounts where id = ${accountId}::uuid`,
  );
  return account?.locationIds;
}

const keyOfLocation = sql`'location ' || ${locations.id}`;
/** Limits, ours and HighLevel's, pause for seconds, and are nothing that anybody must do something about. */
const needsSomebody = sql`${locations.pausedReason} not in ('throttled', 'own_limit')`;
/** After a pause that ends by itself HighLevel is asked once more, and may refuse again. */
const goesOn = sql`(${locations.pausedReason} is null or not ${needsSomebody}
  or ${locations.pausedUntil} < now() - interval '1 minute')`;

/** Locations that are paused, of which it was not told; and those of which it was told, and that go on again. */
export async function findChangedPauses(
  db: Db,
  limit: number,
): Promise<{ begun: Omit<Trouble, "beganAt">[]; over: string[] }> {
  const begun = await selectRows<{ id: string } & TroubleFacts>(
    db,
    sql`
      select ${locations.id} as id, ${locations.pausedReason} as reason, ${locations.pausedDetail} as detail
      from ${locations}
      where ${isPaused} and ${needsSomebody} and ${locations.deletedAt} is null
        and not exists (select from troubles where key = ${keyOfLocation})
      order by 1 limit ${limit}`,
  );
  const over = await selectRows<{ key: string }>(
    db,
    sql`
      select key from troubles join ${locations} on key = ${keyOfLocation} where ${goesOn}
      order by 1 limit ${limit}`,
  );
  return {
    begun: begun.map(({ id, reason, detail }) => ({
      key: `location ${id}`,
      locationId: id,
      facts: { reason, detail },
    })),
    over: over.map(({ key }) => key),
  };
}
