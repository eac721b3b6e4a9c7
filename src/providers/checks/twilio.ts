import { z } from "zod";
import type { Finding } from "../../model.ts";
import { judgeUrl } from "../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { listOf, maybeText, requiredText } from "../kit/fields.ts";
import { basic } from "../kit/proofs.ts";

interface Credentials {
  accountSid: string;
  authToken: string;
  messagingServiceSid?: string | undefined;
}

/** What Twilio tells of an account, its numbers and a messaging service. */
export const twilioChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findAccount(credentials, ask) },
  { check: "address", findOf: (address, asked) => findNumber(address, asked) },
];

const get = ({ accountSid, authToken }: Credentials, url: string, query: Record<string, string> = {}) => {
  return { method: "GET" as const, url, query, headers: basic(accountSid, authToken) };
};
const accountUrl = ({ accountSid }: Credentials) => `https://api.twilio.com/2010-04-01/Accounts/${accountSid}`;

/** https://www.twilio.com/docs/iam/api/account */
const account = z.object({ status: requiredText, type: maybeText });

async function findAccount(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const { status, type } = await ask(get(credentials, `${accountUrl(credentials)}.json`), account);
  if (status !== "active") {
    return [
      failure("credentials", `the account is ${status}`, "see in Twilio's Console why, and have it opened again"),
    ];
  }
  if (type !== "Trial") return [ok("credentials", "Twilio takes them, and the account is active")];
  const detail = "Twilio takes them; it is a trial account, which writes to verified numbers only";
  return [warning("credentials", detail, "upgrade the account before customers are written to")];
}

const url = z.string().nullish();
/** https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource, and likewise short codes */
const set = { sms_url: url, sms_method: maybeText, sms_application_sid: maybeText };
export const numbers = z.object({ incoming_phone_numbers: listOf(z.object({ phone_number: requiredText, ...set })) });
/** https://www.twilio.com/docs/messaging/api/short-code-resource */
const shortCodes = z.object({ short_codes: listOf(z.object({ short_code: requiredText, ...set })) });
/** https://www.twilio.com/docs/messaging/api/service-resource */
const service = z.object({
  ...{ inbound_request_url: url, inbound_method: maybeText },
  use_inbound_webhook_on_number: z.boolean().nullish(),
});

async function findNumber(
  address: string,
  { credentials, webhookUrl, ask }: { credentials: Credentials; webhookUrl: string; ask: Ask },
): Promise<Finding[]> {
  const number = await askNumber(address, credentials, ask);
  if (!number) {
    const advice =
      "give the credentials of the account, or subaccount, that has it. One of WhatsApp alone is not listed";
    return [failure("address", `the account has no number ${address}`, advice)];
  }
  const owned = ok("address", `the account has ${address}`);
  const { messagingServiceSid: sid } = credentials;
  const pool = sid && (await ask(get(credentials, `https://messaging.twilio.com/v1/Services/${sid}`), service));
  if (pool && !pool.use_inbound_webhook_on_number) {
    const place = "the messaging service's inbound request URL";
    return [owned, judgeCall(pool.inbound_request_url, pool.inbound_method, webhookUrl, place)];
  }
  if (number.sms_application_sid) {
    const detail = `${address} is handled by the TwiML app ${number.sms_application_sid}, whose URL was not looked at`;
    return [owned, warning("webhook", detail, "take the app off the number, or see that its URL is the webhookUrl")];
  }
  return [owned, judgeCall(number.sms_url, number.sms_method, webhookUrl, 'the number\'s "A message comes in"')];
}

async function askNumber(address: string, credentials: Credentials, ask: Ask) {
  const base = accountUrl(credentials);
  if (address.startsWith("+")) {
    const request = get(credentials, `${base}/IncomingPhoneNumbers.json`, { PhoneNumber: address });
    const { incoming_phone_numbers: found } = await ask(request, numbers);
    return found.find(({ phone_number }) => phone_number === address);
  }
  const { short_codes: found } = await ask(
    get(credentials, `${base}/SMS/ShortCodes.json`, { ShortCode: address }),
    shortCodes,
  );
  return found.find(({ short_code }) => short_code === address);
}

/** The finding on the URL that a number calls, and on the method by which it does. */
export function judgeCall(
  found: string | null | undefined,
  method: string | undefined,
  wanted: string,
  place: string,
): Finding {
  const finding = judgeUrl("webhook", found, wanted, place);
  if (finding.state !== "ok" || method === undefined || method.toUpperCase() === "POST") return finding;
  return failure(
    "webhook",
    `${place} is called by ${method}, by which nothing is taken`,
    "set its method to HTTP POST",
  );
}
