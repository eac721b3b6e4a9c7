import { createHmac, randomBytes } from "node:crypto";
import { Router } from "express";
import { RateLimiterMemory } from "rate-limiter-flexible";
import type { Connection, Installer } from "../../access/install.ts";
import { Failure } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { isSame } from "../../secrets/compare.ts";
import { networkOf } from "../limits.ts";
import { Problem } from "../problem.ts";
import { type Page, protectPage, sendPage } from "./plain-page.ts";

export interface OauthContext {
  /** Undefined while there is no marketplace app. */
  findInstaller: () => Promise<Installer | undefined>;
  /** Signs states: 32 bytes that all replicas share and nobody else has. */
  stateKey: Buffer;
  publicUrl: string;
  log: Log;
}

/**
 * Installing the marketplace app, in a browser.
 * `GET /oauth/install` 302 to where a location or agency is chosen.
 * `GET /oauth/callback` (the app's redirect URL) 200 a page that says what is connected · 400 a page that says what to
 * do: the install was not begun in this browser, took too long, was declined, or HighLevel refuses the code · 429 a page:
 * too many codes from this address · 502 a page when HighLevel could not be asked. Both 404 while no app is configured.
 */
export function oauthRoutes(context: OauthContext): Router {
  const { publicUrl, stateKey, log } = context;
  const installUrl = `${publicUrl}/oauth/install`;
  const cookie = cookieOf(publicUrl);
  const mayExchange = createCodeLimit();
  const router = Router();
  router.use(protectPage);

  router.get("/install", async (_req, res) => {
    const installer = await requireInstaller(context);
    const secret = randomBytes(32).toString("base64url");
    res.cookie(cookie.name, secret, { ...cookie.options, maxAge: stateMinutes * 60_000 });
    res.redirect(302, installer.authorizeUrl(signState(stateKey, secret, Date.now())));
  });

  router.get("/callback", async (req, res) => {
    const installer = await requireInstaller(context);
    const { code, state, error, error_description } = req.query;
    const secret = readCookie(req.headers.cookie, cookie.name);
    const isOwn = isOwnState(stateKey, secret, String(state), Date.now());
    // Anybody can write words into a link: they are shown as HighLevel's where the install was begun in this browser.
    if (error !== undefined) return sendPage(res, 400, declined(installUrl, isOwn ? [error, error_description] : []));
    // An install that began at HighLevel brings no state, and its code may be anybody's: somebody who lures a person
    // here with a code of his own would have that person's browser connect a foreign location, and what the person then
    // sets up would go there (login CSRF, https://www.rfc-editor.org/rfc/rfc6749#section-10.12). So begin here again.
    if (state === undefined) return sendPage(res, 200, beginHere(installUrl));
    if (!isOwn) return sendPage(res, 400, wrongState(installUrl));
    res.clearCookie(cookie.name, cookie.options);
    if (typeof code !== "string" || code === "") return sendPage(res, 400, declined(installUrl, ["no code came back"]));
    if (!(await mayExchange(req.socket.remoteAddress))) return sendPage(res, 429, tooManyCodes(installUrl));
    const { status, page } = await connect(installer, code);
    sendPage(res, status, page);
  });

  async function connect(installer: Installer, code: string): Promise<{ status: number; page: Page }> {
    try {
      return { status: 200, page: connected(await installer.connect(code), publicUrl) };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      log("warn", "oauth.not_connected", { reason: error.reason, status: error.status });
      return { status: adviceOf[error.reason] ? 400 : 502, page: notConnected(installUrl, error) };
    }
  }
  return router;
}

async function requireInstaller({ findInstaller }: OauthContext): Promise<Installer> {
  const installer = await findInstaller();
  if (installer) return installer;
  throw new Problem(
    404,
    "OAuth is not configured: set HIGHLEVEL_CLIENT_ID and HIGHLEVEL_CLIENT_SECRET, or enter the app at the console",
  );
}

/** Each code that a browser brings is a call to HighLevel. */
const maxCodesPerMinute = 20;

/** May this address bring another code? For one process. */
function createCodeLimit(): (address: string | undefined) => Promise<boolean> {
  const limiter = new RateLimiterMemory({ points: maxCodesPerMinute, duration: 60 });
  return (address = "") =>
    limiter.consume(networkOf(address)).then(
      () => true,
      () => false,
    );
}

/** Time to log in to HighLevel and to choose. */
const stateMinutes = 30;

/**
 * Lax, so that it comes along when HighLevel sends the browser back. By its prefix browsers take it from this host alone,
 * by https: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
 */
function cookieOf(publicUrl: string) {
  const secure = new URL(publicUrl).protocol === "https:";
  const options = { httpOnly: true, sameSite: "lax", secure, path: "/" } as const;
  return { name: secure ? "__Host-oauth_install" : "oauth_install", options };
}

function readCookie(header = "", wanted: string): string {
  const pairs = header.split(";").map((pair) => pair.trim().split("="));
  return pairs.find(([name]) => name === wanted)?.[1] ?? "";
}

/** A state is worth nothing without the cookie that it was made with. */
function signState(key: Buffer, secret: string, atMs: number): string {
  const signature = createHmac("sha256", key).update(`oauth state ${atMs} ${secret}`).digest("base64url");
  return `${atMs}.${signature}`;
}

function isOwnState(key: Buffer, secret: string, state: string, nowMs: number): boolean {
  const atMs = Number(state.split(".")[0]);
  const isFresh = atMs <= nowMs && nowMs - atMs <= stateMinutes * 60_000;
  return isSame(state, signState(key, secret, atMs)) && isFresh && secret !== "";
}

const again = (url: string) => ({ url, text: "Connect to HighLevel" });

const beginHere = (url: string): Page => ({
  title: "One more step",
  lines: [
    "The app is known to HighLevel now. To connect it, begin here: choose the same location or agency once more.",
  ],
  link: again(url),
});

const wrongState = (url: string): Page => ({
  title: "Not connected",
  lines: [
    "This install was not begun in this browser, was finished before, or took more than half an hour.",
    "Begin again, in one browser and with cookies allowed.",
  ],
  link: again(url),
});

const declined = (url: string, words: unknown[]): Page => ({
  title: "Not connected",
  lines: [
    `HighLevel sent you back without a connection${words.length > 0 ? ":" : "."}`,
    ...words.filter(Boolean).map((each) => String(each).slice(0, 500)),
  ],
  link: again(url),
});

const tooManyCodes = (url: string): Page => ({
  title: "Not connected",
  lines: ["Too many installs were tried from your address. Begin again in a minute."],
  link: again(url),
});

const notConnected = (url: string, failure: Failure): Page => ({
  title: "Not connected",
  lines: ["HighLevel gave no token:", failure.message, adviceOf[failure.reason] ?? "Begin again in a minute."],
  link: again(url),
});

/** For what is not over in a while. */
const adviceOf: Partial<Record<Failure["reason"], string>> = {
  unauthorized: "A code serves once and for some minutes only: begin again.",
  needs_reauthorization: "A code serves once and for some minutes only: begin again.",
  misconfigured:
    "Whoever runs the bridge must check HIGHLEVEL_CLIENT_ID and HIGHLEVEL_CLIENT_SECRET. Then begin again.",
};

const connected = ({ kind, id }: Connection, publicUrl: string): Page => ({
  title: "Connection",
  link: { url: `${publicUrl}/console/first-steps`, text: "On to the console" },
  lines:
    kind === "location"
      ? [`Location ${id} is connected.`, "Messages that waited for it go out now. You can close this page."]
      : [`Agency ${id} is connected.`, "Its locations follow when they are first needed. You can close this page."],
});
