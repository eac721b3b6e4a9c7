import { and, asc, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import type { HighlevelMessageType } from "../model.ts";
import type { Db } from "./database.ts";
import { type MappingRow, mappings, type NewMapping } from "./schema.ts";

/** Throws PostgreSQL's 23505 when another mapping stands for the same address at the same provider. */
export async function insertMapping(db: Db, mapping: NewMapping): Promise<MappingRow> {
  const [stored] = await db.insert(mappings).values(mapping).returning();
  return stored as MappingRow;
}

/** Also a deleted one: look at `deletedAt`. */
export async function findMapping(db: Db, id: string): Promise<MappingRow | undefined> {
  const [mapping] = await db.select().from(mappings).where(eq(mappings.id, id));
  return mapping;
}

export async function findMappingByAddress(
  db: Db,
  address: { provider: string; address: string },
): Promise<MappingRow | undefined> {
  const [mapping] = await db
    .select()
    .from(mappings)
    .where(
      and(eq(mappings.provider, address.provider), eq(mappings.address, address.address), isNull(mappings.deletedAt)),
    );
  return mapping;
}

export async function listMappings(
  db: Db,
  page: { locationId?: string | undefined; after?: string | undefined; limit: number },
): Promise<MappingRow[]> {
  const conditions: SQL[] = [isNull(mappings.deletedAt)];
  if (page.locationId !== undefined) conditions.push(eq(mappings.locationId, page.locationId));
  if (page.after !== undefined) conditions.push(gt(mappings.id, page.after));
  return db
    .select()
    .from(mappings)
    .where(and(...conditions))
    .orderBy(asc(mappings.id))
    .limit(page.limit);
}

export async function updateMapping(
  db: Db,
  id: string,
  change: Partial<Omit<NewMapping, "id">>,
): Promise<MappingRow | undefined> {
  const [stored] = await db
    .update(mappings)
    .set({ ...change, updatedAt: sql`now()` })
    .where(and(eq(mappings.id, id), isNull(mappings.deletedAt)))
    .returning();
  return stored;
}

/** Keeps the type that HighLevel accepted. */
export async function keepMappingType(db: Db, id: string, type: HighlevelMessageType): Promise<void> {
  await db.update(mappings).set({ type, updatedAt: sql`now()` }).where(eq(mappings.id, id));
}

/** Wipes the credentials. What was acknowledged before is still delivered. */
export async function deleteMapping(db: Db, id: string): Promise<boolean> {
  const deleted = await db
    .update(mappings)
    .set({ deletedAt: sql`now()`, updatedAt: sql`now()`, sealedCredentials: null })
    .where(and(eq(mappings.id, id), isNull(mappings.deletedAt)))
    .returning({ id: mappings.id });
  return deleted.length > 0;
}
