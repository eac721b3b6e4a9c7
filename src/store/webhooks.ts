import { and, desc, eq, getTableColumns, inArray, isNotNull, isNull, ne, type SQL, sql } from "drizzle-orm";
import { isWithin } from "./accounts.ts";
import type { Db } from "./postgres/database.ts";
import { prepare } from "./postgres/prepare.ts";
import { accounts, type Webhook, webhooks } from "./schema.ts";

export type NewWebhook = Pick<Webhook, "accountId" | "source" | "url" | "headers" | "body">;

/** One statement of two parameters, whole or not at all; ids grow in the order given. */
export async function insertWebhooks(db: Db, rows: NewWebhook[]): Promise<number[]> {
  let begins = 1;
  const input = rows.map(({ body, ...row }, number) => {
    const part = { ...row, number, begins, length: body.length };
    begins += body.length;
    return part;
  });
  const [first] = rows;
  const bodies = first && rows.length === 1 ? first.body : Buffer.concat(rows.map((row) => row.body));
  return (await insert(db, { input: JSON.stringify(input), bodies })).map((row) => row.id);
}

const insert = prepare<{ input: string; bodies: Buffer }, { id: number }>(
  "insert-webhooks",
  (value) => sql`
    insert into webhooks (mapping_id, source, url, headers, body)
    select "accountId", source, url, headers, substring(${value("bodies")}::bytea from begins for length)
    from json_to_recordset(${value("input")}::json) as input (
      number int, "accountId" uuid, source text, url text, headers jsonb, begins int, length int
    )
    order by number
    returning id`,
);

/** Lets a failed or ignored webhook be processed again; `false` when there is none, or it is waiting already. */
export async function replayWebhook(db: Db, id: number): Promise<boolean> {
  const replayed = await db
    .update(webhooks)
    .set({ state: "received", reason: null, readAttempts: 0 })
    .where(and(eq(webhooks.id, id), inArray(webhooks.state, ["failed", "ignored"])))
    .returning({ id: webhooks.id });
  return replayed.length > 0;
}

/**
 * Keeps the mail that was fetched for a webhook behind its body, and lets it be processed again. Does nothing where there is
 * one already, or where the webhook was erased meanwhile. The headers tell what of it was cut.
 */
export async function keepFetched(db: Db, id: number, fetched: Buffer, headers: Webhook["headers"]): Promise<void> {
  await db
    .update(webhooks)
    .set({
      headers,
      body: sql`${webhooks.body} || ${fetched}::bytea`,
      fetchedFrom: sql`octet_length(${webhooks.body})`,
      ...{ state: "received", reason: null, readAttempts: 0 },
    })
    .where(and(eq(webhooks.id, id), isNull(webhooks.fetchedFrom), ne(webhooks.url, "")));
}

/** Which of the webhooks somebody may see; all where nothing is said. */
export interface WebhookReach {
  /** Only those to accounts that serve no other locations than these. */
  locationIds?: string[] | undefined;
  /** Only those to an account, and none to the app as a whole. */
  isToMapping?: boolean | undefined;
}

export function isReached({ locationIds, isToMapping }: WebhookReach): SQL | undefined {
  const isOfLocations =
    locationIds &&
    sql`${webhooks.accountId} in (select ${accounts.id} from ${accounts} where ${isWithin(locationIds)})`;
  return and(isOfLocations, isToMapping ? isNotNull(webhooks.accountId) : undefined);
}

/**
 * Lets webhooks of an account be processed again that failed as no mapping stood for one of these numbers, or for a mailbox
 * of one of these domains (`@example.com`). They are older than what comes now, and so come first. Gives how many.
 */
export async function replayUnmapped(db: Db, accountId: string, sought: string[]): Promise<number> {
  const replayed = await db
    .update(webhooks)
    .set({ state: "received", reason: null, readAttempts: 0 })
    .where(
      and(
        eq(webhooks.accountId, accountId),
        eq(webhooks.state, "failed"),
        sql`starts_with(${webhooks.reason}, ${unmappedPrefix})`,
        sql`exists (select from json_array_elements_text(${JSON.stringify(sought)}::json) where strpos(${webhooks.reason}, value) > 0)`,
      ),
    )
    .returning({ id: webhooks.id });
  return replayed.length;
}

/** Lets webhooks of an account be processed again that failed for one of these reasons: by an index, however many have failed. */
export async function replayFailed(db: Db, accountId: string, reasons: string[]): Promise<void> {
  const hashes = sql`array(select md5(value) from json_array_elements_text(${JSON.stringify(reasons)}::json))`;
  const isReason = sql`md5(${webhooks.reason}) = any(${hashes})`;
  await db
    .update(webhooks)
    .set({ state: "received", reason: null, readAttempts: 0 })
    .where(and(eq(webhooks.accountId, accountId), eq(webhooks.state, "failed"), isReason));
}

/** Why a webhook is ignored that tells of a message which the account has not sent, or whose send is not recorded yet. */
export const foreignReceipt = "receipt of a message that this account has not sent";

/**
 * Lets receipts be processed again that came to an account while a send was under way: without a reference of ours, they
 * could not be known to be about it. Of the newest 200 webhooks, those of the last two minutes. Who processes the account's
 * webhooks at this moment is waited for: it may have looked before the send was recorded, and not have ended yet.
 */
export async function replayEarlyReceipts(db: Db, accountId: string): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.select({ id: accounts.id }).from(accounts).where(eq(accounts.id, accountId)).for("no key update");
    await replayForeignReceipts(tx, accountId);
  });
}

async function replayForeignReceipts(tx: Db, accountId: string): Promise<void> {
  const newest = tx
    .select({ id: webhooks.id })
    .from(webhooks)
    .where(eq(webhooks.accountId, accountId))
    .orderBy(desc(webhooks.accountId), desc(webhooks.id))
    .limit(200);
  const isEarly = sql`${webhooks.receivedAt} > now() - interval '2 minutes'`;
  await tx
    .update(webhooks)
    .set({ state: "received", reason: null, readAttempts: 0 })
    .where(
      and(inArray(webhooks.id, newest), eq(webhooks.state, "ignored"), eq(webhooks.reason, foreignReceipt), isEarly),
    );
}

/** How the reason begins of a webhook that is addressed to nobody. */
export const unmappedPrefix = "no mapping for ";

const { id: webhookId, accountId, state, reason, receivedAt } = webhooks;
const facts = { id: webhookId, accountId, state, reason, receivedAt };
export type WebhookFacts = Pick<Webhook, keyof typeof facts>;

/** Without what was posted, which may be large. */
export async function findWebhookFacts(db: Db, id: number, reach: WebhookReach): Promise<WebhookFacts | undefined> {
  const [row] = await db
    .select(facts)
    .from(webhooks)
    .where(and(eq(webhooks.id, id), isReached(reach)));
  return row;
}

export async function findWebhook(db: Db, id: number, reach: WebhookReach = {}): Promise<Webhook | undefined> {
  const { body, ...columns } = getTableColumns(webhooks);
  const [row] = await db
    .select({ ...columns, ...smallBody })
    .from(webhooks)
    .where(and(eq(webhooks.id, id), isReached(reach)));
  return row && withBody(db, row);
}

/**
 * Larger ones are read in pieces: PostgreSQL gives bytes as text of twice their length, which the client then holds three
 * times over.
 */
const pieceBytes = 1_000_000;

/** What a statement reads of a webhook's body, for `withBody`. */
export const smallBody = {
  body: sql<Uint8Array | null>`case when octet_length(${webhooks.body}) <= ${sql.raw(String(pieceBytes))} then ${webhooks.body} end`,
  bodyBytes: sql<number>`octet_length(${webhooks.body})`,
};

/** The body of a row that a statement with `smallBody` gave. */
export async function withBody(
  db: Db,
  { bodyBytes, body, ...row }: Omit<Webhook, "body"> & { body: Uint8Array | null; bodyBytes: number },
): Promise<Webhook> {
  if (body) return { ...row, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) };
  const whole = Buffer.allocUnsafeSlow(bodyBytes);
  let read = 0;
  while (read < bodyBytes) {
    const [next] = await selectPiece(db, { id: row.id, begins: read + 1 });
    // It was erased meanwhile.
    if (!next || next.piece.length === 0) break;
    whole.set(next.piece, read);
    read += next.piece.length;
  }
  return { ...row, body: whole.subarray(0, read) };
}

const selectPiece = prepare<{ id: number; begins: number }, { piece: Uint8Array }>(
  "select-body-piece",
  (value) => sql`
    select substring(body from ${value("begins")} for ${sql.raw(String(pieceBytes))}) as piece
    from webhooks where id = ${value("id")}`,
);
