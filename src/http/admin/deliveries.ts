import { Router } from "express";
import { z } from "zod";
import { failureReasons } from "../../errors.ts";
import { deliveryKinds } from "../../model.ts";
import { type ReplayContext, replay } from "../../outbox/replay.ts";
import { findDelivery } from "../../store/deliveries.ts";
import { type DeadFilter, previewDead } from "../../store/operate/choose-dead.ts";
import { findMessages, namesMessage, namesPerson } from "../../store/operate/find-messages.ts";
import { type ListedDelivery, listDeliveries } from "../../store/operate/list-deliveries.ts";
import { discardDeliveries } from "../../store/operate/replay-deliveries.ts";
import type { Db } from "../../store/postgres/database.ts";
import { type Caller, callerOf } from "../caller.ts";
import { numberedPageQuery, toCursor, toPage } from "../list.ts";
import { Problem, parseId, parseInput, parseQuery } from "../problem.ts";
import { bulkFields, note, readSearch, searchFields, timeFields } from "./fields.ts";

const listQuery = z.object({
  ...numberedPageQuery,
  ...searchFields,
  ...timeFields,
  kind: z.enum(deliveryKinds).optional(),
  reason: z.enum(failureReasons).optional(),
  state: z.enum(["pending", "delivered", "dead", "discarded"]).optional(),
});
const bulk = {
  /** Never all: what goes to HighLevel's inbox is another thing than what goes to people. */
  kind: z.enum(deliveryKinds, `must be named, one of ${deliveryKinds.join(", ")}`),
  ...searchFields,
  ...timeFields,
  ...bulkFields,
  reason: z.enum(failureReasons).optional(),
};
const replayBody = z.strictObject(bulk);
const discardBody = z.strictObject({ ...bulk, note });
const discardOneBody = z.strictObject({ note });

/**
 * `GET /admin/deliveries` 200: newest first, by the person, ids of the message, state, kind, reason, mapping and time;
 * `?state=dead` are the dead letters.
 *
 * `POST /admin/deliveries/{id}/replay` 202, or 409 when it is not dead: it goes to the head of its line.
 * `POST /admin/deliveries/{id}/discard` 200, or 409: it is no dead letter any more, and is not replayed.
 *
 * `POST /admin/deliveries/replay` 202 and `POST /admin/deliveries/discard` 200: the oldest dead ones of a kind that match,
 * how many those were, and as `nextCursor` where to go on. 200 with `dryRun`: how many it would be, and the first of them.
 */
export function deliveryRoutes(context: ReplayContext & { people: Db }): Router {
  const { db, people } = context;
  const router = Router();
  router.get("/", async (req, res) => {
    const { limit, cursor, ...rest } = parseQuery(listQuery, req.query);
    const { rows, walkedTo } = await listDeliveries(people, {
      ...(await readSearch(people, callerOf(res), rest)),
      before: cursor,
      limit: limit + 1,
    });
    res.json(toPage(rows, { limit, keyOf: (row) => row.delivery.id, show: showDelivery, walkedTo }));
  });

  router.post("/replay", async (req, res) => {
    const body = parseInput(replayBody, req.body ?? {});
    const filter = await readFilter(callerOf(res), body);
    if (body.dryRun) return void res.json(await preview(filter));
    const { replayed, walkedTo } = await replay(context, filter);
    res.status(202).json({ replayed, nextCursor: toCursor(walkedTo) });
  });

  router.post("/discard", async (req, res) => {
    const body = parseInput(discardBody, req.body ?? {});
    const filter = await readFilter(callerOf(res), body);
    if (body.dryRun) return void res.json(await preview(filter));
    const { discarded, walkedTo } = await discardDeliveries(db, filter, body.note);
    res.json({ discarded, nextCursor: toCursor(walkedTo) });
  });

  router.post("/:id/replay", async (req, res) => {
    const { id, state } = await requireDelivery(callerOf(res), req.params.id);
    if ((await replay(context, { id, limit: 1 })).replayed === 0)
      throw new Problem(409, `delivery ${id} is ${state}: only a dead one can be replayed`);
    res.status(202).json({ replayed: 1 });
  });

  router.post("/:id/discard", async (req, res) => {
    const { note: why } = parseInput(discardOneBody, req.body ?? {});
    const { id, state } = await requireDelivery(callerOf(res), req.params.id);
    const { discarded } = await discardDeliveries(db, { id, limit: 1 }, why);
    if (discarded === 0) throw new Problem(409, `delivery ${id} is ${state}: only a dead one can be discarded`);
    res.json({ discarded });
  });

  async function preview(filter: DeadFilter) {
    const { count, sample, walkedTo } = await previewDead(people, filter);
    return { dryRun: true, count, sample: sample.map(showDelivery), nextCursor: toCursor(walkedTo) };
  }

  async function readFilter(caller: Caller, body: z.output<typeof replayBody>): Promise<DeadFilter> {
    const { kind, reason, from, until, cursor, limit, mappingId } = body;
    if (mappingId !== undefined) caller.ids["mappingId"] = mappingId;
    if (body.locationId !== undefined) caller.ids["locationId"] = body.locationId;
    const search = await readSearch(people, caller, body);
    const isNamed = namesMessage(search) || namesPerson(search);
    const messageIds = isNamed ? await findMessages(people, search) : undefined;
    const { locationIds } = search;
    return { kind, reason, from, until, mappingId, locationIds, messageIds, after: cursor, limit };
  }

  async function requireDelivery(caller: Caller, text: string) {
    const id = parseId(text, "delivery");
    caller.ids["deliveryId"] = id;
    const delivery = await findDelivery(db, id, caller);
    if (!delivery) throw new Problem(404, `there is no delivery ${id}`);
    return delivery;
  }
  return router;
}

export function showDelivery({ delivery, mappingId, locationId, address, endpointId }: ListedDelivery) {
  const {
    conversationId: _conversationId,
    number: _number,
    isOutcomeUnknown: mayHaveHappened,
    event,
    ...shown
  } = delivery;
  const told = event ? { endpointId, event: { id: `evt_${event.id}`, type: event.type, at: event.at } } : {};
  return { ...shown, mayHaveHappened, mappingId, locationId, address, ...told };
}
