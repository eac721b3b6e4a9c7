import type { CallApi } from "../calls/call-api.ts";
import { describeError, type Log } from "../log.ts";
import type { WebhookRequest } from "../model.ts";
import type { Account } from "../registry/accounts.ts";

/** Says yes to a provider that asks by a verified webhook whether we want more. `false` where that failed: it shall ask again. */
export type Confirm = (account: Account, request: WebhookRequest) => Promise<boolean>;

const timeoutMs = 5000;

export function createConfirm(log: Log, callProvider: CallApi): Confirm {
  return async ({ id: accountId, provider, adapter }, request) => {
    try {
      const url = await adapter.confirmationUrl?.(request);
      if (url === undefined) return true;
      await callProvider({ method: "GET", url, headers: {}, signal: AbortSignal.timeout(timeoutMs) });
      log("info", "subscription.confirmed", { accountId, provider });
      return true;
    } catch (error) {
      log("error", "subscription.unconfirmed", { accountId, provider, ...describeError(error) });
      return false;
    }
  };
}
