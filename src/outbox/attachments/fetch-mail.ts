import type { FetchWhole } from "../../calls/fetch-file.ts";
import { parseAnswer } from "../../calls/parse-answer.ts";
import { Failure } from "../../errors.ts";
import type { Completion } from "../../providers/kit/adapter.ts";
import { withFetchedBytes } from "../../providers/kit/email/cut.ts";
import type { Reading } from "../../providers/reading.ts";
import type { Account, Accounts } from "../../registry/accounts.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Webhook } from "../../store/schema.ts";
import { findWebhook, keepFetched } from "../../store/webhooks.ts";
import { type AttemptInput, type AttemptResult, requireMapping } from "../attempt.ts";
import { isNew } from "./fetch-media.ts";

export interface FetchMailContext {
  db: Db;
  accounts: Accounts;
  reading: Pick<Reading, "parse">;
  fetchWhole: FetchWhole;
  /** The largest mail that is taken in. */
  mailLimitBytes: number;
}

/**
 * Fetches the mail that a webhook only names, and keeps it behind the webhook's body: the webhook is received once more, and
 * its mail taken in as one that came whole. Of one that is larger than the limit the beginning is kept. To fetch it twice does
 * no harm. Throws a Failure.
 */
export async function fetchMail(context: FetchMailContext, input: AttemptInput): Promise<AttemptResult> {
  const { db, accounts } = context;
  const webhook = input.webhookId === undefined ? undefined : await findWebhook(db, input.webhookId);
  if (!webhook) throw new Failure("rejected", "the webhook that named the mail is gone");
  const nothing = { detail: "nothing was left to be fetched", change: {} };
  if (webhook.fetchedFrom !== null) return nothing;
  const account = await accounts.get(requireMapping(input).accountId);
  const fetchBy = await readFetchBy(context, account, webhook);
  if (fetchBy === undefined) return nothing;
  const [credentials] = account?.credentials ?? [];
  const { completion } = account?.adapter ?? {};
  if (!completion || credentials === undefined) {
    throw new Failure("misconfigured", "the account was deleted: nothing opens the mail");
  }
  input.beforeCall();
  await fetchWith(context, completion, completion.request(fetchBy, credentials), {
    signal: input.signal,
    keep: (mail, wholeBytes) => keepFetched(db, webhook.id, mail, withFetchedBytes(webhook, mail, wholeBytes)),
  }).catch((error: unknown) => {
    throw explain(error, webhook);
  });
  return { change: {} };
}

async function readFetchBy(
  { reading }: FetchMailContext,
  account: Account | undefined,
  webhook: Webhook,
): Promise<string | undefined> {
  // It was erased.
  if (webhook.url === "" || !account) return undefined;
  const { events } = await reading.parse(account.provider, webhook);
  return events.flatMap((event) => (event.kind === "message" ? (event.fetchBy ?? []) : []))[0];
}

async function fetchWith(
  { fetchWhole, mailLimitBytes: limitBytes }: FetchMailContext,
  { located }: Completion<unknown>,
  { url, headers }: ReturnType<Completion<unknown>["request"]>,
  { signal, keep }: { signal: AbortSignal; keep: (mail: Buffer, wholeBytes: number) => Promise<void> },
): Promise<void> {
  const options = { limitBytes, signal, isCutAtLimit: true };
  const first = { ...options, headers, allowedHosts: [new URL(url).origin] };
  if (!located) return fetchWhole(url, first, keep);
  const place = await fetchWhole(url, first, async (answer, wholeBytes) => {
    const isWhole = answer.length === wholeBytes;
    const found = isWhole ? located.at(parseAnswer(answer.toString("utf8"))) : undefined;
    if (found === undefined) await keep(answer, wholeBytes);
    return found;
  });
  if (place !== undefined) await fetchWhole(place, { ...options, allowedHosts: located.hosts }, keep);
}

/** What a refusal means of a mail, and what can be done. */
function explain(error: unknown, webhook: Webhook): unknown {
  if (!(error instanceof Failure)) return error;
  const { status, message } = error;
  const as = (reason: Failure["reason"], words: string) =>
    new Failure(reason, `${words}: ${message}`, { status, code: error.code, cause: error });
  if (status === 404 && isNew(webhook)) return as("not_visible", "the mail may not be there yet");
  if (status === 404 || status === 410) return as("rejected", "the provider has the mail no more; ask who wrote it");
  if (status === 401 || status === 403) return as("misconfigured", "the account's credentials do not open the mail");
  return error;
}
