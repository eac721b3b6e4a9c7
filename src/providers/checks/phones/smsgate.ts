import { z } from "zod";
import type { Finding } from "../../../model.ts";
import { compareUrls } from "../../kit/checks/compare-urls.ts";
import { failure, ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { maybeText, requiredText } from "../../kit/fields.ts";
import { callOf, type SmsGateAccount } from "../../sms/smsgate/call.ts";

interface Asked {
  credentials: SmsGateAccount;
  webhookUrl: string;
  ask: Ask;
}

/** What SMSGate tells of phones, and of the webhooks that they post to. Of numbers it tells nothing. */
export const smsGateChecks: readonly CheckStep<SmsGateAccount>[] = [
  { check: "credentials", find: findPhones },
  { check: "webhook", find: findWebhooks },
];

const get = (credentials: SmsGateAccount, path: string) => {
  return { method: "GET" as const, ...callOf(credentials, path) };
};

const devices = z.array(z.object({ id: requiredText }));

async function findPhones({ credentials, ask }: Asked): Promise<Finding[]> {
  const found = await ask(get(credentials, "devices"), devices);
  const taken = ok("credentials", "SMSGate takes the username and password");
  const { deviceId } = credentials;
  if (found.length === 0) {
    return [taken, failure("device", "the account has no phone", "sign in with it in the app, in cloud mode")];
  }
  if (deviceId === undefined) {
    if (found.length === 1) return [taken, ok("device", "the account has one phone")];
    const detail = `the account has ${found.length} phones: any of them sends`;
    return [taken, warning("device", detail, "give the device ID of the one with the number")];
  }
  if (found.some(({ id }) => id === deviceId)) return [taken, ok("device", "the account has the phone")];
  return [taken, failure("device", `the account has no phone ${deviceId}`, "correct the device ID")];
}

const webhooks = z.array(z.object({ url: requiredText, event: requiredText, deviceId: maybeText }));

/** Without the first nothing arrives. */
const needed = "sms:received";
const wanted = ["mms:downloaded", "sms:sent", "sms:delivered", "sms:failed", "sms:cancelled"];

async function findWebhooks({ credentials, webhookUrl, ask }: Asked): Promise<Finding[]> {
  const all = await ask(get(credentials, "webhooks"), webhooks);
  const { deviceId: own } = credentials;
  const isOfPhone = (deviceId: string | undefined) => deviceId === undefined || own === undefined || deviceId === own;
  const ours = all.filter(({ url, deviceId }) => compareUrls(url, webhookUrl) === "same" && isOfPhone(deviceId));
  const told = ours.map(({ event }) => event);
  const advice = "make one for each, by the web dashboard or by POST to the API's /webhooks";
  if (!told.includes(needed)) {
    return [failure("webhook", `no webhook for ${needed} has this mapping's webhookUrl: nothing arrives`, advice)];
  }
  const missing = wanted.filter((event) => !told.includes(event));
  if (missing.length === 0) return [ok("webhook", "webhooks for all events have this mapping's webhookUrl")];
  return [warning("webhook", `no webhook has this mapping's webhookUrl for ${missing.join(", ")}`, advice)];
}
