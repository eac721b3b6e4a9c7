import { and, desc, eq, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { KeyAccess } from "../model.ts";
import type { Db } from "./postgres/database.ts";
import { type Key, keys } from "./schema.ts";

/** A key as it is shown: what it is known by, never what it is. */
export type KeyFacts = Omit<Key, "hash">;

const { id, name, locationIds, access, createdAt, revokedAt } = keys;
const facts = { id, name, locationIds, access, createdAt, revokedAt };

export async function insertKey(
  db: Db,
  key: { name: string; hash: string; locationIds: string[] | null; access: KeyAccess },
): Promise<KeyFacts> {
  const [stored] = await db.insert(keys).values(key).returning(facts);
  return stored as KeyFacts;
}

/** The key of this hash, unless it is revoked. */
export async function findKeyByHash(db: Db, hash: string): Promise<KeyFacts | undefined> {
  const [key] = await db
    .select(facts)
    .from(keys)
    .where(and(eq(keys.hash, hash), isNull(revokedAt)));
  return key;
}

/** Newest first, also those that are revoked. */
export async function listKeys(db: Db, page: { before?: number | undefined; limit: number }): Promise<KeyFacts[]> {
  const before: SQL | undefined = page.before === undefined ? undefined : lt(id, page.before);
  return db.select(facts).from(keys).where(before).orderBy(desc(id)).limit(page.limit);
}

/** `false` when there is none, or it is revoked already. */
export async function revokeKey(db: Db, keyId: number): Promise<boolean> {
  const revoked = await db
    .update(keys)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(id, keyId), isNull(revokedAt)))
    .returning({ id });
  return revoked.length > 0;
}
