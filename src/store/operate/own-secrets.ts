import { eq } from "drizzle-orm";
import type { Db } from "../postgres/database.ts";
import { type OwnSecret, ownSecrets } from "../schema.ts";

/** The one that is kept: this one, unless there was one before. */
export async function keepFirstSecret(db: Db, what: OwnSecret["what"], sealedSecret: string): Promise<string> {
  await db.insert(ownSecrets).values({ what, sealedSecret }).onConflictDoNothing();
  const [kept] = await db.select().from(ownSecrets).where(eq(ownSecrets.what, what));
  return kept?.sealedSecret ?? sealedSecret;
}
