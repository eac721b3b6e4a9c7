import type { DeliveryKind } from "../../model.ts";

export type Tone = "ok" | "busy" | "bad" | "quiet";

/** A state is a word and a colour: of messages, deliveries and webhooks. */
const tones: Record<string, Tone> = {
  ...{ delivered: "ok", read: "ok", received: "ok", processed: "ok" },
  ...{ queued: "busy", sent: "busy", pending: "busy" },
  ...{ failed: "bad", complained: "bad", dead: "bad" },
};

export const toneOf = (state: string): Tone => tones[state] ?? "quiet";

/** What is owed, as the head of its part of a story. */
export const kinds: Record<DeliveryKind, string> = {
  "post-inbound": "Post to HighLevel",
  "send-outbound": "Send by the provider",
  "report-status": "Tell HighLevel the status",
  "send-through-highlevel": "Have HighLevel send it",
  "set-dnd": "Set DND in HighLevel",
  "post-event": "Tell an endpoint",
  "fetch-mail": "Fetch the mail from the provider",
};
