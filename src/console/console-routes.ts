import express, { type Request, type RequestHandler, type Response, Router } from "express";
import { z } from "zod";
import { type AdminContext, createOperations } from "../http/admin/operations.ts";
import type { Caller } from "../http/caller.ts";
import { notFound, Problem } from "../http/problem.ts";
import { cookieFor, insideCookieFor, readCookie } from "../http/sessions/cookie.ts";
import { allowFrame, comeAgain, protect, refuseOtherOrigins } from "../http/sessions/guards.ts";
import { insideRoutes } from "../http/sessions/inside-routes.ts";
import { sendWhile } from "../http/sessions/send-while.ts";
import { createSessions } from "../http/sessions/sessions.ts";
import { signInRoutes } from "../http/sessions/sign-in-routes.ts";
import { serveAssets } from "./assets.ts";
import { type Page, withoutEmpty } from "./frame/answer.ts";
import { type Assets, isForInside } from "./frame/document.tsx";
import { createPages } from "./pages.ts";
import { sendInside, sendPage, sendSignIn, troubles } from "./send-page.tsx";

export type ConsoleContext = AdminContext & { publicUrl: string };

/**
 * `/console`: pages for people. Who is not signed in is asked for a key, and sees nothing else. What a page shows and a
 * button does goes through the operations of the API, as the holder of that key.
 * 200 · 303 after a form · 401 with the form for the key · 403 a form of another site, or not for this key · 404 · 422 · 429
 */
export function consoleRoutes(context: ConsoleContext): Router {
  const { log, publicUrl, appOrigins } = context;
  const router = Router();
  const { assets, routes } = serveAssets();
  const [cookie, insideCookie] = [cookieFor(publicUrl), insideCookieFor(publicUrl)];
  const sessions = createSessions(context);
  const calls = createOperations(context);
  const frame = allowFrame(appOrigins);
  router.use(protect, routes, refuseOtherOrigins(publicUrl));
  const inside = { allowFrame: frame, show: (res: Response, status: number) => sendInside(res, assets, status) };
  router.use(insideRoutes({ log, sessions, cookie: insideCookie, ...inside }));
  router.use(comeAgain(cookie));
  router.use(signInRoutes({ log, sessions, cookie, show: (res, form) => sendSignIn(res, assets, form) }));
  const callerOf = async (req: Request) => {
    const token = readCookie(req, cookie) ?? readCookie(req, insideCookie);
    return token === undefined ? undefined : sessions.callerOf(token);
  };
  const isSignedIn = (req: Request) => async () => (await callerOf(req)) !== undefined;
  router.use(async (req, res, next) => {
    const caller = await callerOf(req);
    if (!caller && req.get("sec-fetch-dest") === "iframe") return res.redirect(303, "/console/inside");
    if (!caller) return sendSignIn(res, assets, { status: 401, back: req.method === "GET" ? req.originalUrl : "" });
    // Of no use to what is no page; and a page without it is a page still.
    const countProblems = () => calls.countProblems(caller).catch(() => undefined);
    Object.assign(res.locals, { caller, countProblems });
    if (!caller.isInside) return next();
    if (req.path === "/") return res.redirect(303, "/console/messages");
    frame(req, res, () => next(isForInside(req.path) ? undefined : new Problem(404, onlyOutside)));
  });
  router.use(express.urlencoded({ extended: false, limit: maxFormBytes, parameterLimit: 200 }));
  for (const [route, page] of Object.entries(createPages(calls))) {
    const [method, path = ""] = route.split(" ");
    router[method === "GET" ? "get" : "post"](path, run(page, assets, isSignedIn));
  }
  router.use(notFound);
  router.use(troubles(log, assets));
  return router;
}

const onlyOutside = "this is shown by the bridge's own console, and not inside HighLevel";

/** A webhook may be pasted. */
const maxFormBytes = 1_000_000;

function run(page: Page, assets: Assets, isSignedIn: (req: Request) => () => Promise<boolean>): RequestHandler {
  return async (req, res) => {
    const { caller } = res.locals as { caller: Caller };
    const { params, query, body } = req;
    const ask = { caller, params: textsOf(params), query: withoutEmpty(textsOf(query)), form: textsOf(body) };
    const answer = await page(ask);
    if ("reply" in answer) return sendWhile(isSignedIn(req), res, answer.reply);
    await sendPage(req, res, assets, answer);
  };
}

/** What is given twice, or is no text, is not there. PostgreSQL takes no U+0000, and no field has one. */
function textsOf(fields: unknown): Record<string, string> {
  const given = Object.entries(z.record(z.string(), z.unknown()).safeParse(fields).data ?? {});
  const texts = given.filter((each): each is [string, string] => typeof each[1] === "string");
  const wrong = texts.find((each) => each.join().includes("\0"));
  if (wrong) throw new Problem(422, `${wrong[0]}: holds U+0000, which no text may: type it anew`);
  return Object.fromEntries(texts);
}
