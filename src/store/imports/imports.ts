import { and, asc, desc, eq, getTableColumns, lte, type SQL, sql } from "drizzle-orm";
import { isAnyOf } from "../postgres/any-of.ts";
import { type Db, secondsFromNow, selectRows } from "../postgres/database.ts";
import { listNewest, type Page, type Walk } from "../postgres/walk-newest.ts";
import { type Import, imports, mappings } from "../schema.ts";

export type NewImport = Pick<Import, "mappingId" | "history" | "perSecond" | "isDryRun" | "keyId">;

/** A file of which nothing more has come for so long is given up: whoever read it has died. */
export const readFileSeconds = 900;

export async function insertImport(db: Db, row: NewImport): Promise<Import> {
  const nextAt = secondsFromNow(row.history ? 0 : readFileSeconds);
  const [stored] = await db
    .insert(imports)
    .values({ ...row, nextAt })
    .returning();
  return stored as Import;
}

/** Whose they are: of mappings of these locations; undefined for all. */
interface ImportReach {
  locationIds: string[] | undefined;
}

const isOf = ({ locationIds }: ImportReach): SQL | undefined =>
  locationIds &&
  sql`${imports.mappingId} in (select id from ${mappings} where ${isAnyOf(mappings.locationId, locationIds)})`;

export async function findImport(db: Db, id: number, reach: ImportReach): Promise<Import | undefined> {
  const [found] = await db
    .select()
    .from(imports)
    .where(and(eq(imports.id, id), isOf(reach)));
  return found;
}

/** Newest first. */
export async function listImports(
  db: Db,
  { locationIds, ...page }: ImportReach & { before?: number | undefined; limit: number },
): Promise<Page<Import>> {
  const { limit } = page;
  const walks = locationIds ? await walkImports(db, locationIds, limit) : [{ table: imports, rows: limit }];
  return listNewest(db, walks, page, (tx, isWalked) =>
    tx.select().from(imports).where(isWalked).orderBy(desc(imports.id)).limit(limit),
  );
}

async function walkImports(db: Db, locationIds: string[], rows: number): Promise<Walk[]> {
  const own = await db.select({ id: mappings.id }).from(mappings).where(isAnyOf(mappings.locationId, locationIds));
  const values = own.map(({ id }) => id);
  const parts = { column: imports.mappingId, values, type: "uuid" as const, areFew: true };
  return values.length > 0 ? [{ table: imports, parts, rows }] : [];
}

/** One of the mapping that has not ended: of each there is one at most. */
export async function findOpenImport(db: Db, mappingId: string): Promise<Import | undefined> {
  const [found] = await db
    .select()
    .from(imports)
    .where(and(eq(imports.mappingId, mappingId), isAnyOf(imports.state, ["running", "paused"])))
    .limit(1);
  return found;
}

/** Until the transaction ends nobody else begins one of the mapping. */
export async function lockForHistory(tx: Db, mappingId: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`history ${mappingId}`}, 0))`);
}

/** What a step is of: what a provider or HighLevel is asked for, or what is here. */
export type ImportWork = "asking" | "posting";

const isOfWork = (work: ImportWork): SQL => {
  const isAsking = sql`(${imports.stage} = 'matching' or (${imports.stage} = 'reading' and ${imports.history} is not null))`;
  return work === "asking" ? isAsking : sql`not ${isAsking}`;
};

/** Locks one whose step is due, until the transaction ends: others pass it over. `lateSeconds`: for how long it has been. */
export async function lockDueImport(tx: Db, work: ImportWork): Promise<(Import & { lateSeconds: number }) | undefined> {
  const lateSeconds = sql<number>`extract(epoch from now() - ${imports.nextAt})::float8`;
  const [due] = await tx
    .select({ ...getTableColumns(imports), lateSeconds })
    .from(imports)
    .where(and(eq(imports.state, "running"), lte(imports.nextAt, sql`now()`), isOfWork(work)))
    .orderBy(asc(imports.nextAt))
    .limit(1)
    .for("update", { skipLocked: true });
  return due;
}

/** In how many seconds the next step will be due; undefined where none is to come. */
export async function nextStepInSeconds(db: Db, work: ImportWork): Promise<number | undefined> {
  const [row] = await db
    .select({ seconds: sql<number | null>`extract(epoch from min(${imports.nextAt}) - now())::float8` })
    .from(imports)
    .where(and(eq(imports.state, "running"), isOfWork(work)));
  return row?.seconds ?? undefined;
}

/** Those that were left for so many days after they were paused. */
export async function listAbandonedImports(db: Db, days: number): Promise<Import[]> {
  return db
    .select()
    .from(imports)
    .where(and(eq(imports.state, "paused"), sql`${imports.nextAt} < now() - make_interval(days => ${days})`))
    .limit(100);
}

/** Locks one that is as it was when it was read; undefined where it has changed since. */
export async function lockImport(tx: Db, { id, stage, cursor }: Import): Promise<Import | undefined> {
  const [found] = await tx.select().from(imports).where(eq(imports.id, id)).for("update");
  const isSame = found?.state === "running" && found.stage === stage && found.cursor === cursor;
  return isSame ? found : undefined;
}

/** Locks one until the transaction ends; undefined where it has ended. */
export async function lockUnended(tx: Db, id: number): Promise<Import | undefined> {
  const [found] = await tx.select().from(imports).where(eq(imports.id, id)).for("update");
  return found?.state === "running" || found?.state === "paused" ? found : undefined;
}

type Counts = Partial<Record<"lines" | "refused" | "duplicates" | "begun" | "matchedPeople" | "newPeople", number>>;
type Changes = Partial<Pick<Import, "stage" | "cursor" | "reason" | "people" | "knownPeople">>;

/** Adds to what was counted, and says when the next step is. */
export async function noteImportStep(
  db: Db,
  id: number,
  { counts = {}, inSeconds = 0, ...changes }: Changes & { counts?: Counts; inSeconds?: number },
): Promise<void> {
  const added = Object.entries(counts).map(([name, count]) => [name, sql`${imports[name as keyof Counts]} + ${count}`]);
  await db
    .update(imports)
    .set({ ...changes, ...Object.fromEntries(added), nextAt: secondsFromNow(inSeconds) })
    .where(eq(imports.id, id));
}

/**
 * Only of one that has not ended; `false` where it had, or was so already. What was to be posted yet is deleted with the end. Whoever
 * reads its file goes on. A dry run that is let go on posts, whomever HighLevel was not asked for yet.
 */
export async function changeImport(db: Db, id: number, change: Pick<Import, "state" | "reason">): Promise<boolean> {
  const isEnd = change.state === "done" || change.state === "stopped";
  const isMatched = sql`(${change.state === "running"} and stage = 'matching')`;
  const rows = await selectRows(
    db,
    sql`
      with changed as (
        update imports set state = ${change.state}, reason = ${change.reason}::text,
          stage = case when ${isMatched} then 'posting' else stage end,
          next_at = case when stage = 'reading' and history is null then next_at else now() end,
          finished_at = case when ${isEnd} then now() end
        where id = ${id} and state in ('running', 'paused') and (state <> ${change.state} or ${isMatched}) returning id
      ), emptied as (
        delete from import_rows where ${isEnd} and message is not null and import_id in (select id from changed)
      )
      select id from changed`,
  );
  return rows.length > 0;
}

/** How many run or are paused in the location of a mapping. */
export async function countOpenBeside(db: Db, mappingId: string): Promise<number> {
  const beside = sql`(select beside.id from ${mappings} beside join ${mappings} own using (location_id) where own.id = ${mappingId})`;
  return db.$count(imports, and(isAnyOf(imports.state, ["running", "paused"]), sql`${imports.mappingId} in ${beside}`));
}
