import { z } from "zod";
import type { ApiRequest } from "../../../calls/call-api.ts";
import type { Finding } from "../../../model.ts";
import { ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { listOf, maybeText } from "../../kit/fields.ts";

interface Credentials {
  apiKey: string;
}

/** What Brevo tells of the key, and of domains. */
export const brevoChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findAccount(credentials, ask) },
  { check: "address", findOf: (address, { credentials, ask }) => findDomain(address, credentials, ask) },
];

const get = ({ apiKey }: Credentials, path: string): ApiRequest => {
  return { method: "GET", url: `https://api.brevo.com/v3${path}`, headers: { "api-key": apiKey } };
};

/** https://developers.brevo.com/reference/getaccount */
async function findAccount(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  await ask(get(credentials, "/account"), z.object({ email: maybeText }));
  return [ok("credentials", "Brevo takes the API key")];
}

/** https://developers.brevo.com/reference/getdomains */
const domains = z.object({
  domains: listOf(z.object({ domain_name: maybeText, authenticated: z.boolean().nullish() })),
});

async function findDomain(address: string, credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  const { domains: all } = await ask(get(credentials, "/senders/domains"), domains);
  const found = all.find(({ domain_name }) => domain_name?.toLowerCase() === domain);
  const advice = "add it under Senders, Domains & Dedicated IPs, with the records that it shows";
  if (!found) return [warning("address", `the account has no domain ${domain}`, advice)];
  if (found.authenticated) return [ok("address", `the domain ${domain} is authenticated`)];
  return [warning("address", `the domain ${domain} is not authenticated yet`, advice)];
}
