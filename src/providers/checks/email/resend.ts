import { z } from "zod";
import type { Finding } from "../../../model.ts";
import { compareUrls } from "../../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { listOf, maybeText } from "../../kit/fields.ts";

interface Credentials {
  apiKey: string;
}

/** What Resend tells of webhooks and domains. */
export const resendChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, webhookUrl, ask }) => findWebhook(credentials, webhookUrl, ask) },
  { check: "address", findOf: (address, { credentials, ask }) => findDomain(address, credentials, ask) },
];

const get = ({ apiKey }: Credentials, path: string) => {
  return {
    method: "GET" as const,
    url: `https://api.resend.com${path}`,
    headers: { authorization: `Bearer ${apiKey}` },
  };
};

/** https://resend.com/docs/api-reference/webhooks/list-webhooks */
const webhooks = z.object({
  data: listOf(z.object({ endpoint: maybeText, status: maybeText, events: listOf(z.string()) })),
});
const wanted = ["email.received", "email.sent", "email.delivered", "email.bounced", "email.complained", "email.failed"];

async function findWebhook(credentials: Credentials, webhookUrl: string, ask: Ask): Promise<Finding[]> {
  const { data } = await ask(get(credentials, "/webhooks?limit=100"), webhooks);
  const taken = ok("credentials", "Resend takes the API key");
  const ours = data.filter(({ endpoint }) => endpoint && compareUrls(endpoint, webhookUrl) === "same");
  const [first] = ours;
  if (!first) {
    return [
      taken,
      failure("webhook", "no webhook has the webhookUrl", "add one on the page Webhooks, with all events"),
    ];
  }
  if (ours.every(({ status }) => status === "disabled")) {
    return [
      taken,
      failure("webhook", "the webhook is disabled", "enable it on the page Webhooks, then replay its events"),
    ];
  }
  const missing = wanted.filter((name) => !ours.some(({ events }) => events.includes(name)));
  if (missing.length === 0) return [taken, ok("webhook", "a webhook has the webhookUrl, and its events")];
  const judge = missing.includes("email.received") ? failure : warning;
  return [taken, judge("webhook", `the webhook does not tell of ${missing.join(", ")}`, "add these events to it")];
}

/** https://resend.com/docs/api-reference/domains/list-domains */
const domains = z.object({ data: listOf(z.object({ name: maybeText, status: maybeText })) });

async function findDomain(address: string, credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  const { data } = await ask(get(credentials, "/domains?limit=100"), domains);
  const found = data.find(({ name }) => name?.toLowerCase() === domain);
  const advice = "add it on the page Domains, with the records that it shows";
  if (!found) return [warning("address", `the account has no domain ${domain}`, advice)];
  if (found.status === "verified") return [ok("address", `the domain ${domain} is verified`)];
  return [warning("address", `the domain ${domain} is ${found.status ?? "of no known status"}`, advice)];
}
