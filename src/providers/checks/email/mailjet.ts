import { z } from "zod";
import type { ApiRequest } from "../../../calls/call-api.ts";
import type { Finding } from "../../../model.ts";
import { compareUrls, judgeUrl } from "../../kit/checks/compare-urls.ts";
import { ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { at, listOf, maybeText } from "../../kit/fields.ts";
import { basic } from "../../kit/proofs.ts";

interface Credentials {
  apiKey: string;
  secretKey: string;
}

interface Asked {
  credentials: Credentials;
  webhookUrl: string;
  ask: Ask;
}

/** What Mailjet tells of the key, of the parse routes and of where events are posted. */
export const mailjetChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: findKey },
  { check: "webhook", findOf: findRoute },
  { check: "receipts", find: findEvents },
];

const get = ({ apiKey, secretKey }: Credentials, resource: string): ApiRequest => {
  return { method: "GET", url: `https://api.mailjet.com/v3/REST/${resource}`, headers: basic(apiKey, secretKey) };
};

/** https://dev.mailjet.com/email/reference/settings/api-key-configuration/ */
async function findKey({ credentials, ask }: Asked): Promise<Finding[]> {
  await ask(get(credentials, "myprofile"), at("Data", z.array(z.unknown())));
  return [ok("credentials", "Mailjet takes the key")];
}

/** https://dev.mailjet.com/email/reference/webhook/parse-api/ */
const routes = at("Data", listOf(z.object({ Email: maybeText, Url: maybeText })));

async function findRoute(address: string, { credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const all = await ask(get(credentials, "parseroute"), routes);
  const ofAddress = all.find(({ Email }) => Email?.toLowerCase() === address);
  const ours = all.find(({ Url = "" }) => compareUrls(Url, webhookUrl) === "same");
  const place = ofAddress ? `the parse route of ${address}` : "a parse route";
  return [judgeUrl("webhook", (ofAddress ?? ours)?.Url, webhookUrl, place)];
}

/** https://dev.mailjet.com/email/reference/webhook/ */
const callbacks = at("Data", listOf(z.object({ EventType: maybeText, Url: maybeText })));

async function findEvents({ credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const all = await ask(get(credentials, "eventcallbackurl"), callbacks);
  const ours = all.filter(({ Url = "" }) => compareUrls(Url, webhookUrl) === "same").map(({ EventType }) => EventType);
  const missing = ["sent", "bounce", "blocked", "spam"].filter((each) => !ours.includes(each));
  if (missing.length === 0) return [ok("receipts", "Mailjet tells of sent, bounce, blocked and spam")];
  const detail = `Mailjet does not tell this mapping's webhookUrl of ${missing.join(", ")}`;
  return [warning("receipts", detail, "set it in the account's Event tracking")];
}
