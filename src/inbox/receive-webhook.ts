import { type HighlevelKeys, isFromHighlevel, isSignedLikeHighlevel, readLocationId } from "../highlevel/webhook.ts";
import type { Log } from "../log.ts";
import type { Inbox, WebhookRequest, WebhookSource } from "../model.ts";
import type { FetchCertificate } from "../providers/kit/proofs.ts";
import type { Account } from "../registry/accounts.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import { createSharedInsert } from "../store/postgres/shared-insert.ts";
import { insertWebhooks, type NewWebhook } from "../store/webhooks.ts";
import { isVerified } from "./refusals/is-verified.ts";
import { withoutProvingHeaders, withoutProvingQuery } from "./without-proofs.ts";

/**
 * Verifies and stores webhooks. Storing resolves once one is committed, and rejects when it could not be: QueueFull, or
 * whatever ails the database. Then whoever sent it must repeat it.
 */
export interface Receiver {
  /** Has it what a signature stands in? Asked before the body is read, and worth nothing else. `undefined` is the app. */
  looksSigned(source: WebhookSource, account: Account | undefined, headers: WebhookRequest["headers"]): boolean;
  /** Is it the provider's, by any of the account's credentials? Rejects where that cannot be found out at the moment. */
  isVerified(account: Account, request: WebhookRequest): Promise<boolean>;
  /** The same of one of which only the beginning is kept: it is judged by the rest as that comes. */
  beginVerifying(account: Account, beginning: WebhookRequest): RunningVerification;
  /** Is it HighLevel's? */
  isFromHighlevel(request: WebhookRequest): boolean;
  /** Does HighLevel's event name another location than the mapping's? Whoever reads the mapping's webhooks must not see it. */
  isAboutAnother(mapping: MappingFacts, request: WebhookRequest): boolean;
  /** One that is verified, for an account: its provider's, or HighLevel's to the delivery URL of a mapping; or for the app. Gives its id. */
  store(
    source: WebhookSource,
    account: Pick<Account, "id" | "provider" | "adapter"> | undefined,
    request: WebhookRequest,
  ): Promise<number>;
}

export interface RunningVerification {
  update(chunk: Buffer): void;
  /** Asked once, at the body's end. The request has so much of the body as is kept. */
  isVerified(request: WebhookRequest): Promise<boolean>;
}

export function createReceiver(options: {
  db: Db;
  log: Log;
  highlevelKeys: HighlevelKeys;
  fetchCertificate?: FetchCertificate;
  onStored: (inbox: Inbox) => void;
}): Receiver {
  const insert = createSharedInsert<NewWebhook, number>({
    insert: (rows) => insertWebhooks(options.db, rows),
    bytesOf: (row) => row.body.length + 1000,
    maxRows: 500,
    maxStatements: 1,
    maxBytes: 8_000_000,
    maxWaitingBytes: 100_000_000,
  });
  return {
    looksSigned: (source, account, headers) =>
      source === "highlevel"
        ? isSignedLikeHighlevel(headers)
        : (account?.adapter.proof.headers ?? []).every((name) => headers[name]),
    isVerified: (account, request) => isVerified(account, request, options.fetchCertificate),
    beginVerifying(account, beginning) {
      const { adapter, credentials } = account;
      const running = credentials.flatMap((each) => adapter.beginVerifying?.(beginning, each) ?? []);
      return {
        update(chunk) {
          for (const each of running) each.update(chunk);
        },
        isVerified: async (request) =>
          running.some((each) => each.isValid()) || isVerified(account, request, options.fetchCertificate),
      };
    },
    isFromHighlevel: (request) => isFromHighlevel(request, options.highlevelKeys),
    isAboutAnother: (mapping, { body }) => (readLocationId(body) ?? mapping.locationId) !== mapping.locationId,
    async store(source, account, request) {
      const { body } = request;
      const secrets = account?.adapter.proof.secrets;
      const [url, headers] = [
        withoutProvingQuery(request.url, secrets),
        withoutProvingHeaders(request.headers, secrets),
      ];
      const webhookId = await insert({ accountId: account?.id ?? null, source, url, headers, body });
      const provider = source === "highlevel" ? source : account?.provider;
      const durationMs = Date.now() - request.receivedAt.getTime();
      options.log("debug", "webhook.accepted", { webhookId, accountId: account?.id, provider, durationMs });
      options.onStored(account ? "accounts" : "app");
      return webhookId;
    },
  };
}
