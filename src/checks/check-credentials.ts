import type { CallApi } from "../calls/call-api.ts";
import type { Finding } from "../model.ts";
import type { Adapter } from "../providers/kit/adapter.ts";
import { ok, warning } from "../providers/kit/checks/findings.ts";

/** Each address costs a call or two. */
const maxAddresses = 10;

/** What an account at a provider is known by here. */
export interface CheckedCredentials {
  adapter: Adapter;
  /** The current ones; undefined where there are none any more. */
  credentials: unknown;
  /** The URL as it was to be pasted, without what the provider's credentials add to it. */
  webhookUrl: string;
  /** Of these the first ten are looked at. */
  addresses: readonly string[];
}

/** What the provider says of these credentials, of the addresses and of where its webhooks go. */
export async function checkCredentials(
  callProvider: CallApi,
  { adapter, credentials, webhookUrl, addresses }: CheckedCredentials,
  signal: AbortSignal,
): Promise<Finding[]> {
  if (credentials === undefined) return [];
  if (!adapter.check)
    return [ok("credentials", `${adapter.label} has nothing that could be asked: they show when used`)];
  const pasted = adapter.webhookUrl?.(webhookUrl, credentials) ?? webhookUrl;
  const asked = { credentials, webhookUrl: pasted, addresses: addresses.slice(0, maxAddresses) };
  const findings = await adapter.check(asked, (request) => callProvider({ ...request, signal }));
  if (addresses.length <= maxAddresses) return findings;
  const detail = `of ${addresses.length} addresses the first ${maxAddresses} were looked at`;
  return [...findings, warning("address", detail, "check the mappings of the others one by one")];
}
