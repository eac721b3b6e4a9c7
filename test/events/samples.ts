import { composeEvent, type EventBody, type EventSubject } from "../../src/events/compose-event.ts";
import type { EventType } from "../../src/model.ts";
import type { Conversation, DeliveryEvent, Message } from "../../src/store/schema.ts";

/** The events that docs/events.md shows, as the bridge composes them. */
const locationId = "ve9EPM428h8vShlRW1KT";
const mapping = {
  ...{ id: "5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11", provider: "twilio", channel: "sms" as const },
  address: "+15005550009",
};
const at = new Date("2026-01-31T09:30:00.000Z");
export const conversation: Conversation = {
  ...{
    id: 7,
    locationId,
    mappingId: mapping.id,
    address: "+15005550006",
    service: null,
    spelling: null,
    unreadBefore: null,
    contactMadeUntil: null,
  },
  ...{ highlevelContactId: "Contact1", highlevelConversationId: "Conversation1", createdAt: at, updatedAt: at },
};
export const message: Message = {
  ...{ id: 42, mappingId: mapping.id, conversationId: 7, webhookId: 9, origin: "provider", direction: "inbound" },
  ...{
    state: "received",
    reportedState: null,
    error: null,
    recipients: null,
    leftOut: null,
    fates: null,
    rfcMessageId: null,
    fingerprint: null,
  },
  ...{ requestedId: null, highlevelMessageId: null, highlevelEmailMessageId: null, idempotencyKey: null },
  ...{ sendRequest: null, sendAnswer: null, automatic: null, sentAt: null, receivedAt: at, createdAt: at },
  providerMessageId: "SM8f2c1a520d6c4d5e9a5e3f1c8f1f8a11",
  content: {
    ...{ to: [mapping.address], cc: [], bcc: [], inReplyTo: [], references: [] },
    text: "Is the blue one still there?",
    attachments: [{ url: "https://api.twilio.com/media/ME1", contentType: "image/jpeg" }],
  },
};
const answer: Message = {
  ...{ ...message, id: 43, origin: "highlevel", direction: "outbound", state: "delivered" },
  ...{ providerMessageId: "SM9f2c1a520d6c4d5e9a5e3f1c8f1f8a11", highlevelMessageId: "Message1" },
};

const compose = (type: EventType, subject: Omit<EventSubject, "event" | "locationId">, data?: DeliveryEvent["data"]) =>
  composeEvent({ event: { id: "x", type, at: at.toISOString(), data }, locationId, ...subject });
const account = { provider: "twilio", accountId: mapping.id };

export const samples: Record<EventType, EventBody> = {
  "message.received": compose("message.received", { about: { message, conversation }, mapping }),
  "message.delivered": compose("message.delivered", { about: { message: answer, conversation }, mapping }),
  "message.failed": compose(
    "message.failed",
    { about: { message: answer, conversation }, mapping },
    { error: { code: "30003", message: "Unreachable destination handset" } },
  ),
  "delivery.dead": compose(
    "delivery.dead",
    { about: { message, conversation }, mapping },
    {
      delivery: {
        id: 1042,
        kind: "post-inbound",
        reason: "rejected",
        detail: "HighLevel answered 400: contact is gone",
      },
    },
  ),
  "location.paused": compose(
    "location.paused",
    {},
    { reason: "unauthorized", detail: "HighLevel answered 401: Invalid JWT" },
  ),
  "location.resumed": compose("location.resumed", {}, { since: "2026-01-31T09:00:00.000Z", forSeconds: 1800 }),
  "account.unreachable": compose("account.unreachable", {}, { ...account, reason: "unavailable", status: 503 }),
  "account.reachable": compose(
    "account.reachable",
    {},
    { ...account, since: "2026-01-31T09:00:00.000Z", forSeconds: 1800 },
  ),
};
