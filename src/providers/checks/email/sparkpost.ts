import { z } from "zod";
import type { ApiRequest } from "../../../calls/call-api.ts";
import type { Finding } from "../../../model.ts";
import { compareUrls, judgeUrl } from "../../kit/checks/compare-urls.ts";
import { ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { at, listOf, maybeText } from "../../kit/fields.ts";

interface Credentials {
  apiKey: string;
  region?: "us" | "eu" | undefined;
}

interface Asked {
  credentials: Credentials;
  webhookUrl: string;
  ask: Ask;
}

/** What SparkPost tells of the account, of the domain's relay webhook and of the event webhooks. */
export const sparkpostChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: findAccount },
  { check: "webhook", findOf: findRelay },
  { check: "receipts", find: findEvents },
];

export const hostOf = ({ region }: Pick<Credentials, "region">) =>
  region === "eu" ? "api.eu.sparkpost.com" : "api.sparkpost.com";

const get = (credentials: Credentials, path: string): ApiRequest => {
  return {
    method: "GET",
    url: `https://${hostOf(credentials)}/api/v1/${path}`,
    headers: { authorization: credentials.apiKey },
  };
};

/** https://developers.sparkpost.com/api/account/ */
async function findAccount({ credentials, ask }: Asked): Promise<Finding[]> {
  const status = await ask(get(credentials, "account"), at("results.status", z.string()));
  if (status === "active") return [ok("credentials", "SparkPost takes the key, and the account is active")];
  return [warning("credentials", `the account is ${status}`, "see in SparkPost why")];
}

const relays = at("results", listOf(z.object({ target: maybeText, match: z.object({ domain: maybeText }).nullish() })));

async function findRelay(address: string, { credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const domain = address.split("@").at(-1)?.toLowerCase();
  const all = await ask(get(credentials, "relay-webhooks"), relays);
  const found = all.find(({ match }) => match?.domain?.toLowerCase() === domain);
  return [judgeUrl("webhook", found?.target, webhookUrl, `the relay webhook of ${domain}`)];
}

const hooks = at(
  "results",
  listOf(z.object({ target: maybeText, events: listOf(z.string()), active: z.boolean().nullish() })),
);

async function findEvents({ credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const all = await ask(get(credentials, "webhooks"), hooks);
  const found = all.find(({ target = "", active }) => active !== false && compareUrls(target, webhookUrl) === "same");
  const missing = ["delivery", "bounce", "out_of_band", "spam_complaint"].filter(
    (each) => !found?.events.includes(each),
  );
  if (missing.length === 0)
    return [ok("receipts", "an event webhook tells of deliveries, bounces and spam complaints")];
  const detail = found
    ? `the event webhook does not tell of ${missing.join(", ")}`
    : "no event webhook posts to this mapping's webhookUrl";
  return [
    warning("receipts", `${detail}: what becomes of an email is not known`, "set it under Configuration, Webhooks"),
  ];
}
