import type { AccessToken, AccessTokens } from "../access/access-tokens.ts";
import { Failure } from "../errors.ts";
import { describeError, type Log } from "../log.ts";
import type { DeliveryKind } from "../model.ts";
import type { During } from "../observe/stalls.ts";
import type { TraceAttempt } from "../observe/trace.ts";
import type { Listeners } from "../registry/endpoints/listeners.ts";
import type { Mappings } from "../registry/mappings.ts";
import { findMessage } from "../store/messages/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import { isUnavailable } from "../store/postgres/database-errors.ts";
import type { Message } from "../store/schema.ts";
import { type AttemptInput, type AttemptResult, LeaseLost } from "./attempt.ts";
import { deliveryKinds, type KindContext } from "./delivery-kinds.ts";
import { isOutcomeUnknown } from "./retry.ts";

export interface AttemptContext extends KindContext {
  db: Db;
  log: Log;
  mappings: Mappings;
  listeners: Listeners;
  accessTokens: AccessTokens;
  /** The longest that one attempt may take, all its calls together. */
  attemptSeconds: number;
  /** Absent when nothing is traced. */
  traceAttempt?: TraceAttempt | undefined;
  during?: During | undefined;
}

/** What is to be attempted. */
export type AttemptSubject = { kind: DeliveryKind } & Pick<
  AttemptInput,
  "locationId" | "message" | "conversation" | "event" | "webhookId" | "importId" | "isOutcomeUnknown"
>;

/**
 * Whose trouble a failure is: that of HighLevel, of a provider with one account, of an endpoint that is told of events, or of
 * nobody but ourselves.
 */
interface Called {
  provider?: string | undefined;
  accountId?: string | undefined;
  endpointId?: string | undefined;
}

export type AttemptOutcome = { called: Called } & ({ result: AttemptResult } | FailedAttempt);

export interface FailedAttempt {
  failure: Failure;
  /** What was to be done may have been done although this attempt failed. */
  isOutcomeUnknown: boolean;
  usedToken: AccessToken | undefined;
}

/**
 * One attempt, and how it ended. A token that has expired is renewed where that can be done, and the attempt made again:
 * it was refused before anything was carried out. Throws the LeaseLost that `beforeCall` throws, and nothing else.
 */
export async function attemptOnce(
  context: AttemptContext,
  subject: AttemptSubject,
  beforeCall: () => void = () => undefined,
): Promise<AttemptOutcome> {
  const { kind, locationId, conversation, message } = subject;
  const { target, attempt, rereads, isBehind } = deliveryKinds[kind];
  const isOfMessage = target !== "endpoint";
  const mappingId = isOfMessage ? (conversation.mappingId ?? message?.mappingId ?? null) : null;
  const signal = AbortSignal.timeout(context.attemptSeconds * 1000);
  let isCalling = false;
  let usedToken: AccessToken | undefined;
  let called: Called = isOfMessage
    ? { provider: "highlevel" }
    : { provider: "endpoint", endpointId: conversation.address };
  const run = async () => {
    isCalling = false;
    // Both are read at one time. Whoever asks for the token hears what went wrong with it.
    const token = target === "highlevel" ? context.accessTokens.get(locationId) : undefined;
    token?.catch(() => undefined);
    const mapping = mappingId === null ? undefined : await context.mappings.get(mappingId);
    if (target === "provider" || target === "source")
      called = { provider: mapping?.provider, accountId: mapping?.accountId };
    return attempt(context, {
      ...subject,
      message: rereads && message ? await reread(context, message) : message,
      mapping,
      signal,
      async access() {
        usedToken = await (token ?? context.accessTokens.get(locationId));
        if (usedToken) return { locationId, token: usedToken.token, signal, ...(isBehind ? { isBehind } : {}) };
        throw new Failure("unauthorized", "the location has no token: connect it again");
      },
      beforeCall() {
        beforeCall();
        isCalling = true;
      },
    });
  };
  try {
    const result = await run().catch(async (error: unknown) => {
      if (await isRenewed(context, locationId, error, usedToken)) return run();
      throw error;
    });
    return { called, result };
  } catch (error) {
    if (error instanceof LeaseLost) throw error;
    const failure = asFailure(context.log, error, isCalling);
    const mayBeDone = isCalling ? isOutcomeUnknown(target, failure.reason) : subject.isOutcomeUnknown;
    const isOwn = !(error instanceof Failure);
    return { called: isOwn ? {} : called, failure, isOutcomeUnknown: mayBeDone, usedToken };
  }
}

async function reread({ db }: AttemptContext, { id }: Message): Promise<Message> {
  const found = await findMessage(db, id);
  if (found) return found.message;
  throw new Failure("internal_error", "the delivery's message is gone");
}

async function isRenewed(
  { accessTokens }: AttemptContext,
  locationId: string,
  error: unknown,
  usedToken: AccessToken | undefined,
): Promise<boolean> {
  if (!(error instanceof Failure) || error.reason !== "unauthorized" || !usedToken) return false;
  return (await accessTokens.renew(locationId, usedToken.version)) === "renewed";
}

function asFailure(log: Log, error: unknown, isCalling: boolean): Failure {
  if (error instanceof Failure) return error;
  // No mistake of ours, which would be given up after some attempts: it lasts as long as it lasts.
  if (isUnavailable(error))
    return new Failure(isCalling ? "outcome_unknown" : "unavailable", "the bridge's own database was away", {
      cause: error,
    });
  log("error", "delivery.broke", describeError(error));
  return new Failure("internal_error", "the bridge itself failed; its log has a line delivery.broke", { cause: error });
}
