import { z } from "zod";
import type { Finding } from "../../model.ts";
import { failure, ok } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { listOf, requiredText } from "../kit/fields.ts";
import { withoutPlus } from "../kit/sends.ts";

interface Credentials {
  apiKey: string;
  baseUrl: string;
}

/** What Infobip tells of an account and its numbers. */
export const infobipChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findAccount(credentials, ask) },
  { check: "address", findOf: (address, { credentials, ask }) => findNumber(address, credentials, ask) },
];

const get = ({ apiKey, baseUrl }: Credentials, path: string, query: Record<string, string> = {}) => {
  const headers = { authorization: `App ${apiKey}` };
  return { method: "GET" as const, url: baseUrl.replace(/\/$/, "") + path, query, headers };
};

/** https://dev.infobip.com/settings/account-balance */
async function findAccount(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  await ask(get(credentials, "/account/1/balance"), z.object({ balance: z.number() }));
  return [ok("credentials", "Infobip takes the API key")];
}

/** https://github.com/infobip/infobip-api-java-client/blob/master/src/main/java/com/infobip/api/NumbersApi.java */
const numbers = z.object({ numbers: listOf(z.object({ number: requiredText })) });

async function findNumber(address: string, credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const digits = withoutPlus(address);
  const { numbers: found } = await ask(get(credentials, "/numbers/1/numbers", { number: digits }), numbers);
  if (found.some(({ number }) => withoutPlus(number) === digits)) return [ok("address", `the account has ${address}`)];
  const advice = "give the API key of the account that has it, or rent it there";
  return [failure("address", `the account has no number ${address}`, advice)];
}
