import { type SQL, sql } from "drizzle-orm";
import { kindsToPeople } from "../../model.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { deliveries, type Hold, holds, isEvent } from "../schema.ts";

/** A condition: is all held that goes out to people? */
export const areSendsHeld = sql`exists (select from holds where what = 'sends')`;

/** To compare a kind with. */
export const toPeople = sql.raw(`(${kindsToPeople.map((kind) => `'${kind}'`).join(", ")})`);

/** A condition on a lane's kind: may it be claimed, as far as that goes? */
export const isLetOut = (kind: SQL) => sql`(${kind} not in ${toPeople} or not (select ${areSendsHeld}))`;

/** A condition: did somebody pause the mapping of this id? */
export const isMappingPaused = (id: SQL) =>
  sql`exists (select from mappings paused where paused.id = ${id} and paused.paused_at is not null)`;

/** Holds all that goes out to people, for all processes, from the next claim on. Gives since when; one that is held stays so. */
export async function holdSends(db: Db, startedBy: string): Promise<Hold> {
  await db.insert(holds).values({ what: "sends", startedBy }).onConflictDoNothing();
  return (await findHold(db)) ?? holdSends(db, startedBy);
}

/** `false` where nothing was held. */
export async function endHold(db: Db): Promise<boolean> {
  return (await db.delete(holds).returning({ what: holds.what })).length > 0;
}

export async function findHold(db: Db): Promise<Hold | undefined> {
  const [hold] = await db.select().from(holds);
  return hold;
}

/** How many messages to people wait, of the oldest 10,000 deliveries. */
export async function countHeldSends(db: Db): Promise<number> {
  const [row] = await selectRows<{ count: number }>(
    db,
    sql`
      select count(*)::int as count
      from (
        select kind from deliveries where state = 'pending' and ${isEvent(deliveries.kind)} = 0 order by id limit 10000
      ) pending
      where kind in ${toPeople}`,
  );
  return row?.count ?? 0;
}
