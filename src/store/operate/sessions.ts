import { and, desc, eq, gt, inArray, lt, sql } from "drizzle-orm";
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

/** Those that have ended are deleted by the way, and a user of HighLevel's oldest ones beyond some. */
export async function insertSession(db: Db, session: Session, hours: number): Promise<void> {
  await db.delete(sessions).where(lt(sessions.expiresAt, sql`now()`));
  await db.insert(sessions).values({ ...session, expiresAt: sql`now() + ${hours} * interval '1 hour'` });
  if (!session.userId) return;
  const older = db
    .select({ hash })
    .from(sessions)
    .where(and(eq(userId, session.userId), eq(locationId, session.locationId ?? "")))
    .orderBy(desc(sessions.createdAt))
    .offset(maxOfUser);
  await db.delete(sessions).where(inArray(hash, older));
}

/** In as many windows and browsers one person may look at a location's pages at once. */
const maxOfUser = 20;

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
