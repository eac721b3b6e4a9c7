import { z } from "zod";
import type { Finding } from "../../model.ts";
import { ok } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { grantOf } from "../sms/bandwidth/grant.ts";

interface Credentials {
  accountId: string;
  applicationId: string;
  clientId: string;
  clientSecret: string;
}

/** The messaging API tells of media and messages, and of neither numbers nor applications. */
export const bandwidthChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findMedia(credentials, ask) },
  { check: "address", findOf: (address, { credentials, ask }) => findSent(address, credentials, ask) },
];

const get = ({ accountId, ...client }: Credentials, path: string, query: Record<string, string> = {}) => {
  const url = `https://messaging.bandwidth.com/api/v2/users/${accountId}${path}`;
  return { method: "GET" as const, url, query, headers: {}, grant: grantOf(client) };
};

/** https://dev.bandwidth.com/docs/messaging/media */
async function findMedia(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  await ask(get(credentials, "/media"), z.array(z.unknown()));
  return [ok("credentials", "Bandwidth takes the API credentials for this account")];
}

/** https://dev.bandwidth.com/docs/messaging/getMessage */
async function findSent(address: string, credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const request = get(credentials, "/messages", { sourceTn: address, limit: "1" });
  const { totalCount } = await ask(request, z.object({ totalCount: z.number() }));
  return [ok("address", `Bandwidth lists ${totalCount} messages from ${address}; whose it is, the API does not tell`)];
}
