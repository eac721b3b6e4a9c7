import express, { type Response, Router } from "express";
import { z } from "zod";
import type { Log } from "../../log.ts";
import { createTryLimit } from "../limits.ts";
import { type Cookie, readCookie } from "./cookie.ts";
import { type Sessions, sessionHours } from "./sessions.ts";

const text = (max: number) => z.string().trim().min(1).max(max);
const byKey = z.object({ key: text(500), back: z.string().max(2000).default("") });
const byCode = z.object({ code: text(100) });

/** What the form is shown with: where to go afterwards, and the code of a link instead of a field for the key. */
export interface SignInForm {
  status: number;
  back: string;
  code?: string;
  complaint?: string;
}

/**
 * `GET /console/sign-in` the form; with the code of a link a button, since what looks at links beforehand must not use it up.
 * `POST /console/sign-in` 303 with a cookie, back to the page that was asked for · 401 the key or the code opens nothing · 429 too many
 * such came from this address. `POST /console/sign-out` 303: the session has ended.
 */
export function signInRoutes(context: {
  log: Log;
  sessions: Sessions;
  cookie: Cookie;
  show(res: Response, form: SignInForm): void;
}): Router {
  const { log, sessions, cookie, show } = context;
  const router = Router();
  const tries = createTryLimit();
  router.get("/sign-in", ({ query: { code } }, res) =>
    show(res, { status: 200, back: "", ...(typeof code === "string" ? { code } : {}) }),
  );
  router.post("/sign-in", express.urlencoded({ extended: false, limit: "4kb" }), async (req, res) => {
    const { remoteAddress } = req.socket;
    const code = byCode.safeParse(req.body).data?.code;
    const { key, back = "" } = byKey.safeParse(req.body).data ?? {};
    const begun = code === undefined ? key && (await sessions.begin(key)) : await sessions.beginByCode(code);
    if (!begun) {
      // What opens is never turned away: behind a proxy strangers have the operator's address.
      await tries.requireRoom(remoteAddress);
      await tries.countFailed(remoteAddress);
      log("warn", "console.refused", {});
      return show(res, { status: 401, back, complaint: code === undefined ? opensNothing : usedUp });
    }
    log("info", "console.signed_in", { who: begun.caller.who });
    res.cookie(cookie.name, begun.token, { ...cookie.options, maxAge: sessionHours * 3_600_000 });
    res.redirect(303, isOwnPath(back) ? back : "/console");
  });
  router.post("/sign-out", async (req, res) => {
    const token = readCookie(req, cookie);
    if (token !== undefined) await sessions.end(token);
    res.clearCookie(cookie.name, cookie.options);
    res.redirect(303, "/console/sign-in");
  });
  return router;
}

const usedUp = "This link was used, or is older than 15 minutes: the bridge prints another when it starts.";
const opensNothing = "This key opens nothing. It may have been revoked, or cut off when it was copied.";
const isOwnPath = (path: string) => /^\/console([/?][\x21-\x7e]*)?$/.test(path) && !path.includes("\\");
