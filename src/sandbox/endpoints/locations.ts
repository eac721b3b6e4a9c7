import { Router } from "express";
import { z } from "zod";
import { locationOf, requireOwnLocation } from "../access.ts";
import { ApiError } from "../api-error.ts";
import { parseRequest, requireNoQuery } from "../parse-request.ts";

const channels = { SMS: "sms", Email: "email" } as const;
const parameters = z.object({ locationId: z.string(), type: z.enum(["SMS", "Email"]) });

/**
 * `GET /locations/{locationId}/conversationChannels/{type}`: a location's conversation providers, and which one is its
 * default. It exists from Version v3 on.
 */
export function locationRoutes(): Router {
  const router = Router({ strict: true });
  router.get("/:locationId/conversationChannels/:type", (req, res) => {
    if (req.get("version") !== "v3") throw new ApiError(404, `Cannot GET ${req.originalUrl}`, { error: "Not Found" });
    const { locationId, type } = parseRequest(parameters, req.params);
    requireNoQuery(req);
    requireOwnLocation(req, res, locationId);
    const providers = locationOf(res).providers.filter((each) => each.channel === channels[type]);
    // That by which HighLevel sends what names no provider.
    const standard = providers.find((each) => !each.extra);
    const entries = providers.map((each) => ({
      conversationProvider: { _id: each.id, name: each.name ?? each.id, type, default: each === standard },
    }));
    res.json({ conversationChannel: { [type]: entries } });
  });
  return router;
}
