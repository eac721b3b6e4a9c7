import { Failure } from "../errors.ts";
import type { Highlevel, StatusReport } from "../highlevel/client.ts";
import type { Channel, ReceiptStatus } from "../model.ts";
import type { Mappings } from "../registry/mappings.ts";
import { hasLaterReport } from "../store/deliveries.ts";
import { findMessage } from "../store/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Message } from "../store/schema.ts";
import type { Attempted, Work } from "./attempt.ts";

export interface ReportContext {
  db: Db;
  highlevel: Highlevel;
  mappings: Mappings;
}

/** For so long after HighLevel has called the delivery URL it may say that there is no such message. */
const maxInvisibleMs = 10 * 60_000;

/**
 * Tells HighLevel what became of a message that it had us send: what is known now, which may be more than when this
 * delivery was made. Throws a Failure.
 */
export async function reportStatus(context: ReportContext, work: Work): Promise<Attempted> {
  const { db, mappings } = context;
  const mapping = work.conversation.mappingId === null ? undefined : await mappings.get(work.conversation.mappingId);
  const message = (await findMessage(db, work.message.id))?.message;
  if (!message || !mapping) throw new Failure("internal_error", "the message or its mapping is gone");
  const { state } = message;
  const change = { reportedState: state };
  if (state === "queued" || state === "received") return { detail: "there is nothing to report yet", change: {} };
  if (mapping.channel === "sms" && (state === "sent" || state === message.reportedState)) {
    return { detail: `${state} needs no report`, change };
  }
  if (await hasLaterReport(db, message.id))
    return { detail: "another report is waiting, which will tell more", change: {} };
  const report = reports[mapping.channel];
  const { status } = await report(context, work, { message, state, provider: mapping.provider }).catch((error) => {
    throw isNotVisible(error, message) ? notVisible(error) : error;
  });
  return { status, detail: `reported ${state}`, change };
}

type Report = (
  context: ReportContext,
  work: Work,
  about: { message: Message; state: ReceiptStatus; provider: string },
) => Promise<{ status: number }>;

const reports: Record<Channel, Report> = {
  sms: async ({ highlevel }, work, { message, state, provider }) => {
    if (!message.highlevelMessageId || state === "sent")
      throw new Failure("internal_error", "there is nothing to report");
    const error = state === "failed" ? errorOf(message, provider) : {};
    return highlevel.reportStatus(await work.access(), message.highlevelMessageId, { status: state, ...error });
  },
  email: async ({ highlevel }, work, { message, state }) => {
    const id = message.highlevelEmailMessageId ?? message.highlevelMessageId;
    if (!id) throw new Failure("internal_error", "the email has no id in HighLevel");
    const report = { status: state, recipients: recipientsOf(work, message, state) };
    return highlevel.reportEmailStatus(await work.access(), id, report).catch(async (error: unknown) => {
      if (!(error instanceof Failure) || error.status !== 400) throw error;
      // HighLevel takes its own list of recipients only, as it spells them: the state of the whole says most.
      return highlevel.reportEmailStatus(await work.access(), id, { status: state });
    });
  },
};

function errorOf({ error }: Message, type: string): Pick<StatusReport, "error"> {
  const { code, message } = error ?? { code: "unknown", message: "the provider gave no reason" };
  return { error: { code, type, message } };
}

/** Those of whom the provider has said something; before it has, the person with the state of the whole. */
function recipientsOf({ conversation }: Work, { recipients, error }: Message, state: ReceiptStatus) {
  const fates = recipients ?? { [conversation.address]: { status: state, error: error ?? undefined } };
  return Object.entries(fates).map(([emailId, fate]) => ({
    emailId,
    status: fate.status,
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
