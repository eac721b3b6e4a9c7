import { Router } from "express";
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
import { type Caller, callerOf, requireReach } from "../caller.ts";
import { toPage, uuidPageQuery } from "../list.ts";
import { Problem, parseInput, parseQuery } from "../problem.ts";
import { isUuid } from "../uuid.ts";
import { text } from "./fields.ts";

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
const secret = z.string("must be a text").trim().max(200, "must have 200 characters at most").optional();
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

/**
 * URLs that are told of events. A key of some locations sees, and makes, those that are about nothing but these.
 *
 * `POST /admin/endpoints` 201 with `secret`, which is never shown again · `GET /admin/endpoints[/{id}]` 200 with when it was
 * delivered to last, and how it failed last · `PATCH /admin/endpoints/{id}` 200: with `secret: "new"` it gets another one ·
 * `DELETE /admin/endpoints/{id}` 204: what waits for it is discarded.
 * `POST /admin/endpoints/{id}/test` 200 with what it answered to an event `endpoint.test`, which is posted at once.
 * 409 there are too many, 422 for what does not fit.
 */
export function endpointRoutes(context: EndpointsContext): Router {
  const { people, sealer } = context;
  const router = Router();
  const show = (row: EndpointRow) => showEndpoint(row, openTarget(sealer, row).url);
  const showWithSecret = ({ row, secret: made }: { row: EndpointRow; secret: string | undefined }) => ({
    ...show(row),
    ...(made === undefined ? {} : { secret: made }),
  });

  router.post("/", async (req, res) => {
    const caller = callerOf(res);
    const input = parseInput(newEndpoint, req.body);
    const reached = reachedBy(caller, input.locationIds ?? null);
    const made = await registerEndpoint(context, { ...input, locationIds: reached }, caller.who);
    caller.ids["endpointId"] = made.row.id;
    await context.listeners.learn();
    res
      .status(201)
      .location(`/admin/endpoints/${made.row.id}`)
      .set("Cache-Control", "no-store")
      .json(showWithSecret(made));
  });

  router.get("/", async (req, res) => {
    const { limit, cursor } = parseQuery(z.object(uuidPageQuery), req.query);
    const { locationIds: reached } = callerOf(res);
    const rows = await listEndpoints(people, { locationIds: reached, after: cursor, limit: limit + 1 });
    res.json(toPage(rows, { limit, keyOf: (row) => row.id, show }));
  });

  router.get("/:id", async (req, res) => res.json(show(await requireEndpoint(context, callerOf(res), req.params.id))));

  router.patch("/:id", async (req, res) => {
    const caller = callerOf(res);
    const endpoint = await requireEndpoint(context, caller, req.params.id);
    const input = parseInput(change, req.body);
    const reached = input.locationIds === undefined ? {} : { locationIds: reachedBy(caller, input.locationIds) };
    const changed = await changeEndpoint(context, endpoint, { ...input, ...reached });
    if (!changed) throw noEndpoint(endpoint.id);
    await learn(endpoint.id);
    res.set("Cache-Control", "no-store").json(showWithSecret(changed));
  });

  router.delete("/:id", async (req, res) => {
    const endpoint = await requireEndpoint(context, callerOf(res), req.params.id);
    await removeEndpoint(context, endpoint.id);
    await learn(endpoint.id);
    res.status(204).end();
  });

  router.post("/:id/test", async (req, res) => {
    const endpoint = await requireEndpoint(context, callerOf(res), req.params.id);
    res.json(await testEndpoint(context, openEndpoint(sealer, endpoint)));
  });

  /** This process knows of it at once, the others within seconds. */
  async function learn(id: string): Promise<void> {
    context.endpoints.forget(id);
    await context.listeners.learn();
  }
  return router;
}

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
function showEndpoint({ sealedTarget: _sealed, ...shown }: EndpointRow, target: string) {
  return { ...shown, url: shown.format === "slack" ? `${new URL(target).origin}/…` : target };
}
