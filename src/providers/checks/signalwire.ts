import { z } from "zod";
import type { Finding } from "../../model.ts";
import { failure, ok, warning } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { basic } from "../kit/proofs.ts";
import { judgeCall, numbers } from "./twilio.ts";

interface Credentials {
  projectId: string;
  spaceUrl: string;
  apiToken: string;
}

/** What SignalWire tells of a project and its numbers; for these the API token needs the scope Numbers. */
export const signalwireChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findMessages(credentials, ask) },
  { check: "address", findOf: (address, asked) => findNumber(address, asked) },
];

const get = ({ projectId, spaceUrl, apiToken }: Credentials, path: string, query: Record<string, string>) => {
  const url = `https://${spaceUrl}/api/laml/2010-04-01/Accounts/${projectId}${path}`;
  return { method: "GET" as const, url, query, headers: basic(projectId, apiToken) };
};

/** By the scope that sending needs: https://signalwire.com/docs/compatibility-api/rest/messages/list-messages */
async function findMessages(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  await ask(get(credentials, "/Messages", { PageSize: "1" }), z.object({ messages: z.array(z.unknown()) }));
  return [ok("credentials", "SignalWire takes the API token")];
}

/** https://developer.signalwire.com/compatibility-api/rest/entities/incoming-phone-numbers */
async function findNumber(
  address: string,
  { credentials, webhookUrl, ask }: { credentials: Credentials; webhookUrl: string; ask: Ask },
): Promise<Finding[]> {
  if (!address.startsWith("+")) return [ok("address", `${address} is a short code, which is not looked up`)];
  const request = get(credentials, "/IncomingPhoneNumbers", { PhoneNumber: address });
  const { incoming_phone_numbers: found } = await ask(request, numbers);
  const number = found.find(({ phone_number }) => phone_number === address);
  if (!number) {
    const advice = "give the credentials of the project that has it, or buy it there";
    return [failure("address", `the project has no number ${address}`, advice)];
  }
  const owned = ok("address", `the project has ${address}`);
  if (number.sms_url) {
    const place = 'the number\'s "When a message comes in"';
    return [owned, judgeCall(number.sms_url, number.sms_method, webhookUrl, place)];
  }
  const detail = `${address} names no URL for messages: a resource may handle them, whose URL was not looked at`;
  return [owned, warning("webhook", detail, "have it handle messages by a webhook, and paste the webhookUrl there")];
}
