import { z } from "zod";
import type { ApiRequest } from "../../../calls/call-api.ts";
import type { Finding } from "../../../model.ts";
import { compareUrls } from "../../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { maybeText } from "../../kit/fields.ts";

interface Asked {
  credentials: { apiKey: string };
  webhookUrl: string;
  ask: Ask;
}

/** What Mandrill tells of the key, of the domain's routes and of the webhooks. */
export const mandrillChecks: readonly CheckStep<{ apiKey: string }>[] = [
  { check: "credentials", find: findPing },
  { check: "webhook", findOf: findRoute },
  { check: "receipts", find: findWebhook },
];

const ask = ({ apiKey }: { apiKey: string }, path: string, more = {}): ApiRequest => {
  return {
    method: "POST",
    url: `https://mandrillapp.com/api/1.0/${path}.json`,
    headers: {},
    body: { key: apiKey, ...more },
  };
};

/** https://mailchimp.com/developer/transactional/api/users/ping-2/ */
async function findPing({ credentials, ask: call }: Asked): Promise<Finding[]> {
  await call(ask(credentials, "users/ping2"), z.object({ PING: z.string() }));
  return [ok("credentials", "Mandrill takes the key")];
}

const urls = z.array(z.object({ url: maybeText, events: z.array(z.string()).nullish() }));

/** https://mailchimp.com/developer/transactional/api/inbound/list-mailbox-routes/ */
async function findRoute(address: string, { credentials, webhookUrl, ask: call }: Asked): Promise<Finding[]> {
  const domain = address.split("@").at(-1);
  const routes = await call(ask(credentials, "inbound/routes", { domain }), urls);
  if (routes.some(isOurs(webhookUrl)))
    return [ok("webhook", `a route of ${domain} posts to this mapping's webhookUrl`)];
  const detail = `of ${routes.length} routes of ${domain} none posts to this mapping's webhookUrl: no mail arrives`;
  return [failure("webhook", detail, "make a route for the address with the webhookUrl")];
}

/** https://mailchimp.com/developer/transactional/api/webhooks/list-webhooks/ */
async function findWebhook({ credentials, webhookUrl, ask: call }: Asked): Promise<Finding[]> {
  const found = (await call(ask(credentials, "webhooks/list"), urls)).find(isOurs(webhookUrl));
  const missing = ["delivered", "hard_bounce", "soft_bounce", "reject", "spam"].filter(
    (each) => !found?.events?.includes(each),
  );
  if (missing.length === 0) return [ok("receipts", "a webhook tells of deliveries, bounces, rejects and spam reports")];
  const detail = found
    ? `the webhook does not tell of ${missing.join(", ")}`
    : "no webhook posts to this mapping's webhookUrl";
  return [warning("receipts", `${detail}: what becomes of an email is not known`, "set it under Settings, Webhooks")];
}

const isOurs =
  (webhookUrl: string) =>
  ({ url = "" }: { url?: string | undefined }) =>
    compareUrls(url, webhookUrl) === "same";
