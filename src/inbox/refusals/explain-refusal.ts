import { createAllowance } from "../../concurrency/allowance.ts";
import type { WebhookRequest } from "../../model.ts";
import type { FetchCertificate } from "../../providers/kit/proofs.ts";
import type { Account } from "../../registry/accounts.ts";
import { isVerified } from "./is-verified.ts";

/** Why a provider's webhook does not verify. What was sent is not among it. */
export type Explanation =
  /** By none of the account's credentials, whatever the time and the URL. */
  | { reason: "no_match" }
  /** It is the provider's, and too old; or of the future, where this is below 0: then one of the two clocks is wrong. */
  | { reason: "stale"; ageSeconds: number }
  /** It is the provider's, which calls us by another scheme or host than PUBLIC_URL says. */
  | { reason: "other_url"; fits: string; publicUrl: string }
  /** Nobody looked: it is too large for that, or too many come. */
  | { reason: "unverified" };

export type ExplainRefusal = ReturnType<typeof createExplanations>;

/** What strangers can have us look for: some more proofs of small bodies, in some thousandths of the time. */
const maxExplained = { seconds: 1, ofEach: 10, inAll: 30 };
const maxBytes = 100_000;

/** Explains as long as it costs little. */
export function createExplanations(
  fetchCertificate?: FetchCertificate,
): (account: Account, request: WebhookRequest) => Promise<Explanation> {
  const isAllowed = createAllowance(maxExplained);
  return async (account, request) =>
    request.body.length <= maxBytes && isAllowed(account.id)
      ? explainRefusal(account, request, fetchCertificate)
      : { reason: "unverified" };
}

/**
 * Looks for the time and the address by which a webhook that was refused would have verified. That it would have proves
 * that the provider signed it, so what is told is no stranger's to choose.
 */
export async function explainRefusal(
  account: Pick<Account, "adapter" | "credentials">,
  request: WebhookRequest,
  fetchCertificate?: FetchCertificate,
): Promise<Explanation> {
  const { adapter } = account;
  const signedAt = Number(await adapter.signedAt(request));
  const isTold = Number.isSafeInteger(signedAt) && signedAt > 0;
  const receivedAt = isTold ? new Date(signedAt * 1000) : request.receivedAt;
  if (isTold && (await isVerified(account, { ...request, receivedAt }, fetchCertificate)))
    return { reason: "stale", ageSeconds: Math.round(request.receivedAt.getTime() / 1000 - signedAt) };
  const { origin: publicUrl, rest } = splitUrl(request.url);
  for (const fits of adapter.proof.coversUrl ? otherOrigins(publicUrl, request.headers) : []) {
    if (await isVerified(account, { ...request, receivedAt, url: `${fits}${rest}` }, fetchCertificate))
      return { reason: "other_url", fits, publicUrl };
  }
  return { reason: "no_match" };
}

function splitUrl(url: string): { origin: string; rest: string } {
  const origin = /^[^/?#]*\/\/[^/?#]*/.exec(url)?.[0] ?? "";
  return { origin, rest: url.slice(origin.length) };
}

/** Where proxies write the host that was called. */
const hostHeaders = ["host", "x-forwarded-host", "x-original-host"];
const hostShape = /^[a-z0-9.-]{1,253}(:\d{1,5})?$/i;

/** By http and https, under the host of PUBLIC_URL and those that the request names: seven at most. */
function otherOrigins(publicUrl: string, headers: WebhookRequest["headers"]): string[] {
  const named = hostHeaders.map((name) => headers[name]?.split(",")[0]?.trim() ?? "");
  const hosts = [publicUrl.replace(/^.*\/\//, ""), ...named.filter((host) => hostShape.test(host))];
  const origins = hosts.flatMap((host) => [`https://${host}`, `http://${host}`]);
  return [...new Set(origins)].filter((origin) => origin !== publicUrl);
}
