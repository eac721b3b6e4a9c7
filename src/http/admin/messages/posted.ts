import { composePosted } from "../../../outbox/posted/compose-posted.ts";
import type { WholeMessage } from "./whole-message.ts";

/** What HighLevel is told for a message, with how each attempt at it was answered. */
export async function readPosted(context: Parameters<typeof composePosted>[0], { id, deliveries }: WholeMessage) {
  const kinds = deliveries.map(({ kind }) => kind);
  const calls = await composePosted(context, id, kinds);
  return calls.map((call) => {
    const attempts = deliveries.filter(({ kind }) => kind === call.kind).flatMap(({ attemptLog }) => attemptLog);
    return { ...call, attempts };
  });
}
