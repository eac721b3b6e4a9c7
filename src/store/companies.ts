import { and, eq, lt, sql } from "drizzle-orm";
import { type SealedTokens, tokenColumns } from "./locations.ts";
import type { Db } from "./postgres/database.ts";
import { type Company, companies } from "./schema.ts";

/** Makes an agency or renews its tokens; waits until nobody else holds its lock. */
export async function putCompany(db: Db, company: { id: string } & SealedTokens): Promise<void> {
  const columns = tokenColumns(company);
  await db
    .insert(companies)
    .values({ id: company.id, ...columns })
    .onConflictDoUpdate({ target: companies.id, set: { ...columns, updatedAt: sql`now()` } });
}

/** An agency that is known by name only, until it is connected. One that is there stays as it is. */
export async function addCompany(db: Db, id: string): Promise<void> {
  await db.insert(companies).values({ id }).onConflictDoNothing();
}

export async function findCompany(db: Db, id: string): Promise<Company | undefined> {
  const [company] = await db.select().from(companies).where(eq(companies.id, id));
  return company;
}

/** What an agency may call HighLevel with, by PostgreSQL's clock. */
export interface CompanyAccess {
  sealedToken: string | null;
  sealedRefreshToken: string | null;
  /** Below 0 when it is over. */
  expiresInSeconds: number | null;
}

const accessColumns = {
  sealedToken: companies.sealedToken,
  sealedRefreshToken: companies.sealedRefreshToken,
  expiresInSeconds: sql<number | null>`extract(epoch from ${companies.tokenExpiresAt} - now())::float8`,
};

export async function findCompanyAccess(db: Db, id: string): Promise<CompanyAccess | undefined> {
  const [access] = await selectAccess(db, id);
  return access;
}

/** Locks the agency's tokens until the transaction ends, and reads them. New locations that refer to it do not wait. */
export async function lockCompanyAccess(tx: Db, id: string): Promise<CompanyAccess | undefined> {
  const [access] = await selectAccess(tx, id).for("no key update");
  return access;
}

const selectAccess = (db: Db, id: string) => db.select(accessColumns).from(companies).where(eq(companies.id, id));

/** Stores renewed tokens, for the holder of the lock. A refresh token that is not given stays. */
export async function saveCompanyTokens(tx: Db, id: string, tokens: SealedTokens): Promise<void> {
  const { sealedRefreshToken, ...columns } = tokenColumns(tokens);
  await tx
    .update(companies)
    .set({ ...columns, ...(sealedRefreshToken === null ? {} : { sealedRefreshToken }), updatedAt: sql`now()` })
    .where(eq(companies.id, id));
}

/** The app is gone from an agency: takes its tokens away, unless it was connected or renewed after the event. */
export async function disconnectCompany(tx: Db, event: { id: string; at: Date }): Promise<boolean> {
  const { id, at } = event;
  const disconnected = await tx
    .update(companies)
    .set({ ...tokenColumns({ sealedToken: null }), updatedAt: sql`now()` })
    .where(and(eq(companies.id, id), lt(companies.updatedAt, at)))
    .returning({ id: companies.id });
  return disconnected.length > 0;
}
