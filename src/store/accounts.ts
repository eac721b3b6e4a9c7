import { and, asc, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import { isAnyOf } from "./postgres/any-of.ts";
import { type Db, selectRows } from "./postgres/database.ts";
import { type AccountRow, accounts, mappings, type NewAccount } from "./schema.ts";

export async function insertAccount(db: Db, account: NewAccount): Promise<AccountRow> {
  const [stored] = await db
    .insert(accounts)
    .values({ credentialsSetAt: sql`now()`, ...account })
    .returning();
  return stored as AccountRow;
}

/** Also a deleted one: look at `deletedAt`. */
export async function findAccount(db: Db, id: string): Promise<AccountRow | undefined> {
  const [account] = await db.select().from(accounts).where(eq(accounts.id, id));
  return account;
}

/** Deleted ones too. */
export async function findAccounts(db: Db, ids: string[]): Promise<AccountRow[]> {
  return db
    .select()
    .from(accounts)
    .where(isAnyOf(accounts.id, ids, "uuid"));
}

/** Of those that serve a location, with those that were deleted within a day; no more are counted than `most`. */
export async function countAccountsOf(db: Db, locationId: string, most: number): Promise<number> {
  const isCounted = sql`${accounts.deletedAt} is null or ${accounts.deletedAt} > now() - interval '1 day'`;
  const serves = sql`${accounts.locationIds} @> array[${locationId}::text]`;
  const some = sql`select from ${accounts} where ${serves} and (${isCounted}) limit ${most}`;
  const [found] = await selectRows<{ count: number }>(db, sql`select count(*)::int as count from (${some}) counted`);
  return found?.count ?? 0;
}

/** With `locationIds` only those all of whose locations are among them. */
export async function listAccounts(
  db: Db,
  page: { locationIds?: string[] | undefined; after?: string | undefined; limit: number },
): Promise<AccountRow[]> {
  const conditions: (SQL | undefined)[] = [isNull(accounts.deletedAt)];
  if (page.locationIds !== undefined) conditions.push(isWithin(page.locationIds));
  if (page.after !== undefined) conditions.push(gt(accounts.id, page.after));
  return db
    .select()
    .from(accounts)
    .where(and(...conditions))
    .orderBy(asc(accounts.id))
    .limit(page.limit);
}

/**
 * An account without any location is the operator's. However many are given, each is looked up once: the index is asked only
 * for few, as it compares each of what it is asked for with every other.
 */
export function isWithin(locationIds: string[]): SQL {
  const given = sql`(select json_array_elements_text(${JSON.stringify(locationIds)}::json))`;
  const overlaps = sql`${accounts.locationIds} && array${given}`;
  return sql`(${locationIds.length > 100 ? sql`cardinality(${accounts.locationIds}) > 0` : overlaps}
    and not exists (select from unnest(${accounts.locationIds}) as id where id not in ${given}))`;
}

export async function updateAccount(
  db: Db,
  id: string,
  {
    areCredentialsNew,
    ...change
  }: Partial<Pick<NewAccount, "name" | "locationIds" | "sealedCredentials">> & {
    areCredentialsNew?: boolean;
  },
): Promise<AccountRow | undefined> {
  const [stored] = await db
    .update(accounts)
    .set({ ...change, ...(areCredentialsNew ? { credentialsSetAt: sql`now()` } : {}), updatedAt: sql`now()` })
    .where(and(eq(accounts.id, id), isNull(accounts.deletedAt)))
    .returning();
  const { sealedCredentials } = change;
  if (stored && sealedCredentials !== undefined) {
    await db
      .update(mappings)
      .set({ sealedCredentials })
      .where(and(eq(mappings.id, id), eq(mappings.accountId, id)));
  }
  return stored;
}

/** Lets the account serve this location, too. */
export async function addLocation(tx: Db, id: string, locationId: string): Promise<void> {
  await tx
    .update(accounts)
    .set({ locationIds: sql`array_append(${accounts.locationIds}, ${locationId})`, updatedAt: sql`now()` })
    .where(and(eq(accounts.id, id), sql`not ${accounts.locationIds} @> array[${locationId}]::text[]`));
}

/** The credentials stay for a week, to tell what comes from its provider. `false` while mappings are in it. */
export async function deleteAccount(db: Db, id: string): Promise<boolean> {
  const hasMappings = sql`exists (select from ${mappings} where ${mappings.accountId} = ${accounts.id} and ${mappings.deletedAt} is null)`;
  const deleted = await db
    .update(accounts)
    .set({ deletedAt: sql`now()`, updatedAt: sql`now()` })
    .where(and(eq(accounts.id, id), isNull(accounts.deletedAt), sql`not ${hasMappings}`))
    .returning({ id: accounts.id });
  return deleted.length > 0;
}

/**
 * The ids of accounts and mappings that were added since a time that an earlier call gave as `until`, or of all; deleted
 * ones too. A few that were added shortly before are among them as well: their transactions may have ended late.
 */
export async function listIdsSince(db: Db, since: Date | undefined): Promise<{ added: string[]; until: Date }> {
  const from = sql`${since?.toISOString() ?? null}::timestamptz`;
  const isAdded = sql`(${from} is null or created_at > ${from} - interval '10 minutes')`;
  const [read] = await selectRows<{ added: string[]; until: string }>(
    db,
    sql`
      select now() as until, coalesce(json_agg(id), '[]') as added from (
        select id from accounts where ${isAdded} union select id from mappings where ${isAdded}
      ) ids`,
  );
  return { added: read?.added ?? [], until: new Date(read?.until ?? 0) };
}

/** Until the transaction ends nothing that came for it is processed, and what is being processed is done. */
export async function lockAccount(tx: Db, id: string): Promise<void> {
  await tx.select({ id: accounts.id }).from(accounts).where(eq(accounts.id, id)).for("update");
}
