import { Failure } from "../errors.ts";
import type { EmailStatusReport, Highlevel, StatusReport } from "../highlevel/client.ts";
import type { Channel, ReceiptStatus } from "../model.ts";
import { hasLaterReport } from "../store/deliveries.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, Message } from "../store/schema.ts";
import type { AttemptResult, MessageAttempt } from "./attempt.ts";

export interface ReportContext {
  db: Db;
  highlevel: Highlevel;
}

/** After HighLevel has called the delivery URL it may say for so long that there is no such message. */
const maxInvisibleMs = 10 * 60_000;

/**
 * Tells HighLevel what became of a message that it had us send: what is known now, which may be more than when this
 * delivery was made. Throws a Failure.
 */
export async function reportStatus(context: ReportContext, input: MessageAttempt): Promise<AttemptResult> {
  const { message } = input;
  const { channel, provider } = input.mapping ?? withoutMapping(message);
  const { state } = message;
  const change = { reportedState: state };
  if (state === "queued" || state === "received") return { detail: "there is nothing to report yet", change: {} };
  if (channel === "sms" && (state === "sent" || state === message.reportedState)) {
    return { detail: `${state} needs no report`, change };
  }
  if (await hasLaterReport(context.db, message.id)) {
    return { detail: "another report is waiting, which will tell more", change: {} };
  }
  const { status } = await reports[channel](context, input, { state, provider }).catch((error: unknown) => {
    throw isNotVisible(error, message) ? notVisible(error) : error;
  });
  return { status, detail: `reported ${state}`, change };
}

/** Of a message that no mapping could send; its ids tell which of the two calls knows it. */
const withoutMapping = ({ highlevelEmailMessageId }: Message) => ({
  channel: highlevelEmailMessageId === null ? ("sms" as const) : ("email" as const),
  provider: "bridge",
});

type Report = (
  context: ReportContext,
  input: MessageAttempt,
  about: { state: ReceiptStatus; provider: string },
) => Promise<{ status: number }>;

const reports: Record<Channel, Report> = {
  sms: async ({ highlevel }, { message, access }, { state, provider }) => {
    if (!message.highlevelMessageId || state === "sent") {
      throw new Failure("internal_error", "there is nothing to report");
    }
    return highlevel.reportStatus(
      await access(),
      message.highlevelMessageId,
      composeTextReport(message, state, provider),
    );
  },
  email: async ({ highlevel }, { message, conversation, access }, { state }) => {
    const id = message.highlevelEmailMessageId ?? message.highlevelMessageId;
    if (!id) throw new Failure("internal_error", "the email has no id in HighLevel");
    const { recipients, ...report } = composeEmailReport(conversation, message, state);
    return highlevel.reportEmailStatus(await access(), id, { ...report, recipients }).catch(async (error: unknown) => {
      if (!(error instanceof Failure) || error.status !== 400) throw error;
      // HighLevel takes its own list of recipients only, as it spells them: the state of the whole says most.
      return highlevel.reportEmailStatus(await access(), id, report);
    });
  },
};

/** What HighLevel is told of a text. Pure. */
export function composeTextReport(
  message: Message,
  state: Exclude<ReceiptStatus, "sent">,
  provider: string,
): StatusReport {
  const status = shown(state);
  return { status, ...(status === "failed" ? errorOf(message, provider) : {}) };
}

/** And of an email. Pure. */
export function composeEmailReport(conversation: Conversation, message: Message, state: ReceiptStatus) {
  const event = state === message.reportedState ? undefined : counted[state];
  const report = { status: shown(state), ...(event ? { events: { [event]: 1 as const } } : {}) };
  return { ...report, recipients: recipientsOf(conversation, message, state) };
}

/** For a complaint HighLevel has a counter, and no status: as a failure the agent sees its reason. */
const shown = <State extends ReceiptStatus>(state: State) =>
  (state === "complained" ? "failed" : state) as Exclude<State, "complained">;

/** What HighLevel counts of an email, beside its status; what must have come before that, it infers by itself. */
const counted = {
  ...{ sent: undefined, delivered: "delivered", read: "opened", failed: "failed", complained: "complained" },
} as const satisfies Record<ReceiptStatus, keyof NonNullable<EmailStatusReport["events"]> | undefined>;

function errorOf({ error }: Message, type: string): Pick<StatusReport, "error"> {
  const { code, message } = error ?? { code: "unknown", message: "the provider gave no reason" };
  return { error: { code, type, message } };
}

/** Those of whom the provider has said something; before it has, the person with the state of the whole. */
function recipientsOf(conversation: Conversation, { recipients, error }: Message, state: ReceiptStatus) {
  const fates = recipients ?? { [conversation.address]: { status: state, error: error ?? undefined } };
  return Object.entries(fates).map(([emailId, fate]) => ({
    emailId,
    status: shown(fate.status),
    ...(fate.error ? { failReason: `${fate.error.message} (${fate.error.code})` } : {}),
  }));
}

/** 403, and before June 2025 401 "No conversation provider found": https://github.com/GoHighLevel/highlevel-api-docs/issues/4 */
function isNotVisible(error: unknown, message: Message): error is Failure {
  if (!(error instanceof Failure) || Date.now() - message.receivedAt.getTime() > maxInvisibleMs) return false;
  return error.status === 403 || error.status === 404 || (error.status === 401 && error.reason === "misconfigured");
}

const notVisible = ({ message, status }: Failure) =>
  new Failure("not_visible", `HighLevel does not show the message to this call yet: ${message}`, { status });
