import { and, desc, eq, gt, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { Db } from "./postgres/database.ts";
import { type Key, keys } from "./schema.ts";

/** A key as it is shown: what it is known by, never what it is. */
export type KeyFacts = Omit<Key, "hash">;

const { id, name, locationIds, access, createdAt, lastUsedAt, expiresAt, revokedAt } = keys;
const facts = { id, name, locationIds, access, createdAt, lastUsedAt, expiresAt, revokedAt };

export type NewKey = Pick<KeyFacts, "name" | "locationIds" | "access" | "expiresAt"> & { hash: string };

export async function insertKey(db: Db, key: NewKey): Promise<KeyFacts> {
  const [stored] = await db.insert(keys).values(key).returning(facts);
  return stored as KeyFacts;
}

/** Is it a minute since its use was written? */
const isUseDue = sql<boolean>`coalesce(${lastUsedAt} < now() - interval '1 minute', true)`;

/** The key of this hash, unless it is revoked or has expired. */
export const findKeyByHash = (db: Db, hash: string) => findLiveKey(db, eq(keys.hash, hash));

/** The same of this id. */
export const findKeyById = (db: Db, keyId: number) => findLiveKey(db, eq(id, keyId));

export type LiveKey = KeyFacts & { isUseDue: boolean };

async function findLiveKey(db: Db, condition: SQL): Promise<LiveKey | undefined> {
  const [key] = await db
    .select({ ...facts, isUseDue })
    .from(keys)
    .where(and(condition, isNull(revokedAt), or(isNull(expiresAt), gt(expiresAt, sql`now()`))));
  return key;
}

export async function noteKeyUse(db: Db, keyId: number): Promise<void> {
  await db
    .update(keys)
    .set({ lastUsedAt: sql`now()` })
    .where(and(eq(id, keyId), isUseDue));
}

/** Newest first, also those that are revoked or have expired. */
export async function listKeys(db: Db, page: { before?: number | undefined; limit: number }): Promise<KeyFacts[]> {
  const before = page.before === undefined ? undefined : lt(id, page.before);
  return db.select(facts).from(keys).where(before).orderBy(desc(id)).limit(page.limit);
}

export type KeyChange = Partial<Pick<NewKey, "name" | "locationIds" | "expiresAt">>;

/** Undefined when there is none, or it is revoked. */
export async function updateKey(db: Db, keyId: number, change: KeyChange): Promise<KeyFacts | undefined> {
  const [changed] = await db
    .update(keys)
    .set(change)
    .where(and(eq(id, keyId), isNull(revokedAt)))
    .returning(facts);
  return changed;
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
