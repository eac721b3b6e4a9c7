import { createHash } from "node:crypto";
import type { RequestHandler } from "express";
import helmet from "helmet";
import { Problem } from "../problem.ts";
import { type Cookie, readCookie } from "./cookie.ts";

const policyFor = (frames: string) =>
  [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"],
    ...["form-action 'self'", "base-uri 'none'", `frame-ancestors ${frames}`],
  ].join("; ");
const policy = policyFor("'none'");

/** With `no-referrer` a browser would send `Origin: null` with a form. */
export const protect: RequestHandler = (_req, res, next) => {
  res.set({ "Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "same-origin" });
  next();
};

/** For a page of nothing but text, a form at most, and this stylesheet, which stands in it. */
export function protectPlain(stylesheet: string, { formAction = "'none'" } = {}): RequestHandler {
  const [none, hash] = [["'none'"], createHash("sha256").update(stylesheet).digest("base64")];
  const directives = {
    ...{ defaultSrc: none, styleSrc: [`'sha256-${hash}'`] },
    ...{ baseUri: none, formAction: [formAction], frameAncestors: none },
  };
  return helmet({ contentSecurityPolicy: { useDefaults: false, directives } });
}

/** HighLevel's own pages may show it in theirs. */
export const allowFrame =
  (origins: string[]): RequestHandler =>
  (_req, res, next) => {
    res.set("Content-Security-Policy", policyFor(origins.join(" "))).removeHeader("X-Frame-Options");
    next();
  };

/** Another site that is open in the same browser must not write here, nor sign somebody in. */
export function refuseOtherOrigins(publicUrl: string): RequestHandler {
  const { origin: own } = new URL(publicUrl);
  return ({ method, headers }, _res, next) => {
    if (method === "GET" || method === "HEAD") return next();
    const { origin = "", host } = headers;
    if (origin === own || (URL.canParse(origin) && new URL(origin).host === host)) return next();
    throw new Problem(403, "this form was not sent by the console itself");
  };
}

/** The cookie does not come along from a link on another site, as in a chat: the page calls itself once more, then it does. */
export function comeAgain(cookie: Cookie): RequestHandler {
  return (req, res, next) => {
    const isFromElsewhere = req.get("sec-fetch-site") === "cross-site" && req.method === "GET";
    if (!isFromElsewhere || readCookie(req, cookie) !== undefined) return next();
    res.type("html").send('<!doctype html><meta http-equiv="refresh" content="0"><title>Conversation Bridge</title>');
  };
}
