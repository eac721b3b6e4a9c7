import { z } from "zod";
import type { Finding } from "../../../model.ts";
import { judgeUrl } from "../../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { askNumber, getAs, noSuchNumber, type VonageAccount } from "./numbers.ts";

/** What Vonage tells of an account and its numbers to who has the API key and secret. */
export const vonageSmsChecks: readonly CheckStep<VonageAccount>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findBalance(credentials, ask) },
  { check: "address", findOf: (address, asked) => findNumber(address, asked) },
];

/** https://developer.vonage.com/en/api/account */
async function findBalance(credentials: VonageAccount, ask: Ask): Promise<Finding[]> {
  const { value } = await ask(
    getAs(credentials, "https://rest.nexmo.com/account/get-balance"),
    z.object({ value: z.number() }),
  );
  if (value > 0) return [ok("credentials", "Vonage takes the API key and secret")];
  const detail = "Vonage takes the API key and secret, but the account has no credit: nothing is sent";
  return [failure("credentials", detail, "top up the account in Vonage's dashboard")];
}

async function findNumber(
  address: string,
  { credentials, webhookUrl, ask }: { credentials: VonageAccount; webhookUrl: string; ask: Ask },
): Promise<Finding[]> {
  if (!address.startsWith("+")) return [ok("address", `${address} is a short code, which is not looked up`)];
  const number = await askNumber(credentials, address.slice(1), ask);
  if (!number) return [noSuchNumber(address)];
  const owned = ok("address", `the account has ${address}`);
  if (number.messagesCallbackType === "app") {
    const detail = `${address} is linked to an application: where the default SMS setting is Messages API, its texts go there`;
    return [owned, warning("webhook", detail, "unlink it, or connect it as vonage instead of vonage-sms")];
  }
  if (number.moHttpUrl)
    return [owned, judgeUrl("webhook", number.moHttpUrl, webhookUrl, "the number's inbound webhook URL")];
  const detail = `${address} has no URL of its own: its texts go to the account's, which was not looked at`;
  return [owned, warning("webhook", detail, "paste the webhookUrl into the number's inbound webhook URL")];
}
