import { sql } from "drizzle-orm";
import type { Db } from "../postgres/database.ts";
import { type MarketplaceApp, marketplaceApps } from "../schema.ts";

/** The app that was entered; undefined while there is none. */
export async function findMarketplaceApp(db: Db): Promise<MarketplaceApp | undefined> {
  const [app] = await db.select().from(marketplaceApps);
  return app;
}

/** There is one at most. */
export async function putMarketplaceApp(db: Db, app: Omit<MarketplaceApp, "what" | "updatedAt">): Promise<void> {
  const changed = { ...app, updatedAt: sql`now()` };
  await db
    .insert(marketplaceApps)
    .values({ what: "highlevel", ...changed })
    .onConflictDoUpdate({ target: marketplaceApps.what, set: changed });
}

/** `false` where none was entered. */
export async function deleteMarketplaceApp(db: Db): Promise<boolean> {
  return (await db.delete(marketplaceApps).returning({ what: marketplaceApps.what })).length > 0;
}
