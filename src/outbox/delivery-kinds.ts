import type { DeliveryKind } from "../model.ts";
import type { AttemptInput, AttemptResult } from "./attempt.ts";
import { type PostInboundContext, postInbound } from "./post-inbound.ts";
import { type RelayContext, relayMessage } from "./relay-message.ts";
import { type ReportContext, reportStatus } from "./report-status.ts";
import type { Target } from "./retry.ts";
import { type SendContext, sendOutbound } from "./send-outbound.ts";

export type KindContext = PostInboundContext & SendContext & ReportContext & RelayContext;

interface Kind {
  /** Whom it calls: whose trouble a failure is. */
  target: Target;
  /** Throws a Failure. */
  attempt(context: KindContext, input: AttemptInput): Promise<AttemptResult>;
  /** It goes by the message's state, which receipts may have changed since the lane was claimed. */
  rereads?: true;
  /** A queued message whose delivery is given up has failed. */
  failsMessage?: true;
}

/** What there is to deliver, and how. */
export const deliveryKinds: Record<DeliveryKind, Kind> = {
  "post-inbound": { target: "highlevel", attempt: postInbound },
  "send-outbound": { target: "provider", attempt: sendOutbound, rereads: true, failsMessage: true },
  "report-status": { target: "highlevel", attempt: reportStatus, rereads: true },
  "send-through-highlevel": { target: "highlevel", attempt: relayMessage, failsMessage: true },
};
