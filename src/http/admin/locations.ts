import { Router } from "express";
import { z } from "zod";
import type { AccessTokens } from "../../access/access-tokens.ts";
import { registerAgencyLocation } from "../../access/install.ts";
import type { Wake } from "../../model.ts";
import { type RegisterContext, registerLocation, removeLocation } from "../../registry/register.ts";
import { findLocation, listLocations } from "../../store/locations.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Location } from "../../store/schema.ts";
import { resumeLocation } from "../../store/trouble/paused-locations.ts";
import { callerOf, reaches, requireReach } from "../caller.ts";
import { pageQuery, toPage } from "../list.ts";
import { Problem, parseInput, parseQuery } from "../problem.ts";

export interface LocationsContext extends RegisterContext {
  accessTokens: AccessTokens;
  /** The database, for what people read. */
  people: Db;
  /** New work may be due. */
  onWork: Wake;
}

const locationBody = z
  .strictObject({
    name: z.string().min(1).max(200, "must have 200 characters at most").optional(),
    token: z
      .string()
      .trim()
      .min(1, "must be a private integration token or an access token of this location")
      .max(5000, "must have 5,000 characters at most")
      .optional(),
    companyId: z
      .string()
      .trim()
      .min(1, "must be the id of the agency that has installed the app")
      .max(200, "must have 200 characters at most")
      .optional(),
  })
  .refine(({ token, companyId }) => (token === undefined) !== (companyId === undefined), {
    path: ["token"],
    error: "is required; or companyId instead of it, for a location of an agency that has installed the app",
    when: ({ value }) => typeof value === "object" && value !== null,
  });
const locationId = z.object({ locationId: z.string().max(200, "must have 200 characters at most") });
const listQuery = z.object({
  ...pageQuery,
  paused: z
    .enum(["true", "false"], "must be true or false")
    .transform((value) => value === "true")
    .optional(),
});

/**
 * `PUT /admin/locations/{locationId}` 200: makes or renews, with a token, or with the companyId of an agency that has
 * installed the app, 422 while it has not; deliveries that its old token had paused go on.
 * `POST /admin/locations/{locationId}/resume` 200: lifts its pause, 409 where it has no token.
 * `GET /admin/locations[/{locationId}]` 200, `?paused=true` for those to which nothing goes · `DELETE` 204, or 409 while it has mappings. A token is never given back.
 */
export function locationRoutes(context: LocationsContext): Router {
  const { db, people } = context;
  const router = Router();

  router.get("/", async (req, res) => {
    const { limit, cursor, paused } = parseQuery(listQuery, req.query);
    const rows = await listLocations(people, {
      locationIds: callerOf(res).locationIds,
      isPaused: paused,
      after: cursor,
      limit: limit + 1,
    });
    res.json(toPage(rows, { limit, keyOf: (row) => row.id, show: showLocation }));
  });

  router.put("/:locationId", async (req, res) => {
    const { name, token, companyId } = parseInput(locationBody, req.body);
    const { locationId: id } = parseInput(locationId, req.params);
    callerOf(res).ids["locationId"] = id;
    requireReach(callerOf(res), id);
    const location =
      token === undefined
        ? await registerAgencyLocation(context, { id, name, companyId: companyId ?? "" })
        : await registerLocation(context, { id, name, token });
    context.accessTokens.forget(location.id);
    context.onWork("deliveries");
    res.json(showLocation(location));
  });

  router.get("/:locationId", async (req, res) => {
    const { locationId } = req.params;
    const location = reaches(callerOf(res), locationId) && (await findLocation(db, locationId));
    if (!location) throw new Problem(404, `there is no location ${locationId}`);
    res.json(showLocation(location));
  });

  router.post("/:locationId/resume", async (req, res) => {
    const { locationId } = req.params;
    callerOf(res).ids["locationId"] = locationId;
    const known = reaches(callerOf(res), locationId) && (await findLocation(db, locationId));
    if (!known) throw new Problem(404, `there is no location ${locationId}`);
    if (authOf(known) === null) throw new Problem(409, `location ${locationId} has no token: PUT it with one first`);
    const location = await resumeLocation(db, locationId);
    context.accessTokens.forget(locationId);
    context.onWork("deliveries");
    res.json(showLocation(location ?? known));
  });

  router.delete("/:locationId", async (req, res) => {
    const { locationId } = req.params;
    callerOf(res).ids["locationId"] = locationId;
    if (!reaches(callerOf(res), locationId)) throw new Problem(404, `there is no location ${locationId}`);
    await removeLocation(context, locationId);
    context.accessTokens.forget(locationId);
    res.status(204).end();
  });
  return router;
}

function showLocation(location: Location) {
  const { id, name, companyId, tokenExpiresAt, pausedReason, pausedUntil, pausedDetail, createdAt, updatedAt } =
    location;
  const isPaused = pausedReason !== null && (pausedUntil === null || pausedUntil > new Date());
  const paused = isPaused ? { reason: pausedReason, until: pausedUntil, detail: pausedDetail } : null;
  return { id, name, auth: authOf(location), companyId, tokenExpiresAt, paused, createdAt, updatedAt };
}

/** Where its tokens come from: given by hand, by its own install of the app, or by its agency's. Null: it has none. */
function authOf({ sealedToken, sealedRefreshToken, companyId }: Location): "token" | "oauth" | "agency" | null {
  if (sealedRefreshToken !== null) return "oauth";
  if (companyId !== null) return "agency";
  return sealedToken === null ? null : "token";
}
