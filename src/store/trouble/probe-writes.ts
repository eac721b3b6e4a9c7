import { randomBytes } from "node:crypto";
import { eq } from "drizzle-orm";
import type { Db } from "../postgres/database.ts";
import { writeProbes } from "../schema.ts";

/** More than the free room of some pages: PostgreSQL must have its file grow, as for webhooks. */
const probeBytes = 65_536;

/** Throws what PostgreSQL says when it cannot write, although it may read: on a full disk, or a standby. */
export async function probeWrites(db: Db): Promise<void> {
  await db.transaction(async (tx) => {
    const [probe] = await tx
      .insert(writeProbes)
      .values({ filler: randomBytes(probeBytes) })
      .returning({ id: writeProbes.id });
    if (probe) await tx.delete(writeProbes).where(eq(writeProbes.id, probe.id));
  });
}
