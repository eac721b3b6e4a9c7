import { Failure } from "../errors.ts";
import type { Highlevel } from "../highlevel/client.ts";
import { describeOptOut } from "../registry/opt-outs/describe-opt-out.ts";
import { keepHighlevelIds } from "../store/conversations.ts";
import type { Db } from "../store/postgres/database.ts";
import type { AttemptResult, MessageAttempt } from "./attempt.ts";
import { findRelaysOptOut } from "./consent/find-relays-opt-out.ts";

export interface RelayContext {
  db: Db;
  highlevel: Pick<Highlevel, "sendMessage">;
}

/**
 * Has HighLevel send what an integrator asked for. HighLevel takes no id of ours with a send: where an earlier one may
 * have been carried out, a person must look. Who has opted out since it was asked for is not sent to. Throws a Failure.
 */
export async function relayMessage({ db, highlevel }: RelayContext, input: MessageAttempt): Promise<AttemptResult> {
  const { message, conversation, isOutcomeUnknown } = input;
  if (isOutcomeUnknown) throw new Failure("unconfirmed", "the connection broke while HighLevel was asked to send it");
  if (!message.sendRequest) throw new Failure("rejected", "the request was deleted after RETENTION_DAYS");
  const access = await input.access();
  const optOut = await findRelaysOptOut(db, input.locationId, message.sendRequest);
  if (optOut) throw new Failure("opted_out", describeOptOut(optOut), { code: "opted_out" });
  input.beforeCall();
  const { status, messageStatus, ...answer } = await highlevel.sendMessage(access, message.sendRequest);
  if (answer.conversationId) await keepHighlevelIds(db, conversation.id, { conversationId: answer.conversationId });
  return {
    status,
    change: {
      // Of GMB there is a list.
      highlevelMessageId: answer.messageId ?? answer.messageIds?.[0],
      highlevelEmailMessageId: answer.emailMessageId,
      sendAnswer: { ...answer, status: messageStatus },
      ifQueued: { state: "sent" },
    },
  };
}
