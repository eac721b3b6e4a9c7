import { z } from "zod";
import type { Finding } from "../../model.ts";
import { compareUrls, judgeUrl } from "../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { at, listOf, maybeText, text } from "../kit/fields.ts";

interface Credentials {
  webhookSecret: string;
  apiKeyId: string;
  apiSecretKey: string;
}

interface Asked {
  credentials: Credentials;
  webhookUrl: string;
  ask: Ask;
}

/** What Sendblue tells of an account: its numbers, and where it posts. https://docs.sendblue.com/getting-started/webhooks */
export const sendblueChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: findWebhooks },
  { check: "address", findOf: findNumber },
];

export const keyHeaders = ({ apiKeyId, apiSecretKey }: Pick<Credentials, "apiKeyId" | "apiSecretKey">) => {
  return { "sb-api-key-id": apiKeyId, "sb-api-secret-key": apiSecretKey };
};

const get = (credentials: Credentials, path: string) => {
  return { method: "GET" as const, url: `https://api.sendblue.com${path}`, headers: keyHeaders(credentials) };
};

/** https://github.com/sendblue-api/sendblue-cli/blob/main/src/lib/api.ts */
const lines = z.object({ numbers: z.array(text) });

async function findNumber(address: string, { credentials, ask }: Asked): Promise<Finding[]> {
  const { numbers } = await ask(get(credentials, "/api/lines"), lines);
  if (numbers.includes(address)) return [ok("address", `the account has ${address}`)];
  const advice = "write the number of one of the account's lines into the mapping";
  return [failure("address", `the account has no line ${address}`, advice)];
}

const hook = z.union([
  text.transform((url) => ({ url, secret: undefined })),
  z.object({ url: text, secret: maybeText }),
]);
const hooks = at("webhooks", { receive: listOf(hook), outbound: listOf(hook), globalSecret: maybeText });

async function findWebhooks({ credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const { globalSecret, ...all } = await ask(get(credentials, "/api/account/webhooks"), hooks);
  const found = (["receive", "outbound"] as const).flatMap((type) => {
    const ours = all[type].find(({ url }) => compareUrls(url, webhookUrl) === "same");
    const judged = judgeUrl("webhook", (ours ?? all[type][0])?.url, webhookUrl, `the webhook of type "${type}"`);
    if (!ours || (ours.secret ?? globalSecret) === credentials.webhookSecret) return judged;
    const advice = "set the mapping's webhookSecret as the secret of this webhook, or as the global secret";
    return [judged, warning("webhook", `the webhook of type "${type}" has another secret, or shows none`, advice)];
  });
  return [ok("credentials", "Sendblue takes the API key"), ...found];
}
