import type { WebhookRequest } from "../../model.ts";
import type { FetchCertificate } from "../../providers/kit/proofs.ts";
import type { Account } from "../../registry/accounts.ts";

/** Any of the account's credentials will do, so that a secret can be rotated while both are in use. */
export async function isVerified(
  { adapter, credentials }: Pick<Account, "adapter" | "credentials">,
  request: WebhookRequest,
  fetchCertificate?: FetchCertificate,
): Promise<boolean> {
  for (const each of credentials) {
    if (await adapter.verify(request, each, fetchCertificate)) return true;
  }
  return false;
}
