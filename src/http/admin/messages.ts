import { Router } from "express";
import { z } from "zod";
import { listDeliveriesOfMessage } from "../../store/deliveries.ts";
import { listMessages } from "../../store/messages/list-messages.ts";
import { findMessage } from "../../store/messages/messages.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Message } from "../../store/schema.ts";
import { findWebhook } from "../../store/webhooks.ts";
import { callerOf } from "../caller.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { Problem, parseId, parseInput } from "../problem.ts";
import { showDelivery } from "./deliveries.ts";
import { showWebhook } from "./webhooks.ts";

const time = z.iso
  .datetime({ offset: true, error: "must be a time such as 2026-01-31T09:30:00Z" })
  .transform((text) => new Date(text))
  .optional();
const listQuery = z.object({
  ...numberedPageQuery,
  mappingId: z.uuid().optional(),
  /** As it is stored: E.164, or a mailbox in lower case. */
  address: z.string().optional(),
  state: z.enum(["received", "queued", "sent", "delivered", "read", "failed", "complained"]).optional(),
  direction: z.enum(["inbound", "outbound"]).optional(),
  deliveryState: z.enum(["pending", "delivered", "dead"]).optional(),
  aside: z.enum(["kept", "held"]).optional(),
  from: time,
  until: time,
});

/**
 * `GET /admin/messages` 200: newest first, by mapping, sender's address, state, state of its deliveries and time;
 * `?aside=kept` is mail of machines that was not posted, `held` what waits for its sender to be registered.
 * `GET /admin/messages/{id}` 200: the whole story, with its webhook, deliveries and every attempt.
 */
export function messageRoutes({ people: db }: { people: Db }): Router {
  const router = Router();

  router.get("/", async (req, res) => {
    const { limit, cursor, ...filter } = parseInput(listQuery, req.query);
    const { rows, walkedTo } = await listMessages(db, {
      ...filter,
      locationIds: callerOf(res).locationIds,
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
      deliveries: deliveries.map(({ delivery, attempts }) => ({
        ...showDelivery({ delivery, mappingId: found.message.mappingId }),
        attemptLog: attempts,
      })),
    });
  });
  return router;
}

function showMessage({ message, address }: { message: Message; address: string }) {
  const { content: _content, sendRequest: _sendRequest, webhookId: _webhookId, ...rest } = message;
  const { conversationId: _conversationId, ...shown } = rest;
  return { ...shown, address };
}
