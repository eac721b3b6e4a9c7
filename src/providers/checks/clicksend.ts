import { z } from "zod";
import type { Finding } from "../../model.ts";
import { judgeUrl } from "../kit/checks/compare-urls.ts";
import { failure, ok } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { at, code, maybeText, requiredText } from "../kit/fields.ts";
import { basic } from "../kit/proofs.ts";
import { queryOf } from "../kit/reference.ts";

interface Credentials {
  username: string;
  apiKey: string;
}

/** What ClickSend tells of an account and its rules for inbound texts. */
export const clicksendChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findAccount(credentials, ask) },
  { check: "webhook", find: ({ credentials, webhookUrl, ask }) => findRule(credentials, webhookUrl, ask) },
];

const get = ({ username, apiKey }: Credentials, path: string) => {
  return { method: "GET" as const, url: `https://rest.clicksend.com/v3${path}`, headers: basic(username, apiKey) };
};

async function findAccount(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  await ask(get(credentials, "/account"), at("data.username", requiredText));
  return [ok("credentials", "ClickSend takes the user name and the API key")];
}

/** https://developers.clicksend.com/docs/automations/sms */
const rules = at(
  "data.data",
  z.array(z.object({ action: maybeText, action_address: z.string().nullish(), enabled: code.nullish() })),
);
const place = "a rule for inbound SMS";

/** Of several rules the one that is ours, or else the first that calls a URL. */
async function findRule(credentials: Credentials, wanted: string, ask: Ask): Promise<Finding[]> {
  const found = await ask(get(credentials, "/automations/sms/inbound"), rules);
  const urls = found.filter(({ action, enabled }) => action === "URL" && enabled !== "0");
  const findings = urls.map(({ action_address: url }) => judge(url, wanted));
  const [first] = findings.toSorted((a, b) => Number(b.state === "ok") - Number(a.state === "ok"));
  return [first ?? judgeUrl("webhook", null, wanted, place)];
}

function judge(found: string | null | undefined, wanted: string): Finding {
  const finding = judgeUrl("webhook", found, wanted, place);
  if (finding.state !== "ok" || queryOf(found ?? "").get("token") === queryOf(wanted).get("token")) return finding;
  const detail = `${place} is this mapping's webhookUrl with another token: what comes by it is answered 401`;
  return failure("webhook", detail, "change the credentials to the same ones: the answer has the webhookUrl to paste");
}
