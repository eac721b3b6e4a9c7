import { z } from "zod";
import type { Finding } from "../../model.ts";
import { judgeUrl } from "../kit/checks/compare-urls.ts";
import { failure, ok } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { maybeText, requiredText } from "../kit/fields.ts";
import { basic } from "../kit/proofs.ts";

interface Credentials {
  authId: string;
  authToken: string;
}

/** What Plivo tells of an account, its numbers and their applications. */
export const plivoChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findAccount(credentials, ask) },
  { check: "address", findOf: (address, asked) => findNumber(address, asked) },
];

const get = ({ authId, authToken }: Credentials, path: string) => {
  const url = `https://api.plivo.com${path || `/v1/Account/${authId}/`}`;
  return { method: "GET" as const, url, headers: basic(authId, authToken) };
};

/** https://plivo.com/docs/account/api/account */
async function findAccount(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  await ask(get(credentials, ""), z.object({ account_type: requiredText }));
  return [ok("credentials", "Plivo takes the Auth ID and the Auth Token")];
}

/** https://plivo.com/docs/numbers/api/account-phone-number */
const number = z.object({ application: maybeText, sms_enabled: z.boolean().nullish() });
/** https://docs.plivo.com/docs/account/api/application/the-application-object */
const application = z.object({
  app_name: maybeText,
  enabled: z.boolean().nullish(),
  message_url: z.string().nullish(),
});

async function findNumber(
  address: string,
  { credentials, webhookUrl, ask }: { credentials: Credentials; webhookUrl: string; ask: Ask },
): Promise<Finding[]> {
  if (!address.startsWith("+")) return [ok("address", `${address} is a short code, which is not looked up`)];
  const path = `/v1/Account/${credentials.authId}/Number/${address.slice(1)}/`;
  const { application: uri, sms_enabled: canText } = await ask(get(credentials, path), number);
  if (canText === false) {
    return [failure("address", `${address} cannot text at Plivo`, "take a number that has SMS")];
  }
  const owned = ok("address", `the account has ${address}`);
  if (!uri || !/^\/v1\/Account\/\w+\/Application\/\d+\/$/.test(uri)) {
    const advice = "assign it to an application that has the webhookUrl as its message URL";
    return [owned, failure("webhook", `${address} is in no application: nothing that people write arrives`, advice)];
  }
  const { app_name: name, enabled, message_url: url } = await ask(get(credentials, uri), application);
  const place = `the message URL of the application${name ? ` "${name}"` : ""}`;
  if (enabled === false) {
    return [owned, failure("webhook", `${place} is of a disabled application`, "enable it in Plivo's console")];
  }
  return [owned, judgeUrl("webhook", url, webhookUrl, place)];
}
