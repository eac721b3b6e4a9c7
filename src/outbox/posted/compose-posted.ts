import { outboundCallOf } from "../../highlevel/client.ts";
import { composeInbound } from "../../messages/compose-inbound.ts";
import { findThreadOf, type ThreadContext } from "../../messages/find-thread.ts";
import type { DeliveryKind } from "../../model.ts";
import { describeMapping } from "../../registry/mappings.ts";
import { findMapping } from "../../store/mappings.ts";
import { findMessageWithConversation } from "../../store/messages/messages.ts";
import type { Conversation, MappingRow, Message } from "../../store/schema.ts";
import { composeEmailReport, composeTextReport } from "../report-status.ts";

/** A call to HighLevel, without its token. */
export interface PostedCall {
  kind: DeliveryKind;
  method: "POST" | "PUT";
  path: string;
  body: Record<string, unknown>;
}

/**
 * What HighLevel is told for a message, a call for each kind of delivery: composed anew, of what is kept by now, by the same
 * functions as for a post. It may differ from what was posted where settings, files or ids have changed since, or HighLevel
 * took it only without a part of it. None of what is deleted after RETENTION_DAYS.
 */
export async function composePosted(
  context: ThreadContext,
  messageId: number,
  kinds: readonly DeliveryKind[],
): Promise<PostedCall[]> {
  const { db } = context;
  const found = await findMessageWithConversation(db, messageId);
  if (!found) return [];
  const { message, conversation } = found;
  const mapping = message.mappingId === null ? undefined : await findMapping(db, message.mappingId);
  const calls = [
    message.sendRequest && relayOf(message.sendRequest),
    kinds.includes("post-inbound") && mapping && (await postOf(context, mapping, conversation, message)),
    kinds.includes("report-status") && reportOf(mapping, conversation, message),
  ];
  return calls.flatMap((call) => call || []);
}

const relayOf = (body: Record<string, unknown>): PostedCall => ({
  ...{ kind: "send-through-highlevel", method: "POST", path: "/conversations/messages", body },
});

async function postOf(
  context: ThreadContext,
  row: MappingRow,
  conversation: Conversation,
  { content, ...message }: Message,
): Promise<PostedCall | undefined> {
  if (!content) return undefined;
  const composed = { ...message, content };
  const thread = await findThreadOf(context, conversation, composed);
  const post = composeInbound(describeMapping(row), conversation, composed, thread);
  const isCallOut = content.call && message.direction === "outbound";
  return {
    ...{ kind: "post-inbound", method: "POST", path: `/conversations/messages/${isCallOut ? "outbound" : "inbound"}` },
    body: { ...(isCallOut ? outboundCallOf(post) : post) },
  };
}

function reportOf(row: MappingRow | undefined, conversation: Conversation, message: Message): PostedCall | undefined {
  const { state, highlevelMessageId: textId, highlevelEmailMessageId: emailId } = message;
  if (state === "queued" || state === "received") return undefined;
  const { channel, provider } = row ? describeMapping(row) : { channel: undefined, provider: "bridge" };
  const id = emailId ?? textId;
  if (id === null) return undefined;
  if (channel === "email" || (channel === undefined && emailId !== null)) {
    const body = composeEmailReport(conversation, message, state);
    return { kind: "report-status", method: "PUT", path: `/conversations/messages/email/${id}/status`, body };
  }
  if (textId === null || state === "sent") return undefined;
  const body = { ...composeTextReport(message, state, provider) };
  return { kind: "report-status", method: "PUT", path: `/conversations/messages/${textId}/status`, body };
}
