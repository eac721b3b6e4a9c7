import { createHash } from "node:crypto";
import { type ListedMail, type OpenMailbox, type OpenMailboxOf, saidTooMuch } from "../../calls/mail/imap.ts";
import { Failure } from "../../errors.ts";
import type { Wake } from "../../model.ts";
import type { FetchedMailbox } from "../../providers/kit/adapter.ts";
import { type HeldMailbox, type MailboxPosition, movePosition, noteFetched } from "../../store/mailboxes/mailboxes.ts";
import type { Db } from "../../store/postgres/database.ts";
import { repeatOnConflict } from "../../store/postgres/database-errors.ts";
import { insertWebhooks } from "../../store/webhooks.ts";
import { batch, batchesOf, mailWebhook, type ReadMail } from "./mail-webhook.ts";

export interface FetchContext {
  db: Db;
  openMailbox: OpenMailboxOf;
  publicUrl: string;
  /** The largest mail that is fetched whole. */
  maxBytes: number;
  /** Lets few mailboxes of a location be read at once, as each holds what it reads. */
  inTurn<Result>(read: () => Promise<Result>): Promise<Result>;
  /** How long a server is trusted to tell of what comes. */
  waitSeconds: number;
  onWork: Wake;
}

/** Another process fetches from it by now. */
export class MailboxLost extends Error {
  override name = "MailboxLost";
}

/**
 * Fetches from a mailbox that this process holds, first what came meanwhile, then what comes, until the signal fires. What
 * was fetched is a webhook of the account, stored in one transaction with the position: so a connection that breaks, or a
 * process that dies, loses and doubles nothing. Throws a Failure, or MailboxLost.
 */
export async function fetchMailbox(
  context: FetchContext,
  held: HeldMailbox,
  fetched: FetchedMailbox,
  { signal, onFetched }: { signal: AbortSignal; onFetched: () => void },
): Promise<void> {
  const mailbox = await context.openMailbox({ ...fetched, isToMove: fetched.moveTo !== undefined });
  try {
    let position = await findPosition(context, held, mailbox, placeOf(fetched));
    // What ended the last session is behind us once all that was there has been fetched.
    for (let isDoubted = held.failures > 0; !signal.aborted; isDoubted = false) {
      const [from, session] = [position, { ...fetched, held, mailbox, isDoubted }];
      position = await context.inTurn(() => fetchNew(context, session, from));
      await noteFetched(context.db, held);
      onFetched();
      if (!signal.aborted) await mailbox.wait(context.waitSeconds, signal);
    }
  } finally {
    await mailbox.close();
  }
}

/** Whose mailbox and which folder: in another one no number means what it did. */
function placeOf({ url, headers }: FetchedMailbox): string {
  const place = new URL(url);
  const byPassword = Buffer.from((headers["authorization"] ?? "").replace(/^Basic /, ""), "base64").toString();
  const user = decodeURIComponent(place.username) || byPassword.split(":")[0];
  place.username = "";
  return createHash("sha256").update(`${user} ${place.href}`).digest("base64url");
}

const wholeSecond = (time: Date) => new Date(Math.floor(time.getTime() / 1000) * 1000);

type KnownPosition = MailboxPosition & { lastUid: number; baselineUid: number };

const dayMs = 86_400_000;

/**
 * Where to go on. In a folder that is new, or whose numbers are others, mails are known by when they came: what was there
 * before the account, or before it was changed, is not fetched; what was fetched before is known by its Message-ID.
 */
async function findPosition(
  context: FetchContext,
  held: HeldMailbox,
  mailbox: OpenMailbox,
  place: string,
): Promise<KnownPosition> {
  const { uidValidity, uidNext } = mailbox;
  const { lastUid, baselineUid } = held;
  const isSamePlace = held.place === place;
  const isKnown = isSamePlace && held.uidValidity === uidValidity && lastUid !== null && lastUid < uidNext;
  if (isKnown) return { ...held, lastUid, baselineUid: baselineUid ?? 0 };
  // A server tells whole seconds.
  const since = wholeSecond(isSamePlace || held.place === null ? held.since : held.changedAt);
  const lastSeen = isSamePlace ? new Date((held.fetchedAt ?? since).getTime() - 2 * dayMs) : since;
  const [first] = await mailbox.listSince(lastSeen > since ? lastSeen : since);
  const start = (first?.uid ?? uidNext) - 1;
  const position = { place, uidValidity, lastUid: start, baselineUid: uidNext, since, movedUid: null };
  await commit(context, held, position, []);
  return { ...position, fetchedAt: held.fetchedAt };
}

interface Session extends Pick<FetchedMailbox, "moveTo" | "verifiedBy"> {
  held: HeldMailbox;
  mailbox: OpenMailbox;
  /** Each mail is read alone then, and no more of it than is kept. */
  isDoubted: boolean;
}

async function fetchNew(context: FetchContext, session: Session, begun: KnownPosition): Promise<KnownPosition> {
  const { held, mailbox, moveTo, verifiedBy, isDoubted } = session;
  let position = begun;
  const movedUid = moveTo === undefined ? null : (position.movedUid ?? position.lastUid);
  if (movedUid !== position.movedUid) {
    position = { ...position, movedUid };
    await commit(context, held, { movedUid }, []);
  }
  const listed = await mailbox.listAfter(position.lastUid);
  const batches = isDoubted ? listed.map((mail) => [mail]) : batchesOf(listed, context.maxBytes);
  for (const batch of batches) {
    const wanted = batch.filter((mail) => isToFetch(mail, position));
    const reading = readMails(mailbox, wanted, { maxBytes: context.maxBytes, isDoubted });
    const { mails, failure } = await reading.then((mails) => ({ mails, failure: undefined }), passOver(held, wanted));
    const lastUid = batch.at(-1)?.uid ?? position.lastUid;
    const about = { ...context, accountId: held.accountId, verifiedBy, uidValidity: position.uidValidity ?? 0 };
    const rows = mails.map((mail) => mailWebhook(about, mail));
    await commit(context, held, { lastUid }, rows);
    position = { ...position, lastUid };
    if (rows.length > 0) context.onWork("accounts");
    if (failure) throw failure;
  }
  return moveTo === undefined ? position : moveFetched(context, session, position, moveTo);
}

/**
 * Those that are large come alone, and so much of them as is kept. After a failure so does each, whatever size the server told: a
 * mail that is larger than it told may be what ended the connection, and would do so for ever.
 */
async function readMails(
  mailbox: OpenMailbox,
  wanted: ListedMail[],
  { maxBytes, isDoubted }: { maxBytes: number; isDoubted: boolean },
): Promise<ReadMail[]> {
  if (wanted.length === 0) return [];
  const isCut = isDoubted || wanted.some(({ sizeBytes }) => sizeBytes > maxBytes);
  const limits = { maxBytes: isCut ? maxBytes : undefined, totalBytes: maxBytes + batch.bytes };
  const read = await mailbox.read(uidsOf(wanted), limits);
  const sizes = new Map(wanted.map(({ uid, sizeBytes }) => [uid, sizeBytes]));
  return read.map(({ uid, raw }) => {
    const sizeBytes = isCut ? sizeOfCut(raw, maxBytes, sizes.get(uid) ?? 0) : raw.length;
    return { uid, raw: raw.subarray(0, maxBytes), sizeBytes };
  });
}

/** Some servers only guess a size: what ends before the limit is whole, and what does not is said to be longer. */
function sizeOfCut(raw: Buffer, maxBytes: number, told: number): number {
  if (raw.length < maxBytes || told === raw.length) return raw.length;
  return Math.max(told, raw.length + 1);
}

/**
 * A mail over which the server says too much is passed over when that has happened before, as it would block all behind it: in
 * its place comes a webhook that fails with the reason. The connection is closed by then, so the failure is to be thrown.
 */
const passOver = (held: HeldMailbox, wanted: ListedMail[]) => (error: unknown) => {
  const [mail] = wanted;
  if (!saidTooMuch(error) || wanted.length !== 1 || !mail) throw error;
  const named = `mail ${mail.uid}: `;
  const failure = new Failure(error.reason, named + error.message, { cause: error });
  if (!held.detail?.startsWith(named)) throw failure;
  return { mails: [{ uid: mail.uid, raw: Buffer.alloc(0), sizeBytes: 0, unread: failure.message }], failure };
};

const uidsOf = (mails: ListedMail[]) => mails.map(({ uid }) => uid);

/** What was there before, and what came to the folder before the account was there, stays. */
function isToFetch({ uid, receivedAt }: ListedMail, { baselineUid, since }: KnownPosition): boolean {
  return uid >= baselineUid || receivedAt === undefined || receivedAt >= wholeSecond(since);
}

/** Also what an earlier session stored and did not get to move. */
async function moveFetched(
  context: FetchContext,
  { held, mailbox }: Session,
  position: KnownPosition,
  moveTo: string,
): Promise<KnownPosition> {
  const { lastUid } = position;
  const movedUid = position.movedUid ?? lastUid;
  if (movedUid >= lastUid) return position;
  const listed = (await mailbox.listAfter(movedUid)).filter(({ uid }) => uid <= lastUid);
  const fetched = uidsOf(listed.filter((mail) => isToFetch(mail, position)));
  if (fetched.length > 0) await mailbox.move(fetched, moveTo);
  await commit(context, held, { movedUid: lastUid }, []);
  return { ...position, movedUid: lastUid };
}

/** Both or neither. */
async function commit(
  { db }: FetchContext,
  held: HeldMailbox,
  position: Partial<MailboxPosition>,
  rows: ReturnType<typeof mailWebhook>[],
): Promise<void> {
  await repeatOnConflict(() =>
    db.transaction(async (tx) => {
      if (!(await movePosition(tx, held, position))) throw new MailboxLost();
      if (rows.length > 0) await insertWebhooks(tx, rows);
    }),
  );
}
