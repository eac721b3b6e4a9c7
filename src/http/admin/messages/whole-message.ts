import { listDeliveriesOfMessage } from "../../../store/deliveries.ts";
import type { ListedMessage } from "../../../store/messages/list-messages.ts";
import { findMessage, findNeighbours } from "../../../store/messages/messages.ts";
import type { Db } from "../../../store/postgres/database.ts";
import { findWebhookFacts } from "../../../store/webhooks.ts";
import type { Caller } from "../../caller.ts";
import { Problem } from "../../problem.ts";
import { showDelivery } from "../deliveries.ts";
import { showWebhook } from "../webhooks.ts";

/** Throws a 404 for what the key does not reach. */
export async function readWhole(people: Db, caller: Caller, id: number) {
  // Before the message: what a delivery has brought about is in it then.
  const deliveries = await listDeliveriesOfMessage(people, id);
  const found = await findMessage(people, id, caller);
  if (!found) throw new Problem(404, `there is no message ${id}`);
  const { message, address, locationId, contactId } = found;
  const [webhook, neighbours] = await Promise.all([
    message.webhookId === null ? undefined : findWebhookFacts(people, message.webhookId, caller),
    findNeighbours(people, message),
  ]);
  const about = { mappingId: message.mappingId, address, locationId };
  return {
    ...showMessage(found),
    ...{ contactId, ...neighbours },
    content: message.content,
    sendRequest: message.sendRequest,
    webhooks: webhook ? [showWebhook(webhook)] : [],
    deliveries: deliveries.map(({ attempts, ...each }) => ({
      ...showDelivery({ ...about, ...each }),
      attemptLog: attempts,
    })),
  };
}
export type WholeMessage = Awaited<ReturnType<typeof readWhole>>;

const maxWords = 120;

export function showMessage({ message, address, locationId, ownAddress }: ListedMessage) {
  const { content, sendRequest: _sendRequest, webhookId: _webhookId, ...rest } = message;
  const { conversationId: _conversationId, ...shown } = rest;
  const firstWords = (content?.text || content?.subject)?.slice(0, maxWords).toWellFormed() ?? null;
  return { ...shown, firstWords, address, locationId, ownAddress };
}
