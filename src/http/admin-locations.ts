import { Router } from "express";
import { z } from "zod";
import type { AccessTokens } from "../bridge/access-tokens.ts";
import { type RegisterContext, registerLocation, removeLocation } from "../bridge/register.ts";
import type { Worker } from "../bridge/worker.ts";
import { findLocation, listLocations } from "../store/locations.ts";
import type { Location } from "../store/schema.ts";
import { pageQuery, toPage } from "./list.ts";
import { Problem, parseInput } from "./problem.ts";

export interface LocationsContext extends RegisterContext {
  accessTokens: AccessTokens;
  /** New work may be due. */
  onWork: Worker["wake"];
}

const locationBody = z.strictObject({
  name: z.string().min(1).optional(),
  token: z.string().trim().min(1, "must be a private integration token or an access token of this location"),
});
const listQuery = z.object(pageQuery);

/**
 * `PUT /admin/locations/{locationId}` 200: makes or renews; deliveries that its old token had paused go on.
 * `GET /admin/locations[/{locationId}]` 200 · `DELETE` 204, or 409 while it has mappings. A token is never given back.
 */
export function locationRoutes(context: LocationsContext): Router {
  const { db } = context;
  const router = Router();

  router.get("/", async (req, res) => {
    const { limit, cursor } = parseInput(listQuery, req.query);
    const rows = await listLocations(db, { after: cursor, limit: limit + 1 });
    res.json(toPage(rows, { limit, keyOf: (row) => row.id, show: showLocation }));
  });

  router.put("/:locationId", async (req, res) => {
    const { name, token } = parseInput(locationBody, req.body);
    const location = await registerLocation(context, { id: req.params.locationId, name, token });
    context.accessTokens.forget(location.id);
    context.onWork("deliveries");
    res.json(showLocation(location));
  });

  router.get("/:locationId", async (req, res) => {
    const location = await findLocation(db, req.params.locationId);
    if (!location) throw new Problem(404, `there is no location ${req.params.locationId}`);
    res.json(showLocation(location));
  });

  router.delete("/:locationId", async (req, res) => {
    await removeLocation(context, req.params.locationId);
    context.accessTokens.forget(req.params.locationId);
    res.status(204).end();
  });
  return router;
}

function showLocation(location: Location) {
  const { id, name, pausedReason, pausedUntil, pausedDetail, createdAt, updatedAt } = location;
  const isPaused = pausedReason !== null && (pausedUntil === null || pausedUntil > new Date());
  const paused = isPaused ? { reason: pausedReason, until: pausedUntil, detail: pausedDetail } : null;
  return { id, name, paused, createdAt, updatedAt };
}
