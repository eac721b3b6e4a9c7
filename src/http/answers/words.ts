import { z } from "zod";
import { failureReasons } from "../../errors.ts";
import {
  type AutomaticKind,
  type DeliveryState,
  type Direction,
  deliveryKinds,
  eventTypes,
  type MessageOrigin,
  type MessageState,
  type WebhookSource,
  type WebhookState,
} from "../../model.ts";

/** Schemas of the vocabulary, for what is asked and for what is answered. */

export const time = z.iso.datetime({ offset: true });
export const rowId = z.int().positive();

export const failureReason = z.enum(failureReasons).meta({ id: "FailureReason" });
export const deliveryKind = z.enum(deliveryKinds).meta({ id: "DeliveryKind" });
export const eventType = z.enum(eventTypes).meta({ id: "EventType" });
export const deliveryState = z
  .enum(["pending", "delivered", "dead", "discarded"] satisfies DeliveryState[])
  .meta({ id: "DeliveryState", description: "`discarded`: it was dead, and somebody said that it is not to be done." });
export const direction = z.enum(["inbound", "outbound"] satisfies Direction[]).meta({ id: "Direction" });
export const messageState = z
  .enum(["received", "queued", "sent", "delivered", "read", "failed", "complained"] satisfies MessageState[])
  .meta({
    id: "MessageState",
    description: "`received` is inbound; an outbound message begins `queued` and goes forward only.",
  });
export const messageOrigin = z
  .enum(["provider", "highlevel", "api", "import"] satisfies MessageOrigin[])
  .describe("Who brought it: a provider's webhook, HighLevel, the send route, or an import of what was before.");
export const automaticKind = z
  .enum(["auto_reply", "bounce", "auto_generated", "list"] satisfies AutomaticKind[])
  .describe("Mail that a machine wrote.");
export const webhookState = z
  .enum(["received", "processed", "failed", "ignored"] satisfies WebhookState[])
  .meta({ id: "WebhookState" });
export const webhookSource = z.enum(["provider", "highlevel"] satisfies WebhookSource[]).meta({ id: "WebhookSource" });
