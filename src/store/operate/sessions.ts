import { and, eq, gt, lt, sql } from "drizzle-orm";
import type { KeyAccess } from "../../model.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import type { Db } from "../postgres/database.ts";
import { sessions } from "../schema.ts";

const { hash, keyId, userId, locationId, access } = sessions;

export interface Session {
  hash: string;
  /** Null for the holder of ADMIN_API_KEY, and for a user of HighLevel. */
  keyId: number | null;
  /** Of a user of HighLevel. */
  userId?: string | null;
  locationId?: string | null;
  access?: KeyAccess | null;
}

/** Those that have ended are deleted by the way. */
export async function insertSession(db: Db, session: Session, hours: number): Promise<void> {
  await db.delete(sessions).where(lt(sessions.expiresAt, sql`now()`));
  await db.insert(sessions).values({ ...session, expiresAt: sql`now() + ${hours} * interval '1 hour'` });
}

/** The one that has one of these hashes, unless it has ended. */
export async function findSession(db: Db, hashes: string[]): Promise<Session | undefined> {
  const [found] = await db
    .select({ hash, keyId, userId, locationId, access })
    .from(sessions)
    .where(and(isAnyOf(sessions.hash, hashes), gt(sessions.expiresAt, sql`now()`)));
  return found;
}

/** Tells whether it had not ended yet: of those who come with one at once, one alone is told so. */
export async function deleteSession(db: Db, hash: string): Promise<boolean> {
  const isLive = sql<boolean>`${sessions.expiresAt} > now()`;
  const [deleted] = await db.delete(sessions).where(eq(sessions.hash, hash)).returning({ isLive });
  return deleted?.isLive ?? false;
}
