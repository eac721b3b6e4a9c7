import { Router } from "express";
import type { Checks } from "../../checks/checks.ts";
import { openMapping } from "../../registry/mappings.ts";
import { findLocation } from "../../store/locations.ts";
import { callerOf, reaches } from "../caller.ts";
import { Problem } from "../problem.ts";
import { type MappingsContext, requireMapping } from "./mappings.ts";

export interface ChecksContext extends MappingsContext {
  checks: Checks;
}

/**
 * `POST /admin/mappings/{id}/check` and `POST /admin/locations/{locationId}/check` 200: whether all is connected rightly,
 * whatever was found. Nothing is changed by it, at the provider, in HighLevel or here, so keys for reading may ask as well.
 */
export function checkRoutes({ checks, ...context }: ChecksContext): Router {
  const router = Router();

  router.post("/mappings/:id/check", async (req, res) => {
    const mapping = openMapping(await requireMapping(context, callerOf(res), req.params.id), context.sealer);
    res.json(await checks.mapping(mapping, `${context.publicUrl}/webhooks/${mapping.id}`));
  });

  router.post("/locations/:locationId/check", async (req, res) => {
    const { locationId } = req.params;
    const location = reaches(callerOf(res), locationId) && (await findLocation(context.db, locationId));
    if (!location) throw new Problem(404, `there is no location ${locationId}`);
    res.json(await checks.location(location));
  });
  return router;
}
