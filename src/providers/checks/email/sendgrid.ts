import { z } from "zod";
import type { ApiRequest } from "../../../calls/call-api.ts";
import type { Finding } from "../../../model.ts";
import { compareUrls, judgeUrl } from "../../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { at, listOf, maybeText } from "../../kit/fields.ts";
import { bearer } from "../../kit/proofs.ts";

interface Credentials {
  apiKey: string;
  region?: "global" | "eu" | undefined;
}

interface Asked {
  credentials: Credentials;
  webhookUrl: string;
  ask: Ask;
}

/** What SendGrid tells of the key, of the domain's Inbound Parse setting and of the event webhooks. */
export const sendgridChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: findScopes },
  { check: "webhook", findOf: findParseSetting },
  { check: "receipts", find: findEventWebhook },
];

export const hostOf = ({ region }: Pick<Credentials, "region">) =>
  region === "eu" ? "api.eu.sendgrid.com" : "api.sendgrid.com";

const get = (credentials: Credentials, path: string): ApiRequest => {
  return { method: "GET", url: `https://${hostOf(credentials)}/v3/${path}`, headers: bearer(credentials.apiKey) };
};

/** https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions/retrieve-a-list-of-scopes-for-which-this-user-has-access */
const scopes = at("scopes", z.array(z.string()));

async function findScopes({ credentials, ask }: Asked): Promise<Finding[]> {
  const found = await ask(get(credentials, "scopes"), scopes);
  if (found.includes("mail.send")) return [ok("credentials", "SendGrid takes the key, which may send")];
  return [failure("credentials", "the key may not send", "give it the access Mail Send, under Settings, API Keys")];
}

/** https://www.twilio.com/docs/sendgrid/api-reference/settings-inbound-parse/retrieve-all-parse-settings */
const setting = z.object({ hostname: z.string(), url: maybeText, send_raw: z.boolean().nullish() });
const settings = at("result", z.array(setting));

async function findParseSetting(address: string, { credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const host = address.split("@").at(-1)?.toLowerCase();
  const found = (await ask(get(credentials, "user/webhooks/parse/settings"), settings)).find(
    ({ hostname }) => hostname.toLowerCase() === host,
  );
  const finding = judgeUrl("webhook", found?.url, webhookUrl, `the Inbound Parse setting of ${host}`);
  if (finding.state !== "ok" || found?.send_raw) return [finding];
  const detail = "SendGrid takes mails apart before it posts them, and garbles some names of files";
  return [finding, warning("webhook", detail, "tick POST the raw, full MIME message in the setting")];
}

/** https://www.twilio.com/docs/sendgrid/api-reference/webhooks/get-all-event-webhooks */
const event = z.boolean().nullish();
const hook = z.object({
  enabled: event,
  url: maybeText,
  delivered: event,
  bounce: event,
  dropped: event,
  spam_report: event,
});
const hooks = at("webhooks", listOf(hook));

async function findEventWebhook({ credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const all = await ask(get(credentials, "user/webhooks/event/settings/all"), hooks);
  const ours = all.find(({ url = "" }) => compareUrls(url, webhookUrl) === "same");
  if (!ours?.enabled) {
    const other = ours ?? all.find(({ url = "" }) => compareUrls(url, webhookUrl) === "credentials");
    const detail = `of ${all.length} event webhooks none that is on posts to this mapping's webhookUrl: what becomes of an email is not known`;
    return [
      warning(
        "receipts",
        detail,
        other ? "set its URL anew, and enable it" : "make an event webhook with the webhookUrl",
      ),
    ];
  }
  const missing = (["delivered", "bounce", "dropped", "spam_report"] as const).filter((name) => !ours[name]);
  if (missing.length === 0)
    return [ok("receipts", "an event webhook tells of deliveries, bounces, drops and spam reports")];
  return [warning("receipts", `the event webhook does not tell of ${missing.join(", ")}`, "tick them in its settings")];
}
