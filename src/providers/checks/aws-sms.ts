import { z } from "zod";
import type { Finding } from "../../model.ts";
import { failure, ok, warning } from "../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../kit/checks/run-checks.ts";
import { maybeText, requiredText } from "../kit/fields.ts";
import { type AwsAccount, callSmsVoice } from "../sms/aws-sms/call.ts";

/** What AWS tells of numbers, and of the topics that they post to. */
export const awsSmsChecks: readonly CheckStep<AwsAccount>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findAny(credentials, ask) },
  { check: "address", findOf: (address, { credentials, ask }) => findNumber(address, credentials, ask) },
];

const number = z.object({
  ...{ PhoneNumber: requiredText, Status: maybeText, TwoWayChannelArn: maybeText },
  TwoWayEnabled: z.boolean().nullish(),
});
const numbers = z.object({ PhoneNumbers: z.array(number), NextToken: maybeText });
type PhoneNumber = z.infer<typeof number>;

async function findAny(credentials: AwsAccount, ask: Ask): Promise<Finding[]> {
  await ask(callSmsVoice(credentials, "DescribePhoneNumbers", { MaxResults: 1 }), numbers);
  return [ok("credentials", "AWS takes the access key")];
}

/** No account has more numbers than these pages of 100 hold, but for those that were raised far beyond the usual. */
const maxPages = 5;

/** https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_DescribePhoneNumbers.html */
async function findNumber(address: string, credentials: AwsAccount, ask: Ask): Promise<Finding[]> {
  if (/[a-z]/i.test(address)) return [ok("address", `${address} is a sender ID, to which nobody can answer`)];
  let next: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    const wanted = { MaxResults: 100, NextToken: next };
    const { PhoneNumbers, NextToken } = await ask(callSmsVoice(credentials, "DescribePhoneNumbers", wanted), numbers);
    const found = PhoneNumbers.find(({ PhoneNumber }) => PhoneNumber === address);
    if (found) return [judgeStatus(found), judgeTopic(found, credentials.topicArn)];
    if (NextToken === undefined) return [failure("address", `the account has no number ${address}`, elsewhere)];
    next = NextToken;
  }
  const advice = "look at it in the console of AWS End User Messaging";
  return [warning("address", `${address} is not among the first ${maxPages * 100} numbers of the account`, advice)];
}

const elsewhere = "see whether it is in another region than the topic, or request it there";

function judgeStatus({ PhoneNumber, Status = "ACTIVE" }: PhoneNumber): Finding {
  if (Status === "ACTIVE") return ok("address", `the account has ${PhoneNumber}`);
  const detail = `the account has ${PhoneNumber}, and its status is ${Status}`;
  return warning("address", detail, "see in the console of AWS End User Messaging why");
}

function judgeTopic({ TwoWayEnabled, TwoWayChannelArn }: PhoneNumber, topicArn: string): Finding {
  const advice = "set the number's two-way SMS to the topic of these credentials";
  if (!TwoWayEnabled) return failure("webhook", "two-way SMS is off: nothing that people write arrives", advice);
  if (TwoWayChannelArn === topicArn) return ok("webhook", "what people write goes to the topic of these credentials");
  return failure("webhook", `what people write goes to ${TwoWayChannelArn ?? "no topic"}`, advice);
}
