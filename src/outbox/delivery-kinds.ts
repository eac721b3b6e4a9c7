import { Failure } from "../errors.ts";
import type { DeliveryKind } from "../model.ts";
import { type AddToCallContext, addToCall } from "./attachments/add-to-call.ts";
import { type FetchMailContext, fetchMail } from "./attachments/fetch-mail.ts";
import type { AttemptInput, AttemptResult, MessageAttempt } from "./attempt.ts";
import { type DndContext, setDnd } from "./consent/set-dnd.ts";
import { type PostEventContext, postEvent } from "./events/post-event.ts";
import { type HistoryContext, postHistory } from "./history/post-history.ts";
import { type PostInboundContext, postInbound } from "./post-inbound.ts";
import { type RelayContext, relayMessage } from "./relay-message.ts";
import { type ReportContext, reportStatus } from "./report-status.ts";
import type { Target } from "./retry.ts";
import { type SendContext, sendOutbound } from "./send-outbound.ts";

export type KindContext = PostInboundContext &
  SendContext &
  ReportContext &
  RelayContext &
  DndContext &
  AddToCallContext &
  PostEventContext &
  FetchMailContext &
  HistoryContext;

interface Kind {
  /** Whom it calls: whose trouble a failure is. */
  target: Target;
  /** Throws a Failure. */
  attempt(context: KindContext, input: AttemptInput): Promise<AttemptResult>;
  /** Its calls to HighLevel take what others leave of the limits. */
  isBehind?: true;
  /** It goes by the message's state, which receipts may have changed since the lane was claimed. */
  rereads?: true;
  /** A queued message whose delivery is given up has failed. */
  failsMessage?: true;
}

/** What there is to deliver, and how. */
export const deliveryKinds: Record<DeliveryKind, Kind> = {
  "post-inbound": { target: "highlevel", attempt: ofMessage(postInbound) },
  "send-outbound": { target: "provider", attempt: ofMessage(sendOutbound), rereads: true, failsMessage: true },
  "report-status": { target: "highlevel", attempt: ofMessage(reportStatus), rereads: true },
  "send-through-highlevel": { target: "highlevel", attempt: ofMessage(relayMessage), failsMessage: true },
  "set-dnd": { target: "highlevel", attempt: setDnd },
  "add-to-call": { target: "highlevel", attempt: ofMessage(addToCall), rereads: true },
  "post-event": { target: "endpoint", attempt: postEvent },
  "fetch-mail": { target: "source", attempt: fetchMail },
  "post-history": { target: "highlevel", attempt: postHistory, isBehind: true },
};

function ofMessage(attempt: (context: KindContext, input: MessageAttempt) => Promise<AttemptResult>): Kind["attempt"] {
  return async (context, { message, ...input }) => {
    if (!message) throw new Failure("internal_error", "the delivery's message is gone");
    return attempt(context, { ...input, message });
  };
}
