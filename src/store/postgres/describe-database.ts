import { sql } from "drizzle-orm";
import { type Database, type Db, selectRows } from "./database.ts";

/** Which PostgreSQL it is, and how many migrations it has; the last one by the time at which it was written. */
export async function describeDatabase(db: Db): ReturnType<Database["describe"]> {
  const [described] = await selectRows<Awaited<ReturnType<Database["describe"]>>>(
    db,
    sql`
      select current_setting('server_version') as version, count(*)::int as migrations,
        to_timestamp(max(created_at) / 1000.0)::text as "lastMigrationAt"
      from drizzle.__drizzle_migrations`,
  );
  if (!described) throw new Error("the database does not say what it is");
  return described;
}
