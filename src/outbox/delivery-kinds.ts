import { Failure } from "../errors.ts";
import type { DeliveryKind } from "../model.ts";
import type { Attempted, Work } from "./attempt.ts";
import { type PostInboundContext, postInbound } from "./post-inbound.ts";
import { relayMessage } from "./relay-message.ts";
import { type ReportContext, reportStatus } from "./report-status.ts";
import type { Target } from "./retry.ts";
import { type SendContext, sendOutbound } from "./send-outbound.ts";

export type KindContext = PostInboundContext & SendContext & ReportContext;

interface Kind {
  /** Whom it calls: whose trouble a failure is. */
  target: Target;
  /** Throws a Failure. */
  attempt(context: KindContext, work: Work): Promise<Attempted>;
  /** A queued message whose delivery is given up has failed. */
  failsMessage?: true;
}

/** What there is to deliver, and how. */
export const kinds: Record<DeliveryKind, Kind> = {
  "post-inbound": {
    target: "highlevel",
    attempt: async (context, work) => {
      const { conversation, message, isOutcomeUnknown, beforeCall } = work;
      const mapping = conversation.mappingId === null ? undefined : await context.mappings.get(conversation.mappingId);
      if (!mapping) throw new Failure("internal_error", "the delivery's mapping is gone");
      const access = await work.access();
      const posted = await postInbound(context, {
        mapping,
        conversation,
        message,
        access,
        isOutcomeUnknown,
        beforePost: beforeCall,
      });
      const { messageId, emailMessageId } = posted.answer;
      const change = { highlevelMessageId: messageId, highlevelEmailMessageId: emailMessageId };
      return { status: posted.status, detail: posted.detail, change, conversation: posted.conversation };
    },
  },
  "send-outbound": { target: "provider", attempt: sendOutbound, failsMessage: true },
  "report-status": { target: "highlevel", attempt: reportStatus },
  "send-through-highlevel": { target: "highlevel", attempt: relayMessage, failsMessage: true },
};
