import { z } from "zod";
import type { Finding } from "../../../model.ts";
import { callSes, type SesAccount } from "../../email/amazon-ses/call.ts";
import { failure, ok, warning } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { listOf, maybeText } from "../../kit/fields.ts";

/** What Amazon SES tells of the account, of domains, and of where events go. Its receipt rules are told by an older API alone. */
export const amazonSesChecks: readonly CheckStep<SesAccount>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findAccount(credentials, ask) },
  { check: "receipts", find: ({ credentials, ask }) => findEvents(credentials, ask) },
  { check: "address", findOf: (address, { credentials, ask }) => findIdentity(address, credentials, ask) },
];

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html */
const account = z.object({ ProductionAccessEnabled: z.boolean().nullish(), SendingEnabled: z.boolean().nullish() });

async function findAccount(credentials: SesAccount, ask: Ask): Promise<Finding[]> {
  const found = await ask(callSes(credentials, "GET", "/v2/email/account"), account);
  if (found.SendingEnabled === false) {
    return [failure("credentials", "the account's sending is paused", "see in the console of Amazon SES why")];
  }
  if (found.ProductionAccessEnabled === false) {
    const advice = "ask for production access in the console of Amazon SES";
    return [warning("credentials", "the account is in a sandbox: only to verified addresses anything goes", advice)];
  }
  return [ok("credentials", "Amazon SES takes the access key")];
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetConfigurationSetEventDestinations.html */
const destinations = z.object({
  EventDestinations: listOf(
    z.object({
      Enabled: z.boolean().nullish(),
      MatchingEventTypes: listOf(z.string()),
      SnsDestination: z.object({ TopicArn: maybeText }).nullish(),
    }),
  ),
});
const wanted = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT"];

async function findEvents(credentials: SesAccount, ask: Ask): Promise<Finding[]> {
  const { configurationSet, topicArn } = credentials;
  if (configurationSet === undefined) {
    return [warning("receipts", "there is no configuration set: nothing tells what became of an email", "add one")];
  }
  const path = `/v2/email/configuration-sets/${configurationSet}/event-destinations`;
  const { EventDestinations: all } = await ask(callSes(credentials, "GET", path), destinations);
  const ours = all.filter(({ Enabled, SnsDestination }) => Enabled && SnsDestination?.TopicArn === topicArn);
  const missing = wanted.filter((type) => !ours.some(({ MatchingEventTypes }) => MatchingEventTypes.includes(type)));
  if (missing.length === 0) return [ok("receipts", `the set "${configurationSet}" tells the topic of its events`)];
  const detail = `the set "${configurationSet}" does not tell the topic of ${missing.join(", ")}`;
  return [warning("receipts", detail, "add an event destination of the type Amazon SNS with these events to it")];
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html */
const identity = z.object({ VerifiedForSendingStatus: z.boolean().nullish() });

async function findIdentity(address: string, credentials: SesAccount, ask: Ask): Promise<Finding[]> {
  const domain = address.slice(address.lastIndexOf("@") + 1);
  const path = `/v2/email/identities/${domain}`;
  const { VerifiedForSendingStatus } = await ask(callSes(credentials, "GET", path), identity);
  if (VerifiedForSendingStatus) return [ok("address", `the domain ${domain} is verified`)];
  return [warning("address", `the domain ${domain} is not verified yet`, "add the records that its page shows")];
}
