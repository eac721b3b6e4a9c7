import { z } from "zod";
import type { TokenGrant } from "../../../calls/call-api.ts";
import type { Finding } from "../../../model.ts";
import { judgeUrl } from "../../kit/checks/compare-urls.ts";
import { ok } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { listOf, maybeText } from "../../kit/fields.ts";

interface Credentials {
  projectId: string;
  appId: string;
  keyId: string;
  keySecret: string;
  region?: string | undefined;
}

/** What Sinch tells of an app and its webhooks. */
export const sinchConversationChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findApp(credentials, ask) },
  { check: "webhook", find: ({ credentials, webhookUrl, ask }) => findWebhook(credentials, webhookUrl, ask) },
];

/** What Sinch gives an access token for, good for an hour: https://developers.sinch.com/docs/conversation/api-reference/#oauth-20 */
export const grantOf = ({ keyId, keySecret }: Pick<Credentials, "keyId" | "keySecret">): TokenGrant => {
  return { url: "https://auth.sinch.com/oauth2/token", clientId: keyId, clientSecret: keySecret };
};

const get = ({ projectId, appId, region = "us", ...key }: Credentials, path = "") => {
  const url = `https://${region}.conversation.api.sinch.com/v1/projects/${projectId}/apps/${appId}${path}`;
  return { method: "GET" as const, url, headers: {}, grant: grantOf(key) };
};

async function findApp(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const { display_name: name } = await ask(get(credentials), z.object({ id: z.string(), display_name: maybeText }));
  return [ok("credentials", `Sinch takes the access key, and the project has the app${name ? ` "${name}"` : ""}`)];
}

const webhooks = z.object({
  webhooks: listOf(z.object({ target: z.string().nullish(), triggers: listOf(z.string()) })),
});

/** Of several webhooks the one that is ours, or else the first that would bring messages. */
async function findWebhook(credentials: Credentials, wanted: string, ask: Ask): Promise<Finding[]> {
  const { webhooks: found } = await ask(get(credentials, "/webhooks"), webhooks);
  const bringing = found.filter(({ triggers }) => triggers.includes("MESSAGE_INBOUND"));
  const findings = bringing.map(({ target }) => judgeUrl("webhook", target, wanted, "the app's webhook"));
  const [first] = findings.toSorted((a, b) => Number(b.state === "ok") - Number(a.state === "ok"));
  return [first ?? judgeUrl("webhook", null, wanted, "the app's webhook for MESSAGE_INBOUND")];
}
