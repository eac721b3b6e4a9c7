import { and, asc, eq, gt, inArray, isNull, sql } from "drizzle-orm";
import type { Db } from "../postgres/database.ts";
import { accounts, type ProviderRow, providers } from "../schema.ts";

/** Which there are, deleted ones too, and in which version. */
export async function listProviderVersions(db: Db): Promise<Pick<ProviderRow, "name" | "version">[]> {
  return db.select({ name: providers.name, version: providers.version }).from(providers);
}

/** Deleted ones too. */
export async function findProviders(db: Db, names: string[]): Promise<ProviderRow[]> {
  return names.length === 0 ? [] : db.select().from(providers).where(inArray(providers.name, names));
}

/** By their names, without the deleted ones. */
export async function listProviders(
  db: Db,
  page: { after?: string | undefined; limit: number },
): Promise<ProviderRow[]> {
  const after = page.after === undefined ? undefined : gt(providers.name, page.after);
  return db
    .select()
    .from(providers)
    .where(and(isNull(providers.deletedAt), after))
    .orderBy(asc(providers.name))
    .limit(page.limit);
}

/** Until the transaction ends nobody else changes or deletes it, or makes it; also where there is none yet. */
export async function lockProvider(tx: Db, name: string): Promise<ProviderRow | undefined> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`provider ${name}`}, 0))`);
  const [row] = await tx.select().from(providers).where(eq(providers.name, name)).for("update");
  return row;
}

/** Until the transaction ends nobody changes or deletes it: for an account that is to be of it. Undefined where there is none. */
export async function holdProvider(tx: Db, name: string): Promise<ProviderRow | undefined> {
  const [row] = await tx
    .select()
    .from(providers)
    .where(and(eq(providers.name, name), isNull(providers.deletedAt)))
    .for("share");
  return row;
}

/** Makes it, or puts the document in the place of the last one. Of a deleted one as well. */
export async function putProvider(db: Db, name: string, document: unknown): Promise<ProviderRow> {
  const change = { document, version: crypto.randomUUID() };
  const [stored] = await db
    .insert(providers)
    .values({ name, ...change })
    .onConflictDoUpdate({ target: providers.name, set: { ...change, updatedAt: sql`now()`, deletedAt: null } })
    .returning();
  return stored as ProviderRow;
}

export async function markProviderDeleted(db: Db, name: string): Promise<void> {
  const change = { version: crypto.randomUUID(), deletedAt: sql`now()`, updatedAt: sql`now()` };
  await db.update(providers).set(change).where(eq(providers.name, name));
}

/** The accounts of a provider that are not deleted, with their credentials, from an id on. */
export async function listAccountsOfProvider(
  db: Db,
  provider: string,
  page: { after?: string | undefined; limit: number },
): Promise<(typeof accounts.$inferSelect)[]> {
  const after = page.after === undefined ? undefined : gt(accounts.id, page.after);
  return db
    .select()
    .from(accounts)
    .where(and(eq(accounts.provider, provider), isNull(accounts.deletedAt), after))
    .orderBy(asc(accounts.id))
    .limit(page.limit);
}

/** What providers there are accounts of, deleted ones too. */
export async function listProvidersInUse(db: Db): Promise<string[]> {
  const rows = await db.selectDistinct({ provider: accounts.provider }).from(accounts);
  return rows.map(({ provider }) => provider);
}
