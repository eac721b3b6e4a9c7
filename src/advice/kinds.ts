import type { DeliveryKind } from "../model.ts";

/** What is owed, as the head of its part of a story. */
export const kinds: Record<DeliveryKind, string> = {
  "post-inbound": "Post to HighLevel",
  "send-outbound": "Send by the provider",
  "report-status": "Tell HighLevel the status",
  "send-through-highlevel": "Have HighLevel send it",
  "set-dnd": "Set DND in HighLevel",
  "add-to-call": "Add to the call in HighLevel",
  "post-event": "Tell an endpoint",
  "fetch-mail": "Fetch the mail from the provider",
  "post-history": "Post what was before to HighLevel",
};
