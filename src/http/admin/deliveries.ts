import { Router } from "express";
import { z } from "zod";
import { failureReasons } from "../../errors.ts";
import { type ReplayContext, replay } from "../../outbox/replay.ts";
import { findDelivery, listDeliveries } from "../../store/deliveries.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Delivery } from "../../store/schema.ts";
import { callerOf } from "../caller.ts";
import { numberedPageQuery, toCursor, toPage } from "../list.ts";
import { Problem, parseId, parseInput } from "../problem.ts";

const filter = { reason: z.enum(failureReasons).optional(), mappingId: z.uuid().optional() };
const listQuery = z.object({
  ...numberedPageQuery,
  ...filter,
  state: z.enum(["pending", "delivered", "dead"]).optional(),
});
const replayBody = z.strictObject({
  ...filter,
  cursor: numberedPageQuery.cursor,
  limit: z.number().int().min(1).max(100_000).default(1000),
});

/**
 * `GET /admin/deliveries` 200: newest first, by state, reason and mapping; `?state=dead` are the dead letters.
 * `POST /admin/deliveries/{id}/replay` 202, or 409 when it is not dead. `POST /admin/deliveries/replay` 202: the oldest
 * dead ones that match, how many those were, and as `nextCursor` where to go on. A replayed delivery goes to the head of its
 * line.
 */
export function deliveryRoutes(context: ReplayContext & { people: Db }): Router {
  const { db, people } = context;
  const router = Router();
  router.get("/", async (req, res) => {
    const { limit, cursor, ...rest } = parseInput(listQuery, req.query);
    const { rows, walkedTo } = await listDeliveries(people, {
      ...rest,
      locationIds: callerOf(res).locationIds,
      before: cursor,
      limit: limit + 1,
    });
    res.json(toPage(rows, { limit, keyOf: (row) => row.delivery.id, show: showDelivery, walkedTo }));
  });

  router.post("/replay", async (req, res) => {
    const { locationIds, ids } = callerOf(res);
    const { cursor, ...which } = parseInput(replayBody, req.body ?? {});
    if (which.mappingId !== undefined) ids["mappingId"] = which.mappingId;
    const { replayed, walkedTo } = await replay(context, { ...which, locationIds, after: cursor });
    res.status(202).json({ replayed, nextCursor: toCursor(walkedTo) });
  });

  router.post("/:id/replay", async (req, res) => {
    const id = parseId(req.params.id, "delivery");
    const caller = callerOf(res);
    caller.ids["deliveryId"] = id;
    const delivery = await findDelivery(db, id, caller);
    if (!delivery) throw new Problem(404, `there is no delivery ${id}`);
    if ((await replay(context, { id, limit: 1 })).replayed === 0) {
      throw new Problem(409, `delivery ${id} is ${delivery.state}: only a dead one can be replayed`);
    }
    res.status(202).json({ replayed: 1 });
  });
  return router;
}

export function showDelivery({ delivery, mappingId }: { delivery: Delivery; mappingId: string | null }) {
  const { conversationId: _conversationId, number: _number, isOutcomeUnknown: mayHaveHappened, ...shown } = delivery;
  return { ...shown, mayHaveHappened, mappingId };
}
