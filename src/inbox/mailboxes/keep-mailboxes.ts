import { createLimit, type Limit } from "../../concurrency/limit.ts";
import { type Loop, startLoop } from "../../concurrency/loop.ts";
import { Failure } from "../../errors.ts";
import { describeError, type Log } from "../../log.ts";
import type { Accounts } from "../../registry/accounts.ts";
import { findAccountLocations } from "../../store/events/troubles.ts";
import {
  claimMailboxes,
  type HeldMailbox,
  noteMailboxFailure,
  releaseMailboxes,
  renewMailboxes,
} from "../../store/mailboxes/mailboxes.ts";
import { isAboutDatabase } from "../../store/postgres/database-errors.ts";
import { type FetchContext, fetchMailbox, MailboxLost } from "./fetch-mailbox.ts";

export interface MailboxesContext extends Omit<FetchContext, "inTurn"> {
  log: Log;
  accounts: Accounts;
  /** How often leases are renewed, and it is looked for mailboxes that nobody holds. */
  pollSeconds: number;
}

const leaseSeconds = 60;
/** Of one process: each is a connection that stands. */
const maxHeld = 500;
/** Mailboxes of one location at once: each holds in memory what it reads, and nobody knows what a server says. */
const maxReadOfLocation = 2;
/** As it is named in lines. */
const loop = "mailboxes";
/** How many times `pollSeconds` a mailbox is left alone at most. */
const maxPauses = 60;
/** Some servers lock an account at which a wrong password is tried too often. */
const maxPausesRefused = 360;

interface Session {
  held: HeldMailbox;
  ending: AbortController;
  ended: Promise<void>;
}

/**
 * Fetches from the mailboxes of accounts that have one, each by one process at a time: whoever holds its lease, which others
 * take over when it ends. There is no leader.
 */
export function keepMailboxes(context: MailboxesContext): Pick<Loop, "stop"> {
  const { db, log, pollSeconds } = context;
  const sessions = new Map<string, Session>();
  const turns = new Map<string, Limit>();
  const turnsOf = (locationId: string) => {
    const known = turns.get(locationId) ?? createLimit(maxReadOfLocation);
    turns.set(locationId, known);
    return known;
  };

  async function look(): Promise<boolean> {
    const held = [...sessions.values()].map((session) => session.held);
    const kept = await renewMailboxes(db, held, leaseSeconds);
    for (const { leaseToken } of held) if (!kept.has(leaseToken)) sessions.get(leaseToken)?.ending.abort();
    const limit = Math.min(50, maxHeld - sessions.size);
    const claimed = limit > 0 ? await claimMailboxes(db, { limit, leaseSeconds }) : [];
    for (const held of claimed) begin(held);
    return claimed.length === limit && limit > 0;
  }

  function begin(held: HeldMailbox): void {
    const ending = new AbortController();
    const ended = run({ ...context, turnsOf }, held, ending.signal).finally(() => sessions.delete(held.leaseToken));
    sessions.set(held.leaseToken, { held, ending, ended });
  }

  const looking = startLoop({ log, name: loop, pollSeconds, run: look });
  return {
    async stop() {
      await looking.stop();
      for (const { ending } of sessions.values()) ending.abort();
      await Promise.all([...sessions.values()].map(({ ended }) => ended));
    },
  };
}

/** Until the signal fires, or something is wrong. Never rejects. */
async function run(
  context: MailboxesContext & { turnsOf(locationId: string): Limit },
  held: HeldMailbox,
  signal: AbortSignal,
): Promise<void> {
  const { db, log, accounts } = context;
  const { accountId, leaseToken } = held;
  let failures = held.failures;
  let provider: string | undefined;
  const onFetched = () => {
    if (failures >= toldAfter) log("warn", "provider.reachable", { provider, accountId, what });
    failures = 0;
  };
  try {
    accounts.forget(accountId);
    const account = await accounts.get(accountId);
    provider = account?.provider;
    const [credentials] = account?.credentials ?? [];
    const fetched = credentials === undefined ? undefined : account?.adapter.mailbox?.(credentials);
    if (!fetched) throw new Failure("misconfigured", "the account has no credentials that open a mailbox");
    const [locationId = accountId] = (await findAccountLocations(db, accountId)) ?? [];
    const { run: inTurn } = context.turnsOf(locationId);
    await fetchMailbox({ ...context, inTurn }, held, fetched, { signal, onFetched });
    await releaseMailboxes(db, [leaseToken]);
  } catch (error) {
    if (error instanceof MailboxLost) return;
    await fail(context, { held, failures, provider }, error).catch((trouble: unknown) => {
      // The lease ends by itself.
      log("warn", "mailbox.given_up", { accountId, ...describeError(trouble) });
    });
  }
}

/** The same account may be able to send. */
const what = "mailbox";

/** One failure may be a hiccup. */
const toldAfter = 2;

async function fail(
  { db, log, pollSeconds }: MailboxesContext,
  { held, failures, provider }: { held: HeldMailbox; failures: number; provider: string | undefined },
  error: unknown,
): Promise<void> {
  const { accountId, leaseToken } = held;
  if (!(error instanceof Failure) && isAboutDatabase(error)) return releaseMailboxes(db, [leaseToken]);
  const failure = error instanceof Failure ? error : new Failure("internal_error", "the bridge itself failed");
  if (!(error instanceof Failure)) log("error", "worker.failed", { loop, accountId, ...describeError(error) });
  const isRefused = failure.reason === "misconfigured" || failure.reason === "rejected";
  const pauses = Math.min(isRefused ? maxPausesRefused : maxPauses, 2 ** Math.min(failures, 20));
  const retryInSeconds = pollSeconds * pauses * (0.75 + Math.random() / 2);
  const { reason, message: detail, status } = failure;
  await noteMailboxFailure(db, held, { reason, detail, retryInSeconds });
  if (failures + 1 !== toldAfter) return;
  const [locationId] = (await findAccountLocations(db, accountId)) ?? [];
  log("warn", "provider.unreachable", { provider, accountId, locationId, what, reason, status });
}
