import { z } from "zod";
import { normalizeWholeNumber } from "../../formats/phone-number.ts";
import type { Finding } from "../../model.ts";
import { judgeUrl } from "../kit/checks/compare-urls.ts";
import { failure, ok } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { maybeText, requiredText } from "../kit/fields.ts";
import { bearer } from "../kit/proofs.ts";
import { graph, numberIdOf } from "../sms/whatsapp/graph.ts";

interface Credentials {
  accessToken: string;
  phoneNumberId: string;
}

/** What Meta tells of an access token, and of the numbers that it may send from. */
export const whatsappChecks: readonly CheckStep<Credentials>[] = [
  {
    check: "credentials",
    find: async ({ credentials: { accessToken }, ask }) => {
      await ask({ method: "GET", url: `${graph}/me`, headers: bearer(accessToken) }, z.object({ id: requiredText }));
      return [ok("credentials", "Meta takes the access token")];
    },
  },
  { check: "address", findOf: (address, asked) => findNumber(address, asked) },
];

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number */
const number = z.object({
  display_phone_number: requiredText,
  webhook_configuration: z
    .object({ phone_number: maybeText, whatsapp_business_account: maybeText, application: maybeText })
    .nullish(),
});
const fields = "display_phone_number,webhook_configuration";

async function findNumber(
  address: string,
  { credentials, webhookUrl, ask }: { credentials: Credentials; webhookUrl: string; ask: Ask },
): Promise<Finding[]> {
  const id = numberIdOf(address, credentials.phoneNumberId);
  const request = { method: "GET" as const, url: `${graph}/${id}`, query: { fields } };
  const found = await ask({ ...request, headers: bearer(credentials.accessToken) }, number);
  const { display_phone_number: shown, webhook_configuration: set } = found;
  if (normalizeWholeNumber(shown) !== address) {
    const detail = `the phone number id ${id} is of ${shown}, and not of ${address}`;
    return [failure("address", detail, "give the id that stands below this number, or map the other number")];
  }
  const owned = ok("address", `${address} has the phone number id ${id}`);
  // The nearest to the number counts.
  const url = set?.phone_number ?? set?.whatsapp_business_account ?? set?.application;
  return set ? [owned, judgeUrl("webhook", url, webhookUrl, "the app's callback URL")] : [owned];
}
