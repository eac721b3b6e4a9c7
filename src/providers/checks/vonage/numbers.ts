import { z } from "zod";
import { failure } from "../../kit/checks/findings.ts";
import type { Ask } from "../../kit/checks/run-checks.ts";
import { listOf, maybeText, requiredText } from "../../kit/fields.ts";
import { basic } from "../../kit/proofs.ts";

/** Of an account, not of one of its applications. */
export interface VonageAccount {
  apiKey: string;
  apiSecret: string;
}

/** A call about the account. */
export function getAs({ apiKey, apiSecret }: VonageAccount, url: string, query: Record<string, string> = {}) {
  return { method: "GET" as const, url, query, headers: basic(apiKey, apiSecret) };
}

/** https://developer.vonage.com/en/api/numbers */
const numbers = z.object({
  numbers: listOf(
    z.object({
      msisdn: requiredText,
      moHttpUrl: z.string().nullish(),
      messagesCallbackType: maybeText,
      messagesCallbackValue: maybeText,
    }),
  ),
});

/** What the account says of one of its numbers, which is given without its plus; undefined where it has none such. */
export async function askNumber(account: VonageAccount, digits: string, ask: Ask) {
  const query = { pattern: digits };
  const { numbers: found } = await ask(getAs(account, "https://rest.nexmo.com/account/numbers", query), numbers);
  return found.find(({ msisdn }) => msisdn === digits);
}

export const noSuchNumber = (address: string) =>
  failure(
    "address",
    `the account has no number ${address}`,
    "give the API key and secret of the account that has it, or buy it there",
  );
