import express, { type Response, Router } from "express";
import { z } from "zod";
import type { Caller } from "../http/caller.ts";
import { createTryLimit } from "../http/limits.ts";
import { type Cookie, readCookie } from "../http/sessions/cookie.ts";
import { type Sessions, sessionHours } from "../http/sessions/sessions.ts";
import type { Log } from "../log.ts";
import type { Assets } from "./frame/document.tsx";
import { sendSignIn, troubles } from "./send-page.tsx";

const signInForm = z.object({ key: z.string().trim().min(1).max(500), back: z.string().max(2000).default("") });

/**
 * `GET /console/sign-in` the form; with the code of a link 303 with a cookie, once. `POST /console/sign-in` 303 with a cookie, back to the page that was asked for · 401 the key opens nothing · 429 too many
 * such keys came from this address. `POST /console/sign-out` 303: the session has ended.
 */
export function signInRoutes(context: { log: Log; assets: Assets; sessions: Sessions; cookie: Cookie }): Router {
  const { log, assets, sessions, cookie } = context;
  const router = Router();
  const tries = createTryLimit();
  const welcome = (res: Response, { token, caller }: { token: string; caller: Caller }) => {
    log("info", "console.signed_in", { who: caller.who });
    res.cookie(cookie.name, token, { ...cookie.options, maxAge: sessionHours * 3_600_000 });
  };
  router.get("/sign-in", async ({ query: { code }, socket }, res) => {
    if (typeof code !== "string") return sendSignIn(res, assets, { status: 200, back: "" });
    await tries.requireRoom(socket.remoteAddress);
    const begun = await sessions.beginByCode(code);
    if (begun) {
      welcome(res, begun);
      return res.redirect(303, "/console");
    }
    await tries.countFailed(socket.remoteAddress);
    return sendSignIn(res, assets, { status: 401, back: "", complaint: usedUp });
  });
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
    welcome(res, begun);
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

const usedUp = "This link was used, or is older than 15 minutes: the bridge prints another when it starts.";
const complaint = "This key opens nothing. It may have been revoked, or cut off when it was copied.";
const isOwnPath = (path: string) => /^\/console([/?][\x21-\x7e]*)?$/.test(path) && !path.includes("\\");
