import { z } from "zod";
import type { Finding } from "../../../model.ts";
import { isSame } from "../../../secrets/compare.ts";
import { compareUrls } from "../../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { at, listOf, maybeText, requiredText, text } from "../../kit/fields.ts";
import { callOf, type HttpSmsAccount } from "../../sms/httpsms/call.ts";

type Credentials = HttpSmsAccount & { signingKey: string };
interface Asked {
  credentials: Credentials;
  webhookUrl: string;
  ask: Ask;
}

/** What httpSMS tells of phones, and of the webhooks that they post to. */
export const httpSmsChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: findAny },
  { check: "address", findOf: findPhone },
  { check: "webhook", findOf: findWebhook },
];

const get = (credentials: Credentials, path: string, query: Record<string, string>) => {
  return { method: "GET" as const, ...callOf(credentials, path), query };
};

/** https://api.httpsms.com/index.html */
const phones = at("data", z.array(z.object({ phone_number: requiredText })));

async function findAny({ credentials, ask }: Asked): Promise<Finding[]> {
  await ask(get(credentials, "phones", { limit: "1" }), phones);
  return [ok("credentials", "httpSMS takes the API key")];
}

async function findPhone(address: string, { credentials, ask }: Asked): Promise<Finding[]> {
  const found = await ask(get(credentials, "phones", { limit: "20", query: address }), phones);
  if (found.some(({ phone_number: number }) => number === address)) {
    return [ok("address", `the account has a phone with the number ${address}`)];
  }
  const advice = "install the app on the phone, and sign in there with this account's API key";
  return [failure("address", `the account has no phone with the number ${address}`, advice)];
}

const webhooks = at(
  "data",
  z.array(z.object({ url: requiredText, signing_key: maybeText, phone_numbers: listOf(text), events: listOf(text) })),
);

/** Without the first nothing arrives, and without the others nobody learns what became of a message. */
const needed = ["message.phone.received"];
const wanted = ["message.phone.sent", "message.phone.delivered", "message.send.failed", "message.send.expired"];
const paste = "make a webhook in httpSMS's settings with the mapping's webhookUrl";

async function findWebhook(address: string, { credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const all = await ask(get(credentials, "webhooks", { limit: "20" }), webhooks);
  const ours = all.filter(({ url }) => compareUrls(url, webhookUrl) === "same");
  if (ours.length === 0) return [failure("webhook", "none of the account's webhooks is this mapping's", paste)];
  const signed = ours.filter(({ signing_key: key = "" }) => isSame(key, credentials.signingKey));
  if (signed.length === 0) {
    const detail = "the webhook has another signing key, or none: what comes by it is answered 401";
    return [failure("webhook", detail, "give it the signing key of these credentials")];
  }
  const ofPhone = signed.filter(({ phone_numbers: numbers }) => numbers.includes(address));
  if (ofPhone.length === 0) {
    return [failure("webhook", `the webhook is not for the phone with the number ${address}`, "add the phone to it")];
  }
  const told = new Set(ofPhone.flatMap(({ events }) => events));
  const missing = [...needed, ...wanted].filter((event) => !told.has(event));
  if (missing.length === 0) return [ok("webhook", "a webhook has this mapping's webhookUrl, key, phone and events")];
  const judge = missing.some((event) => needed.includes(event)) ? failure : warning;
  return [judge("webhook", `the webhook is not told of ${missing.join(", ")}`, "add them to its events")];
}
