import { Router } from "express";
import { z } from "zod";
import { listDeliveriesOfMessage } from "../../store/deliveries.ts";
import { type ListedMessage, listMessages } from "../../store/messages/list-messages.ts";
import { findMessage } from "../../store/messages/messages.ts";
import type { Db } from "../../store/postgres/database.ts";
import { findWebhook } from "../../store/webhooks.ts";
import { callerOf } from "../caller.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { Problem, parseId, parseQuery } from "../problem.ts";
import { showDelivery } from "./deliveries.ts";
import { readSearch, searchFields, timeFields } from "./fields.ts";
import { showWebhook } from "./webhooks.ts";

const listQuery = z.object({
  ...numberedPageQuery,
  ...searchFields,
  ...timeFields,
  state: z.enum(["received", "queued", "sent", "delivered", "read", "failed", "complained"]).optional(),
  direction: z.enum(["inbound", "outbound"]).optional(),
  deliveryState: z.enum(["pending", "delivered", "dead", "discarded"]).optional(),
  aside: z.enum(["kept", "held"]).optional(),
});

/**
 * `GET /admin/messages` 200: newest first, by the person, ids, mapping, state, state of its deliveries and time;
 * `?aside=kept` is mail of machines that was not posted, `held` what waits for its sender to be registered.
 * `GET /admin/messages/{id}` 200: the whole story, with its webhook, deliveries and every attempt.
 */
export function messageRoutes({ people: db }: { people: Db }): Router {
  const router = Router();

  router.get("/", async (req, res) => {
    const { limit, cursor, ...filter } = parseQuery(listQuery, req.query);
    const { rows, walkedTo } = await listMessages(db, {
      ...(await readSearch(db, callerOf(res), filter)),
      before: cursor,
      limit: limit + 1,
    });
    res.json(toPage(rows, { limit, keyOf: (row) => row.message.id, show: showMessage, walkedTo }));
  });

  router.get("/:id", async (req, res) => {
    const id = parseId(req.params.id, "message");
    const caller = callerOf(res);
    const found = await findMessage(db, id, caller);
    if (!found) throw new Problem(404, `there is no message ${id}`);
    const { webhookId } = found.message;
    const webhook = webhookId === null ? undefined : await findWebhook(db, webhookId, caller);
    const deliveries = await listDeliveriesOfMessage(db, id);
    res.json({
      ...showMessage(found),
      content: found.message.content,
      sendRequest: found.message.sendRequest,
      webhooks: webhook ? [showWebhook(webhook)] : [],
      deliveries: deliveries.map(({ delivery, endpointId, attempts }) => ({
        ...showDelivery({
          ...found.message,
          delivery,
          address: found.address,
          locationId: found.locationId,
          endpointId,
        }),
        attemptLog: attempts,
      })),
    });
  });
  return router;
}

function showMessage({ message, address, locationId }: ListedMessage) {
  const { content: _content, sendRequest: _sendRequest, webhookId: _webhookId, ...rest } = message;
  const { conversationId: _conversationId, ...shown } = rest;
  return { ...shown, address, locationId };
}
