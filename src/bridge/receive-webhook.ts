import type { WebhookRequest } from "../model.ts";
import type { Db } from "../store/database.ts";
import { createSharedInsert } from "../store/shared-insert.ts";
import { insertWebhooks, type NewWebhook } from "../store/webhooks.ts";
import type { Mapping } from "./mappings.ts";

export interface Receiver {
  /**
   * Verifies and stores a webhook. `true` once it is committed; `false` when none of the mapping's credentials verifies
   * it. Rejects when it could not be stored: QueueFull, or whatever ails the database. Then the provider must repeat it.
   */
  receive(mapping: Mapping, request: WebhookRequest): Promise<boolean>;
}

/** Never stored: they are credentials themselves. */
const secretHeaders = new Set(["authorization", "proxy-authorization", "cookie"]);

export function createReceiver(options: { db: Db; onStored: () => void }): Receiver {
  const store = createSharedInsert<NewWebhook>({
    insert: (rows) => insertWebhooks(options.db, rows),
    bytesOf: (row) => row.body.length + 1000,
    maxRows: 500,
    maxBytes: 8_000_000,
    maxWaitingBytes: 100_000_000,
  });
  return {
    async receive(mapping, request) {
      if (!(await isVerified(mapping, request))) return false;
      const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !secretHeaders.has(name)));
      await store({ mappingId: mapping.id, url: request.url, headers, body: request.body });
      options.onStored();
      return true;
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
