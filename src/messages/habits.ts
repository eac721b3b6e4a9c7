import type { ProviderMessage } from "../model.ts";
import type { Habits } from "../store/conversations.ts";
import type { Conversation } from "../store/schema.ts";

/**
 * How people wrote last, by which service and in which spelling of their address, where that is another than before:
 * answers go the same way. What the business sent says nothing of that, nor does a call.
 */
export function changedHabits(stored: { conversation: Conversation; event: ProviderMessage }[]): Habits[] {
  const last = new Map(
    stored
      .filter(({ event }) => event.direction !== "outbound" && !event.call)
      .map(({ conversation, event }) => [
        conversation,
        { service: event.service ?? null, spelling: event.fromSpelling ?? null },
      ]),
  );
  return [...last]
    .filter(([{ service, spelling }, habits]) => service !== habits.service || spelling !== habits.spelling)
    .map(([{ id }, habits]) => ({ conversationId: id, ...habits }));
}
