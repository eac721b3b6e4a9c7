import { z } from "zod";
import type { ApiRequest } from "../../../calls/call-api.ts";
import type { Finding } from "../../../model.ts";
import { compareUrls } from "../../kit/checks/compare-urls.ts";
import { failure, ok } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { at, listOf, maybeText } from "../../kit/fields.ts";
import { bearer } from "../../kit/proofs.ts";

interface Asked {
  credentials: { apiToken: string };
  webhookUrl: string;
  ask: Ask;
}

/** What MailerSend tells of the token and of the inbound routes. */
export const mailersendChecks: readonly CheckStep<{ apiToken: string }>[] = [
  { check: "credentials", find: findQuota },
  { check: "webhook", find: findRoute },
];

const get = ({ apiToken }: { apiToken: string }, path: string): ApiRequest => {
  const headers = { accept: "application/json", ...bearer(apiToken) };
  return { method: "GET", url: `https://api.mailersend.com/v1/${path}`, headers };
};

/** https://developers.mailersend.com/api/v1/api-quota.html */
async function findQuota({ credentials, ask }: Asked): Promise<Finding[]> {
  const remaining = await ask(get(credentials, "api-quota"), at("remaining", z.number()));
  if (remaining > 0)
    return [ok("credentials", `MailerSend takes the token, and ${remaining} calls are left for today`)];
  return [
    failure("credentials", "no calls are left for today: nothing is sent", "wait for tomorrow, or raise the quota"),
  ];
}

/** https://developers.mailersend.com/api/v1/inbound.html#get-a-list-of-inbound-routes */
const routes = at(
  "data",
  listOf(
    z.object({ name: maybeText, enabled: z.boolean().nullish(), forwards: listOf(z.object({ value: maybeText })) }),
  ),
);

async function findRoute({ credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const all = await ask(get(credentials, "inbound"), routes);
  const isOurs = ({ value = "" }: { value?: string | undefined }) => compareUrls(value, webhookUrl) === "same";
  const found = all.find(({ enabled, forwards }) => enabled !== false && forwards.some(isOurs));
  if (found)
    return [ok("webhook", `the inbound route ${found.name ?? "of the domain"} forwards to this mapping's webhookUrl`)];
  const detail = `of ${all.length} inbound routes none that is on forwards to this mapping's webhookUrl: no mail arrives`;
  return [failure("webhook", detail, "make one for the address, which forwards to the webhookUrl")];
}
