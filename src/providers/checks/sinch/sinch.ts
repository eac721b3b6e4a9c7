import { z } from "zod";
import type { Finding } from "../../../model.ts";
import { ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { bearer } from "../../kit/proofs.ts";

interface Credentials {
  servicePlanId: string;
  apiToken: string;
  region?: string | undefined;
}

/** What Sinch tells of a service plan: not which numbers it has, but what came to them. */
export const sinchChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findPlan(credentials, ask) },
  { check: "address", findOf: (address, { credentials, ask }) => findTexts(address, credentials, ask) },
];

const get = ({ servicePlanId, apiToken, region = "us" }: Credentials, path: string, query: Record<string, string>) => {
  const url = `https://${region}.sms.api.sinch.com/xms/v1/${servicePlanId}${path}`;
  return { method: "GET" as const, url, query: { ...query, page_size: 1 }, headers: bearer(apiToken) };
};

async function findPlan(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  await ask(get(credentials, "/batches", {}), z.object({ batches: z.array(z.unknown()) }));
  return [ok("credentials", "Sinch takes the API token for this service plan")];
}

/** Those of the last day: https://developers.sinch.com/docs/sms/api-reference/sms/tag/Inbounds/ */
async function findTexts(address: string, credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const request = get(credentials, "/inbounds", { to: address.replace("+", "") });
  const { count } = await ask(request, z.object({ count: z.number() }));
  if (count > 0) return [ok("address", `texts to ${address} have come to this service plan within a day`)];
  const detail = `no text to ${address} has come to this service plan within a day, and Sinch tells no more of numbers`;
  return [warning("address", detail, "see in the dashboard that the number is of this plan, and write it a text")];
}
