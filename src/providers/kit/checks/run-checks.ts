import type { z } from "zod";
import type { ApiRequest, CallApi } from "../../../calls/call-api.ts";
import { Failure } from "../../../errors.ts";
import type { Finding } from "../../../model.ts";
import type { Adapter, CheckedAccount, RefusalCodes } from "../adapter.ts";
import type { AnswerReader } from "../sends.ts";
import { failure, warning } from "./findings.ts";

/** Asks by one call, and reads what is used of the answer. Throws a Failure, as for an answer that lacks it. */
export type Ask = <Output>(request: ApiRequest, answer: z.ZodType<Output>) => Promise<Output>;

interface Asked<Sending> {
  credentials: Sending;
  webhookUrl: string;
  ask: Ask;
}

/** One thing that is looked at: of the whole account, or of each address. */
export type CheckStep<Sending> =
  | { check: string; find(asked: Asked<Sending>): Promise<Finding[]> }
  | { check: string; findOf(address: string, asked: Asked<Sending>): Promise<Finding[]> };

interface Checked<Given, Sending> extends Pick<Adapter<Given>, "label"> {
  sends: { answer: Pick<AnswerReader, "refused">; refusals?: RefusalCodes };
  checks: readonly CheckStep<Sending>[];
  toSend(given: Given): Sending;
}

/** Step by step; where the first one shows that the provider does not let us in, or does not answer, it is left alone. */
export async function runChecks<Given, Sending>(
  facts: Checked<Given, Sending>,
  { credentials, webhookUrl, addresses }: CheckedAccount<Given>,
  callApi: CallApi,
): Promise<Finding[]> {
  const { label, checks, toSend } = facts;
  const sending = credentialsToSend(toSend, credentials);
  if (sending instanceof Failure) return [warning("credentials", ...lacking(label, sending))];
  const asked = { credentials: sending, webhookUrl, ask: createAsk(label, callApi) };
  const findings: Finding[] = [];
  for (const step of checks) {
    const isFirst = step === checks[0];
    let isAnswered = true;
    const finders = "find" in step ? [() => step.find(asked)] : addresses.map((each) => () => step.findOf(each, asked));
    for (const find of finders) {
      const found = await find().catch((error: unknown) => {
        if (!(error instanceof Failure)) throw error;
        isAnswered = false;
        return [describe(facts, step.check, isFirst, error)];
      });
      findings.push(...found);
    }
    if (isFirst && !isAnswered) break;
  }
  return findings;
}

function credentialsToSend<Given, Sending>(toSend: (given: Given) => Sending, given: Given): Sending | Failure {
  try {
    return toSend(given);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

const lacking = (label: string, { message }: Failure): [string, string] => [
  `${label} cannot be asked, and nothing can be sent: ${message}`,
  "add what is missing, unless this mapping only receives",
];

export function createAsk(label: string, callApi: CallApi): Ask {
  return async (request, schema) => {
    const { status, body } = await callApi(request);
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    const fields = parsed.error.issues.map(({ path }) => path.join(".") || "body").join(", ");
    throw new Failure("invalid_answer", `${label} answered ${status} without a usable ${fields}`, { status });
  };
}

/** What it means that a step could not be taken: only the first one tells of the credentials as such. */
function describe<Given, Sending>(
  { label, sends }: Checked<Given, Sending>,
  check: string,
  isFirst: boolean,
  error: Failure,
): Finding {
  const { status, answer, message, reason } = error;
  const refusal = answer === undefined ? undefined : sends.answer.refused(answer);
  const words = refusal ? `${refusal.message} (${label} ${refusal.code})` : message;
  const isMeant = refusal !== undefined && sends.refusals?.[refusal.code] === "misconfigured";
  // AWS says it by a code within a 400.
  const isRefused = status === 401 || status === 403 || (status === 400 && isMeant);
  if (isRefused && isFirst) {
    const advice = "copy them from the provider again, and change them here";
    return failure(check, `these credentials are refused: ${words}`, advice);
  }
  if (isRefused) {
    const advice = `look at it in ${label}'s console, or give credentials that may read it`;
    return warning(check, `these credentials may not ask for it: ${words}`, advice);
  }
  if (status !== undefined && reason === "rejected") {
    return failure(
      check,
      `${label} refuses to tell: ${words}`,
      "see whether the credentials and the address are right",
    );
  }
  return warning(check, `${label} could not be asked: ${words}`, "check again in a while");
}
