import { z } from "zod";
import type { Finding } from "../../../model.ts";
import { judgeUrl } from "../../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { at, maybeText } from "../../kit/fields.ts";
import { bearerOf, type VonageApplication } from "../../sms/vonage/call.ts";
import { askNumber, getAs, noSuchNumber, type VonageAccount } from "./numbers.ts";

type Credentials = VonageApplication & { [Name in keyof VonageAccount]?: string | undefined };
interface Asked {
  credentials: Credentials;
  webhookUrl: string;
  ask: Ask;
}

/** What Vonage tells of an application: that it is there to the application itself, and the rest to the account alone. */
export const vonageChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: findApplication },
  { check: "webhook", find: findUrls },
  { check: "address", findOf: findNumber },
];

/** Of no use besides, and there for every application: https://developer.vonage.com/en/application/code-snippets/user/list-users */
async function findApplication({ credentials, ask }: Asked): Promise<Finding[]> {
  const headers = bearerOf(credentials, "check");
  const request = { method: "GET" as const, url: "https://api.nexmo.com/v1/users", query: { page_size: "1" }, headers };
  await ask(request, at("_embedded", z.object({})));
  return [ok("credentials", "Vonage takes the application ID and the private key")];
}

function accountOf({ apiKey, apiSecret }: Credentials): VonageAccount | undefined {
  return apiKey !== undefined && apiSecret !== undefined ? { apiKey, apiSecret } : undefined;
}

const url = z.object({ address: maybeText }).nullish();
/** https://developer.vonage.com/en/api/application.v2 */
const application = at(
  "capabilities",
  z.object({
    messages: z
      .object({
        webhooks: z.object({ inbound_url: url }).nullish(),
        version: maybeText,
        authenticate_inbound_media: z.boolean().nullish(),
      })
      .nullish(),
  }),
);

async function findUrls({ credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const account = accountOf(credentials);
  if (!account) {
    const detail = "without the account's API key and secret the application's URLs and numbers are not looked at";
    return [warning("webhook", detail, "add apiKey and apiSecret, or look at them in the dashboard")];
  }
  const request = getAs(account, `https://api.nexmo.com/v2/applications/${credentials.applicationId}`);
  const { messages } = await ask(request, application);
  if (!messages) {
    const detail = "the application has no Messages capability: nothing that people write arrives";
    return [failure("webhook", detail, "switch it on, and paste the mapping's webhookUrl into both of its URLs")];
  }
  const { webhooks, version, authenticate_inbound_media: isLocked } = messages;
  const place = (name: string) => `the application's ${name} URL`;
  const inbound = judgeUrl("webhook", webhooks?.inbound_url?.address, webhookUrl, place("inbound"));
  // Each send names where its receipts go: the other URL is for what others send.
  const found = [inbound];
  if (version !== undefined && version !== "v1") {
    found.push(failure("version", `the Messages capability is of version ${version}`, "set it to v1"));
  }
  if (isLocked) {
    const detail = "Enhanced inbound media security is on: files that people send do not open";
    found.push(failure("media", detail, "switch it off in the application's Messages capability"));
  }
  return found;
}

async function findNumber(address: string, { credentials, ask }: Asked): Promise<Finding[]> {
  const account = accountOf(credentials);
  if (!account || !address.startsWith("+")) return [];
  const number = await askNumber(account, address.slice(1), ask);
  if (!number) return [noSuchNumber(address)];
  if (number.messagesCallbackValue === credentials.applicationId) {
    return [ok("address", `${address} is linked to the application`)];
  }
  const advice = "link the number to the application in the dashboard";
  return [failure("address", `${address} is not linked to the application: its texts do not arrive`, advice)];
}
