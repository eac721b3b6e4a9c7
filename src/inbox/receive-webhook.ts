import { type HighlevelKeys, isFromHighlevel, isSignedLikeHighlevel, readLocationId } from "../highlevel/webhook.ts";
import type { Log } from "../log.ts";
import type { Inbox, WebhookRequest, WebhookSource } from "../model.ts";
import type { Mapping } from "../registry/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import { createSharedInsert } from "../store/postgres/shared-insert.ts";
import { insertWebhooks, type NewWebhook } from "../store/webhooks.ts";
import { withoutProvingHeaders, withoutProvingQuery } from "./without-proofs.ts";

/**
 * Verifies and stores webhooks. Storing resolves once one is committed, and rejects when it could not be: QueueFull, or
 * whatever ails the database. Then whoever sent it must repeat it.
 */
export interface Receiver {
  /** Has it what a signature stands in? Asked before the body is read, and worth nothing else. `undefined` is the app. */
  looksSigned(source: WebhookSource, mapping: Mapping | undefined, headers: WebhookRequest["headers"]): boolean;
  /** Is it the provider's, by any of the mapping's credentials? */
  isVerified(mapping: Mapping, request: WebhookRequest): Promise<boolean>;
  /** Is it HighLevel's? */
  isFromHighlevel(request: WebhookRequest): boolean;
  /** Does HighLevel's event name another location than the mapping's? Whoever reads the mapping's webhooks must not see it. */
  isAboutAnother(mapping: Mapping, request: WebhookRequest): boolean;
  /** One that is verified: a provider's, or HighLevel's to one mapping's delivery URL or to that of the app. */
  store(source: WebhookSource, mapping: Mapping | undefined, request: WebhookRequest): Promise<void>;
}

export function createReceiver(options: {
  db: Db;
  log: Log;
  highlevelKeys: HighlevelKeys;
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
    looksSigned: (source, mapping, headers) =>
      source === "highlevel"
        ? isSignedLikeHighlevel(headers)
        : (mapping?.adapter.proof.headers ?? []).every((name) => headers[name]),
    isVerified,
    isFromHighlevel: (request) => isFromHighlevel(request, options.highlevelKeys),
    isAboutAnother: (mapping, { body }) => (readLocationId(body) ?? mapping.locationId) !== mapping.locationId,
    async store(source, mapping, request) {
      const { body } = request;
      const secrets = mapping?.adapter.proof.secrets;
      const [url, headers] = [
        withoutProvingQuery(request.url, secrets),
        withoutProvingHeaders(request.headers, secrets),
      ];
      const webhookId = await insert({ mappingId: mapping?.id ?? null, source, url, headers, body });
      const provider = source === "highlevel" ? source : mapping?.provider;
      const durationMs = Date.now() - request.receivedAt.getTime();
      options.log("debug", "webhook.accepted", { webhookId, mappingId: mapping?.id, provider, durationMs });
      options.onStored(mapping ? "mappings" : "app");
    },
  };
}

/** Any of the mapping's credentials will do, so that a secret can be rotated while both are in use. */
export async function isVerified(mapping: Mapping, request: WebhookRequest): Promise<boolean> {
  for (const credentials of mapping.credentials) {
    if (await mapping.adapter.verify(request, credentials)) return true;
  }
  return false;
}
