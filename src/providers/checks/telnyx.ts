import { z } from "zod";
import type { Finding } from "../../model.ts";
import { judgeUrl } from "../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { at, listOf, maybeText, requiredText } from "../kit/fields.ts";
import { bearer } from "../kit/proofs.ts";

interface Credentials {
  apiKey: string;
  messagingProfileId?: string | undefined;
}

/** What Telnyx tells of numbers and of the messaging profiles that they are in. */
export const telnyxChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findProfiles(credentials, ask) },
  { check: "address", findOf: (address, asked) => findNumber(address, asked) },
];

const get = ({ apiKey }: Credentials, path: string, query: Record<string, string | number> = {}) => {
  return { method: "GET" as const, url: `https://api.telnyx.com/v2${path}`, query, headers: bearer(apiKey) };
};

async function findProfiles(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  await ask(get(credentials, "/messaging_profiles", { "page[size]": 1 }), z.object({ data: z.array(z.unknown()) }));
  return [ok("credentials", "Telnyx takes the API key")];
}

/** https://developers.telnyx.com/api-reference/phone-number-configurations/list-phone-numbers */
const numbers = z.object({
  data: listOf(z.object({ phone_number: requiredText, status: maybeText, messaging_profile_id: maybeText })),
});
/** https://developers.telnyx.com/api-reference/profiles/retrieve-a-messaging-profile */
const profile = at("data", {
  ...{ name: maybeText, webhook_url: z.string().nullish(), webhook_api_version: maybeText },
  enabled: z.boolean().nullish(),
});

async function findNumber(
  address: string,
  { credentials, webhookUrl, ask }: { credentials: Credentials; webhookUrl: string; ask: Ask },
): Promise<Finding[]> {
  if (!address.startsWith("+")) return [ok("address", `${address} is no whole number, and is not looked up`)];
  // By its digits alone: what else stands there finds nothing.
  const { data } = await ask(get(credentials, "/phone_numbers", { "filter[phone_number]": address.slice(1) }), numbers);
  const number = data.find(({ phone_number }) => phone_number === address);
  if (!number) {
    const advice = "give the API key of the Telnyx account that has it, or buy it there";
    return [failure("address", `the account has no number ${address}`, advice)];
  }
  const { status = "active", messaging_profile_id: id } = number;
  if (!id) {
    const advice = "assign it to the messaging profile that has the webhookUrl";
    return [failure("address", `${address} is in no messaging profile: it neither sends nor receives texts`, advice)];
  }
  const { messagingProfileId: given } = credentials;
  if (given && given !== id) {
    const detail = `${address} is in the messaging profile ${id}, and the credentials name ${given}`;
    return [failure("address", detail, "assign the number to that profile, or correct the credentials")];
  }
  const owned =
    status === "active"
      ? ok("address", `the account has ${address}, in the messaging profile ${id}`)
      : warning("address", `the account has ${address}, and its status is ${status}`, "see in Telnyx's portal why");
  return [owned, judgeProfile(await ask(get(credentials, `/messaging_profiles/${id}`), profile), webhookUrl)];
}

/** https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks */
function judgeProfile(found: z.infer<typeof profile>, wanted: string): Finding {
  const { name, enabled, webhook_url: url, webhook_api_version: version = "2" } = found;
  const place = `the inbound webhook of the messaging profile${name ? ` "${name}"` : ""}`;
  if (enabled === false) {
    return failure("webhook", "the messaging profile is disabled: nothing is received", "enable it in Telnyx's portal");
  }
  if (version === "2") return judgeUrl("webhook", url, wanted, place);
  return failure("webhook", `${place} has API version ${version}, which is not read`, "set it to API version 2");
}
