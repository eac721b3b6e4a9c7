import { z } from "zod";
import type { Finding } from "../../../model.ts";
import { ok } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";

interface Credentials {
  accessKey: string;
}

/** What MessageBird tells of an account. */
export const messagebirdChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findBalance(credentials, ask) },
];

/** https://github.com/messagebird/messagebird-nodejs/blob/master/types/balance.d.ts */
async function findBalance({ accessKey }: Credentials, ask: Ask): Promise<Finding[]> {
  const url = "https://rest.messagebird.com/balance";
  const request = { method: "GET" as const, url, headers: { authorization: `AccessKey ${accessKey}` } };
  const { amount, type } = await ask(request, z.object({ amount: z.number(), type: z.string() }));
  return [ok("credentials", "MessageBird takes the access key"), ok("balance", `the balance is ${amount} ${type}`)];
}
