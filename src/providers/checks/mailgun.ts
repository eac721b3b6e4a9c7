import { z } from "zod";
import { Failure } from "../../errors.ts";
import type { Finding } from "../../model.ts";
import { compareUrls } from "../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { at, listOf, maybeText } from "../kit/fields.ts";
import { basic } from "../kit/proofs.ts";

interface Credentials {
  apiKey: string;
  domain: string;
  region?: "us" | "eu" | undefined;
}

/** What Mailgun tells of a domain, the account's routes and the domain's webhooks. */
export const mailgunChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findDomain(credentials, ask) },
  { check: "webhook", find: ({ credentials, webhookUrl, ask }) => findRoute(credentials, webhookUrl, ask) },
  { check: "receipts", find: ({ credentials, webhookUrl, ask }) => findReceipts(credentials, webhookUrl, ask) },
];

const call = ({ apiKey, region }: Credentials, path: string) => {
  const host = region === "eu" ? "api.eu.mailgun.net" : "api.mailgun.net";
  return { url: `https://${host}${path}`, headers: basic("api", apiKey) };
};

/** https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domains/get-v4-domains--name- */
const domainState = at("domain.state", z.string());

async function findDomain(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const { domain } = credentials;
  try {
    const state = await ask({ method: "GET", ...call(credentials, `/v4/domains/${domain}`) }, domainState);
    if (state === "active") return [ok("credentials", `Mailgun takes the key, and the domain ${domain} is active`)];
    const advice = "set the DNS records that Mailgun names for the domain, and have it verify them";
    if (state === "unverified") return [warning("credentials", `the domain ${domain} is not verified`, advice)];
    return [failure("credentials", `the domain ${domain} is ${state}: it sends nothing`, "see in Mailgun why")];
  } catch (error) {
    if (!(error instanceof Failure) || (error.status !== 401 && error.status !== 403)) throw error;
    await requireSendingKey(credentials, ask, error);
    return [ok("credentials", `Mailgun takes the key, a sending key of ${domain}, which may ask for nothing else`)];
  }
}

/**
 * A domain's sending key may send, and nothing else: it is known by a message without a sender, a recipient and words, which
 * Mailgun refuses with 400 and for which it answers 401 to a wrong key. Throws the first refusal for one that is none.
 */
async function requireSendingKey(credentials: Credentials, ask: Ask, refusal: Failure): Promise<void> {
  const request = {
    ...{ method: "POST" as const, ...call(credentials, `/v3/${credentials.domain}/messages`) },
    body: new URLSearchParams({ "o:testmode": "yes" }),
  };
  const outcome = await ask(request, z.unknown()).catch((error: unknown) => error);
  if (!(outcome instanceof Failure) || outcome.status !== 400) throw refusal;
}

/** https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/routes/get-v3-routes */
const routes = z.object({ items: listOf(z.object({ expression: maybeText, actions: listOf(z.string()) })) });
const maxRoutes = 1000;

async function findRoute(credentials: Credentials, webhookUrl: string, ask: Ask): Promise<Finding[]> {
  const request = { method: "GET" as const, ...call(credentials, "/v3/routes"), query: { limit: maxRoutes } };
  const { items } = await ask(request, routes);
  const route = items.find(({ actions }) => actions.some((action) => isOurs(urlIn(action), webhookUrl)));
  if (route)
    return [ok("webhook", `a route posts to this mapping's webhookUrl: ${route.expression ?? "of every mail"}`)];
  const detail = `of ${items.length} routes none posts to this mapping's webhookUrl: no mail arrives`;
  return [failure("webhook", detail, 'make a route for the address with the action forward("<webhookUrl>")')];
}

/** `forward("https://…")` and `store(notify="https://…")` */
const urlIn = (action: string) => /https?:\/\/[^"'\s)]+/.exec(action)?.[0] ?? "";
const isOurs = (url: string, webhookUrl: string) => compareUrls(url, webhookUrl) === "same";

const set = z.object({ url: maybeText, urls: listOf(z.string()) }).nullish();
/** https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domain-webhooks/get-v3-domains--domain--webhooks */
const webhooks = at("webhooks", { delivered: set, permanent_fail: set, complained: set });

async function findReceipts(credentials: Credentials, webhookUrl: string, ask: Ask): Promise<Finding[]> {
  const { domain } = credentials;
  const found = await ask({ method: "GET", ...call(credentials, `/v3/domains/${domain}/webhooks`) }, webhooks);
  const events = ["delivered", "permanent_fail", "complained"] as const;
  const missing = events.filter((event) => {
    const { url = "", urls = [] } = found[event] ?? {};
    return ![url, ...urls].some((each) => isOurs(each, webhookUrl));
  });
  if (missing.length === 0) return [ok("receipts", `the domain tells of ${events.join(", ")}`)];
  const detail = `the domain's webhooks do not tell this mapping's webhookUrl of ${missing.join(", ")}`;
  return [warning("receipts", detail, "add the webhookUrl to them, unless the account's own webhooks have it")];
}
