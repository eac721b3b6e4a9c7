import { Router } from "express";
import { describeAccount, openCredentials } from "../../registry/accounts.ts";
import { openMapping } from "../../registry/mappings.ts";
import { findLocation } from "../../store/locations.ts";
import { listMappings } from "../../store/mappings.ts";
import { callerOf, reaches } from "../caller.ts";
import { Problem } from "../problem.ts";
import { requireAccount } from "./accounts.ts";
import { type MappingsContext, requireAccountOf, requireMapping } from "./mappings.ts";

/**
 * `POST /admin/mappings/{id}/check`, `POST /admin/accounts/{id}/check`, `POST /admin/locations/{locationId}/check` 200:
 * whether all is connected rightly, whatever was found. Nothing is changed by it, at the provider, in HighLevel or here, so keys for reading may ask as well.
 */
export function checkRoutes({ checks, ...context }: MappingsContext): Router {
  const router = Router();
  const urlOf = (accountId: string) => `${context.publicUrl}/webhooks/${accountId}`;

  router.post("/mappings/:id/check", async (req, res) => {
    const row = await requireMapping(context, callerOf(res), req.params.id);
    const mapping = openMapping(row, await requireAccountOf(context, row), context.sealer);
    res.json(await checks.mapping(mapping, urlOf(row.accountId)));
  });

  router.post("/accounts/:id/check", async (req, res) => {
    const row = await requireAccount(context, callerOf(res), req.params.id);
    const { adapter } = describeAccount(row);
    const [credentials] = openCredentials(row, context.sealer);
    const mappings = await listMappings(context.people, { accountId: row.id, limit: 11 });
    const addresses = mappings.map(({ address }) => address).filter((address) => !address.startsWith("*@"));
    res.json(await checks.account(row.id, { adapter, credentials, webhookUrl: urlOf(row.id), addresses }));
  });

  router.post("/locations/:locationId/check", async (req, res) => {
    const { locationId } = req.params;
    const location = reaches(callerOf(res), locationId) && (await findLocation(context.db, locationId));
    if (!location) throw new Problem(404, `there is no location ${locationId}`);
    res.json(await checks.location(location));
  });
  return router;
}
