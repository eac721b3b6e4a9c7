import express, { type RequestHandler, type Response, Router } from "express";
import { z } from "zod";
import type { Log } from "../../log.ts";
import { createTryLimit } from "../limits.ts";
import type { Cookie } from "./cookie.ts";
import { insideHours, type Sessions } from "./sessions.ts";

const form = z.object({ context: z.string().min(1) });

/**
 * The console as a page of the app inside HighLevel. `GET /console/inside` 200: a page that asks HighLevel's, which it stands in, who looks
 * at it. `POST /console/inside` 303 with a cookie for HighLevel's pages alone · 401 the context says nothing that counts · 429.
 */
export function insideRoutes(context: {
  log: Log;
  sessions: Sessions;
  cookie: Cookie;
  allowFrame: RequestHandler;
  show(res: Response, status: number): void;
}): Router {
  const { log, sessions, cookie, allowFrame, show } = context;
  const router = Router();
  const tries = createTryLimit();
  router.use("/inside", allowFrame);
  router.get("/inside", (_req, res) => show(res, 200));
  router.post("/inside", express.urlencoded({ extended: false, limit: "16kb" }), async (req, res) => {
    const { remoteAddress } = req.socket;
    const { data } = form.safeParse(req.body);
    const begun = data ? await sessions.beginInside(data.context) : "forged";
    if (typeof begun === "string") {
      // Only what is forged is counted, and turned away: behind a proxy all users have one address.
      if (begun === "forged") {
        await tries.requireRoom(remoteAddress);
        await tries.countFailed(remoteAddress);
      }
      log("warn", "console.refused", { from: "highlevel", reason: begun });
      return show(res, 401);
    }
    log("info", "console.signed_in", { who: begun.caller.who, locationIds: begun.caller.locationIds });
    res.cookie(cookie.name, begun.token, { ...cookie.options, maxAge: insideHours * 3_600_000 });
    res.redirect(303, "/console/messages");
  });
  return router;
}
