import { type HighlevelKeys, isFromHighlevel } from "../highlevel/webhook.ts";
import type { Log } from "../log.ts";
import type { Inbox, WebhookRequest, WebhookSource } from "../model.ts";
import type { Mapping } from "../registry/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import { createSharedInsert } from "../store/postgres/shared-insert.ts";
import { insertWebhooks, type NewWebhook } from "../store/webhooks.ts";

/**
 * Verifies and stores webhooks: `true` once one is committed; `false` when it does not verify. Rejects when it could not
 * be stored: QueueFull, or whatever ails the database. Then whoever sent it must repeat it.
 */
export interface Receiver {
  /** A provider's, by any of the mapping's credentials. */
  receive(mapping: Mapping, request: WebhookRequest): Promise<boolean>;
  /** HighLevel's, to one mapping's delivery URL or to that of the app. */
  receiveHighlevel(mapping: Mapping | undefined, request: WebhookRequest): Promise<boolean>;
  /** Verifies alone. */
  isFromHighlevel(request: WebhookRequest): boolean;
}

/** Never stored: they are credentials themselves. */
const secretHeaders = new Set(["authorization", "proxy-authorization", "cookie"]);

export function createReceiver(options: {
  db: Db;
  log: Log;
  highlevelKeys: HighlevelKeys;
  onStored: (inbox: Inbox) => void;
}): Receiver {
  const store = createSharedInsert<NewWebhook, number>({
    insert: (rows) => insertWebhooks(options.db, rows),
    bytesOf: (row) => row.body.length + 1000,
    maxRows: 500,
    maxStatements: 1,
    maxBytes: 8_000_000,
    maxWaitingBytes: 100_000_000,
  });
  async function keep(source: WebhookSource, mapping: Mapping | undefined, request: WebhookRequest): Promise<true> {
    const { url, body } = request;
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !secretHeaders.has(name)));
    const webhookId = await store({ mappingId: mapping?.id ?? null, source, url, headers, body });
    const provider = source === "highlevel" ? source : mapping?.provider;
    const durationMs = Date.now() - request.receivedAt.getTime();
    options.log("debug", "webhook.accepted", { webhookId, mappingId: mapping?.id, provider, durationMs });
    options.onStored(mapping ? "mappings" : "app");
    return true;
  }

  return {
    receive: async (mapping, request) => (await isVerified(mapping, request)) && keep("provider", mapping, request),
    isFromHighlevel: (request) => isFromHighlevel(request, options.highlevelKeys),
    receiveHighlevel: async (mapping, request) =>
      isFromHighlevel(request, options.highlevelKeys) && keep("highlevel", mapping, request),
  };
}

/** Any of the mapping's credentials will do, so that a secret can be rotated while both are in use. */
export async function isVerified(mapping: Mapping, request: WebhookRequest): Promise<boolean> {
  for (const credentials of mapping.credentials) {
    if (await mapping.adapter.verify(request, credentials)) return true;
  }
  return false;
}
