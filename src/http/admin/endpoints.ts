import { z } from "zod";
import { type TestContext, testEndpoint } from "../../events/test-endpoint.ts";
import { endpointFormats, eventTypes } from "../../model.ts";
import { type Endpoints, openEndpoint, openTarget } from "../../registry/endpoints/endpoint-target.ts";
import type { Listeners } from "../../registry/endpoints/listeners.ts";
import {
  changeEndpoint,
  type EndpointContext,
  registerEndpoint,
  removeEndpoint,
} from "../../registry/endpoints/register-endpoint.ts";
import { findEndpoint, listEndpoints } from "../../store/events/endpoints.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { EndpointRow } from "../../store/schema.ts";
import { endpointAnswer, endpointTestAnswer, toldEndpointAnswer } from "../answers/endpoint.ts";
import { pageOf } from "../answers/page.ts";
import { type Caller, requireReach } from "../caller.ts";
import { toPage, uuidPageQuery } from "../list.ts";
import { operation, reply } from "../operations/operation.ts";
import { Problem } from "../problem.ts";
import { isUuid } from "../uuid.ts";
import { text, uuidOf } from "./fields.ts";

export interface EndpointsContext extends EndpointContext, TestContext {
  people: Db;
  listeners: Listeners;
  endpoints: Endpoints;
}

const url = z.string("must be a URL that begins with https://").trim().max(2000, "must have 2,000 characters at most");
const events = z
  .array(z.enum(eventTypes, `must be one of ${eventTypes.join(", ")}`), "must be a list of events")
  .min(1, "must name an event")
  .transform((types) => [...new Set(types)]);
const locationIds = z
  .array(text, "must be a list of locations")
  .min(1, "must name a location; leave it out, or null, for all")
  .max(1000, "must name 1,000 locations at most")
  .transform((ids) => [...new Set(ids)])
  .nullable()
  .optional();
const secret = z.string("must be a text").trim().max(200, "must have 200 characters at most").optional().meta({
  format: "password",
  description: "By which events are signed. One is made where there is none; `new` makes another.",
});
const newEndpoint = z.strictObject({
  ...{ url, events, locationIds, secret, name: text.optional() },
  format: z.enum(endpointFormats, `must be one of ${endpointFormats.join(", ")}`).default("standard-webhooks"),
});
const change = z
  .strictObject({
    ...{ url: url.optional(), events: events.optional(), locationIds, secret, name: text.nullable().optional() },
    isDisabled: z.boolean("must be true or false").optional(),
  })
  .refine(
    (body) => Object.values(body).some((value) => value !== undefined),
    "give url, events, locationIds, secret, name or isDisabled",
  );

const path = "/admin/endpoints/{id}";
const params = { id: uuidOf };
const tag = "Endpoints";
const by = "any key";
const noStore = { "Cache-Control": "no-store" };

/** A key of some locations sees, and makes, those that are about nothing but these. */
export const endpointOperations = {
  createEndpoint: operation({
    ...{ method: "POST", path: "/admin/endpoints", tag, by },
    summary: "Registers a URL that is told of events; gives its `secret`, which is never shown again.",
    body: newEndpoint,
    answers: { 201: toldEndpointAnswer },
    errors: { 409: "There are too many: 20 of one key, or 500 in all." },
    async handle(context: EndpointsContext, { caller, body }) {
      const reached = reachedBy(caller, body.locationIds ?? null);
      const made = await registerEndpoint(context, { ...body, locationIds: reached }, caller.who);
      const { id } = made.row;
      caller.ids["endpointId"] = id;
      await context.listeners.learn();
      return reply(201, showWithSecret(context, made), { ...noStore, Location: `/admin/endpoints/${id}` });
    },
  }),

  listEndpoints: operation({
    ...{ method: "GET", path: "/admin/endpoints", tag, by },
    summary: "Lists endpoints.",
    query: uuidPageQuery,
    answers: { 200: pageOf(endpointAnswer) },
    async handle(context: EndpointsContext, { caller, query: { limit, cursor } }) {
      const page = { locationIds: caller.locationIds, after: cursor, limit: limit + 1 };
      const rows = await listEndpoints(context.people, page);
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.id, show: (row) => show(context, row) }));
    },
  }),

  getEndpoint: operation({
    ...{ method: "GET", path, tag, by },
    summary: "Shows an endpoint: when it was delivered to last, and how it failed last.",
    params,
    answers: { 200: endpointAnswer },
    async handle(context: EndpointsContext, { caller, params: { id } }) {
      return reply(200, show(context, await requireEndpoint(context, caller, id)));
    },
  }),

  changeEndpoint: operation({
    ...{ method: "PATCH", path, tag, by },
    summary: "Changes an endpoint; with the secret `new` it gets another, and the last one signs along until the next.",
    params,
    body: change,
    answers: { 200: toldEndpointAnswer },
    async handle(context: EndpointsContext, { caller, params: { id }, body }) {
      const endpoint = await requireEndpoint(context, caller, id);
      const reached = body.locationIds === undefined ? {} : { locationIds: reachedBy(caller, body.locationIds) };
      const changed = await changeEndpoint(context, endpoint, { ...body, ...reached });
      if (!changed) throw noEndpoint(endpoint.id);
      await learn(context, endpoint.id);
      return reply(200, showWithSecret(context, changed), noStore);
    },
  }),

  deleteEndpoint: operation({
    ...{ method: "DELETE", path, tag, by },
    summary: "Removes an endpoint: what waits for it or was given up is discarded.",
    params,
    answers: { 204: undefined },
    async handle(context: EndpointsContext, { caller, params: { id } }) {
      const endpoint = await requireEndpoint(context, caller, id);
      await removeEndpoint(context, endpoint.id);
      await learn(context, endpoint.id);
      return reply(204, undefined);
    },
  }),

  testEndpoint: operation({
    ...{ method: "POST", path: `${path}/test`, tag, by },
    summary: "Posts an event `endpoint.test` to an endpoint, at once and once, and tells what it answered.",
    params,
    answers: { 200: endpointTestAnswer },
    async handle(context: EndpointsContext, { caller, params: { id } }) {
      const endpoint = await requireEndpoint(context, caller, id);
      return reply(200, await testEndpoint(context, openEndpoint(context.sealer, endpoint)));
    },
  }),
};

/** An integrator's endpoint is about locations of its own: all of them, where it names none. */
function reachedBy(caller: Caller, given: string[] | null): string[] | null {
  for (const id of given ?? []) requireReach(caller, id);
  return given ?? caller.locationIds ?? null;
}

async function requireEndpoint({ db }: EndpointsContext, caller: Caller, id: string): Promise<EndpointRow> {
  if (isUuid(id)) caller.ids["endpointId"] = id;
  const endpoint = isUuid(id) ? await findEndpoint(db, id, caller) : undefined;
  if (!endpoint) throw noEndpoint(id);
  return endpoint;
}

const noEndpoint = (id: string) => new Problem(404, `there is no endpoint ${id}`);

/** The path of Slack's URL is a secret, as that of many who follow it. */
function show({ sealer }: EndpointsContext, row: EndpointRow) {
  const { sealedTarget: _sealed, ...shown } = row;
  const { url: target } = openTarget(sealer, row);
  return { ...shown, url: shown.format === "slack" ? `${new URL(target).origin}/…` : target };
}

function showWithSecret(
  context: EndpointsContext,
  { row, secret: made }: { row: EndpointRow; secret: string | undefined },
) {
  return { ...show(context, row), ...(made === undefined ? {} : { secret: made }) };
}

/** This process knows of it at once, the others within seconds. */
async function learn(context: EndpointsContext, id: string): Promise<void> {
  context.endpoints.forget(id);
  await context.listeners.learn();
}
