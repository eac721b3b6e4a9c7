import { z } from "zod";
import { deliveryKinds } from "../../model.ts";
import { type ReplayContext, replay } from "../../outbox/replay/replay.ts";
import { findDelivery } from "../../store/deliveries.ts";
import { findMessages, namesMessage, namesPerson } from "../../store/operate/find-messages.ts";
import { type ListedDelivery, listDeliveries } from "../../store/operate/list-deliveries.ts";
import { type DeadFilter, previewDead } from "../../store/operate/mend/choose-dead.ts";
import { discardDeliveries } from "../../store/operate/mend/replay-deliveries.ts";
import type { Db } from "../../store/postgres/database.ts";
import { deliveryAnswer } from "../answers/delivery.ts";
import { bulkOf, dryRunOf, pageOf } from "../answers/page.ts";
import { deliveryKind, deliveryState, failureReason } from "../answers/words.ts";
import type { Caller } from "../caller.ts";
import { numberedPageQuery, toCursor, toPage } from "../list.ts";
import { operation, reply } from "../operations/operation.ts";
import { Problem } from "../problem.ts";
import { bulkFields, note, readSearch, rowIdOf, searchFields, text, timeFields } from "./fields.ts";

type DeliveriesContext = ReplayContext & { people: Db };

const code = text.describe("The provider's, of what it did not send; `none` for what has none.");
/** Which of the dead ones are meant. */
export const deadFields = {
  kind: z
    .enum(deliveryKinds, `must be named, one of ${deliveryKinds.join(", ")}`)
    .describe("Never all: what goes to HighLevel's inbox is another thing than what goes to people."),
  ...searchFields,
  ...timeFields,
  reason: failureReason.optional(),
  code: code.optional(),
};
const bulk = { ...deadFields, ...bulkFields };
const replayBody = z.strictObject(bulk);
const params = { id: rowIdOf("delivery") };
const tag = "Deliveries";
const by = "any key";

export const deliveryOperations = {
  listDeliveries: operation({
    ...{ method: "GET", path: "/admin/deliveries", tag, by },
    summary: "Lists deliveries, newest first; those in state `dead` are the dead letters.",
    query: {
      ...numberedPageQuery,
      ...searchFields,
      ...timeFields,
      kind: deliveryKind.optional(),
      reason: failureReason.optional(),
      code: code.optional(),
      state: deliveryState.optional(),
    },
    answers: { 200: pageOf(deliveryAnswer) },
    async handle({ people }: DeliveriesContext, { caller, query: { limit, cursor, ...rest } }) {
      const search = await readSearch(people, caller, rest);
      const { rows, walkedTo } = await listDeliveries(people, { ...search, before: cursor, limit: limit + 1 });
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.delivery.id, show: showDelivery, walkedTo }));
    },
  }),

  replayDeliveries: operation({
    ...{ method: "POST", path: "/admin/deliveries/replay", tag, by },
    summary: "Replays the oldest dead deliveries of a kind that match; with `dryRun` it tells how many it would be.",
    body: replayBody,
    answers: { 200: dryRunOf(deliveryAnswer), 202: bulkOf("replayed") },
    async handle(context: DeliveriesContext, { caller, body }) {
      const filter = await readFilter(context, caller, body);
      if (body.dryRun) return reply(200, await preview(context, filter));
      const { replayed, walkedTo } = await replay(context, filter);
      return reply(202, { replayed, nextCursor: toCursor(walkedTo) });
    },
  }),

  discardDeliveries: operation({
    ...{ method: "POST", path: "/admin/deliveries/discard", tag, by },
    summary: "Discards the oldest dead deliveries of a kind that match; with `dryRun` it tells how many it would be.",
    body: z.strictObject({ ...bulk, note }),
    answers: { 200: z.union([dryRunOf(deliveryAnswer), bulkOf("discarded")]) },
    async handle(context: DeliveriesContext, { caller, body }) {
      const filter = await readFilter(context, caller, body);
      if (body.dryRun) return reply(200, await preview(context, filter));
      const { discarded, walkedTo } = await discardDeliveries(context.db, filter, body.note);
      return reply(200, { discarded, nextCursor: toCursor(walkedTo) });
    },
  }),

  replayDelivery: operation({
    ...{ method: "POST", path: "/admin/deliveries/{id}/replay", tag, by },
    summary: "Replays a dead delivery: it goes to the head of its line.",
    params,
    answers: { 202: bulkOf("replayed") },
    errors: { 409: "It is not dead." },
    async handle(context: DeliveriesContext, { caller, params: { id } }) {
      const { state } = await requireDelivery(context, caller, id);
      if ((await replay(context, { id, limit: 1 })).replayed === 0)
        throw new Problem(409, `delivery ${id} is ${state}: only a dead one can be replayed`);
      return reply(202, { replayed: 1 });
    },
  }),

  discardDelivery: operation({
    ...{ method: "POST", path: "/admin/deliveries/{id}/discard", tag, by },
    summary: "Discards a dead delivery: it is no dead letter any more, and is never replayed.",
    params,
    body: z.strictObject({ note }),
    answers: { 200: bulkOf("discarded") },
    errors: { 409: "It is not dead." },
    async handle(context: DeliveriesContext, { caller, params: { id }, body }) {
      const { state } = await requireDelivery(context, caller, id);
      const { discarded } = await discardDeliveries(context.db, { id, limit: 1 }, body.note);
      if (discarded === 0) throw new Problem(409, `delivery ${id} is ${state}: only a dead one can be discarded`);
      return reply(200, { discarded });
    },
  }),
};

async function preview({ people }: DeliveriesContext, filter: DeadFilter) {
  const { count, sample, walkedTo } = await previewDead(people, filter);
  return { dryRun: true, count, sample: sample.map(showDelivery), nextCursor: toCursor(walkedTo) };
}

async function readFilter({ people }: DeliveriesContext, caller: Caller, body: z.output<typeof replayBody>) {
  const { kind, reason, code, from, until, cursor, limit, mappingId } = body;
  if (mappingId !== undefined) caller.ids["mappingId"] = mappingId;
  if (body.locationId !== undefined) caller.ids["locationId"] = body.locationId;
  const search = await readSearch(people, caller, body);
  const isNamed = namesMessage(search) || namesPerson(search);
  const messageIds = isNamed ? await findMessages(people, search) : undefined;
  const { locationIds } = search;
  const which = { kind, reason, code, from, until, mappingId, locationIds, messageIds };
  return { ...which, after: cursor, limit } satisfies DeadFilter;
}

async function requireDelivery({ db }: DeliveriesContext, caller: Caller, id: number) {
  caller.ids["deliveryId"] = id;
  const delivery = await findDelivery(db, id, caller);
  if (!delivery) throw new Problem(404, `there is no delivery ${id}`);
  return delivery;
}

export function showDelivery({ delivery, mappingId, locationId, address, endpointId }: ListedDelivery) {
  const {
    conversationId: _conversationId,
    number: _number,
    countedOn: _countedOn,
    diedIn: _diedIn,
    diedOn: _diedOn,
    isOutcomeUnknown: mayHaveHappened,
    event,
    ...shown
  } = delivery;
  const told = event ? { endpointId, event: { id: `evt_${event.id}`, type: event.type, at: event.at } } : {};
  return { ...shown, mayHaveHappened, mappingId, locationId, address, ...told };
}
