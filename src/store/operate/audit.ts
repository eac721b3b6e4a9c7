import { and, desc, eq, gte, lt, sql } from "drizzle-orm";
import type { Db } from "../postgres/database.ts";
import { listNewest, type Page, rowsOfEach } from "../postgres/walk-newest.ts";
import { type AuditEntry, audit } from "../schema.ts";

export async function insertAudit(db: Db, entry: Omit<AuditEntry, "id" | "at">): Promise<void> {
  await db.insert(audit).values(entry);
}

/** The same, unless the same stands there since an hour, or among the last thousand of whom it is about. */
export async function insertAuditHourly(
  db: Db,
  entry: Omit<AuditEntry, "id" | "at" | "route"> & { route: string },
): Promise<void> {
  const { who, method, route, status, isAnswered } = entry;
  const ids = JSON.stringify(entry.ids);
  await db.execute(sql`
    insert into audit (who, method, route, status, is_answered, ids)
    select ${who}, ${method}, ${route}, ${status}, ${isAnswered}, ${ids}::jsonb
    where not exists (
      select from (select * from audit where who = ${who} order by id desc limit 1000) latest
      where at > now() - interval '1 hour' and method = ${method} and route = ${route} and ids = ${ids}::jsonb
    )`);
}

export interface AuditFilter {
  who?: string | undefined;
  /** That it is about, each by its name: `mappingId`, say. */
  ids?: Record<string, string | number> | undefined;
  from?: Date | undefined;
  until?: Date | undefined;
}

/** Newest first. However few fit, it looks at no more than some thousands: then `walkedTo` says where to go on. */
export async function listAudit(
  db: Db,
  page: AuditFilter & { before?: number | undefined; limit: number },
): Promise<Page<AuditEntry>> {
  const { who, ids = {}, from, until, limit } = page;
  const isNamed = Object.keys(ids).length > 0;
  const isFiltered = isNamed || from !== undefined || until !== undefined;
  const isOf = who === undefined ? undefined : eq(audit.who, who);
  const walk = { table: audit, condition: isOf, rows: rowsOfEach(1, limit, isFiltered) };
  const conditions = and(
    isOf,
    isNamed ? sql`${audit.ids} @> ${JSON.stringify(ids)}::jsonb` : undefined,
    from && gte(audit.at, from),
    until && lt(audit.at, until),
  );
  return listNewest(db, [walk], page, (tx, isWalked) =>
    tx.select().from(audit).where(and(isWalked, conditions)).orderBy(desc(audit.id)).limit(limit),
  );
}
