import type { CallApi } from "../../calls/call-api.ts";
import { Failure } from "../../errors.ts";
import { composeEvent, type EventBody } from "../../events/compose-event.ts";
import { postToEndpoint } from "../../events/post-to-endpoint.ts";
import { describeError, type Log } from "../../log.ts";
import type { Endpoint, Endpoints } from "../../registry/endpoints/endpoint-target.ts";
import { deletedNote } from "../../registry/endpoints/register-endpoint.ts";
import type { Mappings } from "../../registry/mappings.ts";
import { endWaiting, noteDelivered, noteFailed, updateEndpoint } from "../../store/events/endpoints.ts";
import { findMessageWithConversation } from "../../store/messages/messages.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { AttemptInput, AttemptResult } from "../attempt.ts";

export interface PostEventContext {
  db: Db;
  log: Log;
  mappings: Mappings;
  endpoints: Endpoints;
  /** The way out to endpoints. */
  callEndpoint: CallApi;
  /** An endpoint that has taken nothing for so long is disabled. */
  retry: { retryHours: number };
}

/**
 * Tells an endpoint of an event. It may be told twice, under the same id. One that answers 410 wants no more, and one that
 * has taken nothing for RETRY_HOURS is given up: both are disabled, and what waits for them is dead. Throws a Failure.
 */
export async function postEvent(context: PostEventContext, input: AttemptInput): Promise<AttemptResult> {
  const { event, signal } = input;
  const endpointId = input.conversation.address;
  const endpoint = await findEnabled(context, endpointId);
  if (!endpoint || !event) {
    await endWaiting(context.db, endpointId, { state: "discarded", note: deletedNote });
    throw new Failure("misconfigured", deletedNote);
  }
  const { locationIds } = endpoint;
  if (locationIds?.includes(input.locationId) === false) {
    await endWaiting(context.db, endpointId, { state: "discarded", note: notNamed }, locationIds);
    throw new Failure("misconfigured", notNamed);
  }
  if (endpoint.disabled !== undefined) {
    await giveUp(context, endpointId, endpoint.disabled);
    throw new Failure("misconfigured", `the endpoint is disabled: ${endpoint.disabled}`);
  }
  const body = await composeBody(context, input, event);
  input.beforeCall();
  try {
    const { status } = await postToEndpoint(context.callEndpoint, endpoint, { id: event.id, body, signal });
    await noted(context, noteDelivered(context.db, endpointId));
    return { status, change: {} };
  } catch (error) {
    if (error instanceof Failure) await noteFailure(context, endpoint, error);
    throw error;
  }
}

const notNamed = "the endpoint does not name this location any more";

/** That one is disabled may be over since it was read: it is read again before anything is given up. */
async function findEnabled({ endpoints }: PostEventContext, id: string): Promise<Endpoint | undefined> {
  const known = await endpoints.get(id);
  if (known?.disabled === undefined) return known;
  endpoints.forget(id);
  return endpoints.get(id);
}

async function composeBody(
  { db, mappings }: PostEventContext,
  { locationId, message }: AttemptInput,
  event: NonNullable<AttemptInput["event"]>,
): Promise<EventBody> {
  const about = message && (await findMessageWithConversation(db, message.id));
  const mappingId = about?.message.mappingId ?? undefined;
  const mapping = mappingId === undefined ? undefined : await mappings.get(mappingId);
  return composeEvent({ event, locationId, about, mapping });
}

async function noteFailure(context: PostEventContext, { id }: Endpoint, failure: Failure): Promise<void> {
  const { reason, status, message: detail } = failure;
  // Our own limit says nothing of the endpoint.
  if (reason === "own_limit") return;
  const seconds = await noted(context, noteFailed(context.db, id, { reason, status, detail }));
  const { retryHours } = context.retry;
  if (status === 410) await disable(context, id, "it answered 410: it wants no more");
  else if ((seconds ?? 0) >= retryHours * 3600) {
    await disable(context, id, `it has taken nothing for RETRY_HOURS (${retryHours}): ${detail}`);
  }
}

/** An answer counts, also where its time cannot be written down. */
async function noted<Result>({ log }: PostEventContext, writing: Promise<Result>): Promise<Result | undefined> {
  return writing.catch((error: unknown) => {
    log("warn", "endpoint.not_noted", describeError(error));
    return undefined;
  });
}

async function disable(context: PostEventContext, endpointId: string, disabledReason: string): Promise<void> {
  await updateEndpoint(context.db, endpointId, { isDisabled: true, disabledReason });
  context.endpoints.forget(endpointId);
  const dead = await giveUp(context, endpointId, disabledReason);
  context.log("error", "endpoint.disabled", { endpointId, reason: disabledReason, dead, advice });
}

const advice = "PATCH /admin/endpoints/{id} with isDisabled false, then replay its deliveries of kind post-event";

const giveUp = ({ db }: PostEventContext, endpointId: string, why: string): Promise<number> =>
  endWaiting(db, endpointId, { state: "dead", detail: `the endpoint is disabled: ${why}` });
