import express, { Router } from "express";
import { z } from "zod";
import { createTryLimit } from "../http/limits.ts";
import type { Log } from "../log.ts";
import { type Cookie, readCookie } from "./cookie.ts";
import type { Assets } from "./frame/document.tsx";
import { sendSignIn, troubles } from "./send-page.tsx";
import { type Sessions, sessionHours } from "./sessions.ts";

const signInForm = z.object({ key: z.string().trim().min(1).max(500), back: z.string().max(2000).default("") });

/**
 * `POST /console/sign-in` 303 with a cookie, back to the page that was asked for · 401 the key opens nothing · 429 too many
 * such keys came from this address. `POST /console/sign-out` 303: the session has ended.
 */
export function signInRoutes(context: { log: Log; assets: Assets; sessions: Sessions; cookie: Cookie }): Router {
  const { log, assets, sessions, cookie } = context;
  const router = Router();
  const tries = createTryLimit();
  router.get("/sign-in", (_req, res) => sendSignIn(res, assets, { status: 200, back: "" }));
  router.post("/sign-in", express.urlencoded({ extended: false, limit: "4kb" }), async (req, res) => {
    const { remoteAddress } = req.socket;
    await tries.requireRoom(remoteAddress);
    const { data } = signInForm.safeParse(req.body);
    const begun = data && (await sessions.begin(data.key));
    if (!begun) {
      await tries.countFailed(remoteAddress);
      log("warn", "console.refused", {});
      return sendSignIn(res, assets, { status: 401, back: data?.back ?? "", complaint });
    }
    log("info", "console.signed_in", { who: begun.caller.who });
    res.cookie(cookie.name, begun.token, { ...cookie.options, maxAge: sessionHours * 3_600_000 });
    res.redirect(303, isOwnPath(data.back) ? data.back : "/console");
  });
  router.post("/sign-out", async (req, res) => {
    const token = readCookie(req, cookie);
    if (token !== undefined) await sessions.end(token);
    res.clearCookie(cookie.name, cookie.options);
    res.redirect(303, "/console/sign-in");
  });
  router.use(troubles(log, assets));
  return router;
}

const complaint = "This key opens nothing. It may have been revoked, or cut off when it was copied.";
const isOwnPath = (path: string) => /^\/console([/?][\x21-\x7e]*)?$/.test(path) && !path.includes("\\");
