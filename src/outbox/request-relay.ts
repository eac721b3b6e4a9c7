import { isDeepStrictEqual } from "node:util";
import type { Failure } from "../errors.ts";
import { InvalidRequest } from "../errors.ts";
import { messageFailed, oweEvents } from "../events/owe-events.ts";
import { describeOptOut } from "../registry/opt-outs/describe-opt-out.ts";
import { ensureContactConversation } from "../store/conversations.ts";
import { enqueueDeliveries } from "../store/deliveries.ts";
import { findLocation, listLocations } from "../store/locations.ts";
import { findProviderLocation } from "../store/mappings.ts";
import { findMessage, insertMessages } from "../store/messages/messages.ts";
import { findByIdempotencyKey, finishSend, isRelayQueued, requeueFailed } from "../store/messages/relays.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, Message, MessageContent } from "../store/schema.ts";
import { type AttemptContext, attemptOnce } from "./attempt-once.ts";
import { findRelaysOptOut } from "./consent/find-relays-opt-out.ts";

/** The body of HighLevel's `POST /conversations/messages`, as far as the bridge looks into it. */
export interface RelayRequest {
  type: string;
  contactId: string;
  conversationProviderId?: string | undefined;
  message?: string | undefined;
  html?: string | undefined;
  subject?: string | undefined;
  attachments?: string[] | undefined;
}

export interface RelayInput {
  locationId: string | undefined;
  /** Those that the caller reaches; undefined for all. A named one has been checked. */
  locationIds?: string[] | undefined;
  idempotencyKey: string | undefined;
  request: RelayRequest;
  /** Queue it, and let the worker send it. */
  isQueued: boolean;
}

export type RelayResult =
  | { outcome: "sent" | "queued"; message: Message; isRepeated: boolean }
  | { outcome: "failed"; message: Message; failure: Failure; isOutcomeUnknown: boolean };

/**
 * Has HighLevel send a message, at once or from the queue. It is kept before HighLevel is asked, under the caller's key:
 * the same request under the same key is sent once. A key is used up when HighLevel has, or may have, taken the message;
 * one that was refused may be tried again. Throws an InvalidRequest.
 */
export async function requestRelay(context: AttemptContext, input: RelayInput): Promise<RelayResult> {
  const locationId = await requireLocation(context.db, input);
  const kept = await context.db.transaction((tx) => keepRequest(tx, locationId, input));
  if (kept.isDone) return { outcome: "sent", message: kept.message, isRepeated: true };
  if (input.isQueued) return { outcome: "queued", message: kept.message, isRepeated: kept.isRepeated };
  return sendNow(context, locationId, kept);
}

interface KeptRelay {
  conversation: Conversation;
  message: Message;
  isRepeated: boolean;
  /** HighLevel has taken it before. */
  isDone: boolean;
}

async function keepRequest(tx: Db, locationId: string, input: RelayInput): Promise<KeptRelay> {
  const { request, isQueued } = input;
  const conversation = await ensureContactConversation(tx, locationId, request.contactId);
  const idempotencyKey = input.idempotencyKey === undefined ? null : `${locationId}:${input.idempotencyKey}`;
  const row = {
    conversationId: conversation.id,
    origin: "api" as const,
    direction: "outbound" as const,
    state: "queued" as const,
    idempotencyKey,
    sendRequest: { ...request },
    content: contentOf(request),
    receivedAt: new Date(),
  };
  const [stored] = await insertMessages(tx, [row]);
  const known = stored
    ? (await findMessage(tx, stored.id))?.message
    : await findByIdempotencyKey(tx, idempotencyKey ?? "");
  if (!known) throw new Error("the message that was just kept is not there");
  const isRepeated = stored === undefined;
  const isDone = isRepeated && (await isDoneBefore(tx, known, input));
  if (!isDone) await requireConsent(tx, locationId, request);
  if (isQueued && !isDone && (!isRepeated || known.state === "failed")) {
    await enqueueDeliveries(tx, [
      { kind: "send-through-highlevel", conversationId: conversation.id, locationId, messageId: known.id },
    ]);
  }
  return { conversation, message: known, isRepeated, isDone };
}

/** Throws an InvalidRequest for who has opted out. */
async function requireConsent(tx: Db, locationId: string, request: RelayRequest): Promise<void> {
  const optOut = await findRelaysOptOut(tx, locationId, { ...request });
  if (optOut) {
    throw new InvalidRequest("conflict", `${describeOptOut(optOut)}: nothing is sent to ${optOut.address}`);
  }
}

/** What a repeated key means. Throws an InvalidRequest where it must not be used. */
async function isDoneBefore(tx: Db, known: Message, { request, isQueued }: RelayInput): Promise<boolean> {
  const isSame =
    known.sendRequest === null || isDeepStrictEqual(known.sendRequest, JSON.parse(JSON.stringify(request)));
  if (!isSame) {
    throw new InvalidRequest("invalid", "this Idempotency-Key was used for another request", [
      { path: "Idempotency-Key", message: "must be a new one for a new message" },
    ]);
  }
  if (known.state === "failed" && known.error?.code !== unconfirmed) {
    if (await requeueFailed(tx, known.id)) return false;
  } else if (known.state !== "queued") {
    if (known.state !== "failed") return true;
    throw new InvalidRequest(
      "conflict",
      `nobody can say whether HighLevel has taken message ${known.id}: look there first`,
    );
  } else if (isQueued && (await isRelayQueued(tx, known.id))) return false;
  throw new InvalidRequest("conflict", `the first request with this key, message ${known.id}, has not come to its end`);
}

/** Of an error: HighLevel may have sent the message. */
const unconfirmed = "unconfirmed";

async function sendNow(context: AttemptContext, locationId: string, kept: KeptRelay): Promise<RelayResult> {
  const { conversation, message, isRepeated } = kept;
  const kind = "send-through-highlevel";
  const outcome = await attemptOnce(context, {
    kind,
    locationId,
    conversation,
    message,
    event: undefined,
    webhookId: undefined,
    isOutcomeUnknown: false,
  });
  if ("result" in outcome) {
    const { highlevelMessageId = null, highlevelEmailMessageId = null, sendAnswer = null } = outcome.result.change;
    const end = { state: "sent" as const, highlevelMessageId, highlevelEmailMessageId, sendAnswer };
    await finishSend(context.db, message.id, end);
    return { outcome: "sent", message: { ...message, ...end }, isRepeated };
  }
  const { failure, isOutcomeUnknown } = outcome;
  const error = { code: isOutcomeUnknown ? unconfirmed : (failure.code ?? failure.reason), message: failure.message };
  await context.db.transaction(async (tx) => {
    await finishSend(tx, message.id, { state: "failed", error });
    const happened = messageFailed(locationId, { id: message.id, error });
    await enqueueDeliveries(tx, await oweEvents(tx, context.listeners, [happened]));
  });
  const level = isOutcomeUnknown ? "error" : "warn";
  context.log(level, "send.failed", {
    messageId: message.id,
    locationId,
    reason: failure.reason,
    status: failure.status,
  });
  return { outcome: "failed", message, failure, isOutcomeUnknown };
}

/** The one that is named; else that of the conversation provider's mapping; else the only one that there is. */
async function requireLocation(db: Db, { locationId, locationIds, request }: RelayInput): Promise<string> {
  const refuse = (message: string) =>
    new InvalidRequest("invalid", "which location?", [{ path: "locationId", message }]);
  if (locationId !== undefined) {
    if (await findLocation(db, locationId)) return locationId;
    throw refuse(`unknown location: PUT /admin/locations/${locationId} first`);
  }
  const { conversationProviderId } = request;
  const byProvider =
    conversationProviderId && (await findProviderLocation(db, conversationProviderId, { locationIds }));
  if (byProvider) return byProvider;
  const [only, another] = await listLocations(db, { locationIds, limit: 2 });
  if (only && !another) return only.id;
  throw refuse("is required, as there is not just one location, and no mapping of that conversationProviderId");
}

function contentOf({ contactId, message, html, subject, attachments = [] }: RelayRequest): MessageContent {
  return {
    to: [contactId],
    cc: [],
    bcc: [],
    subject,
    text: message,
    html,
    attachments: attachments.map((url) => ({ url })),
    inReplyTo: [],
    references: [],
  };
}
