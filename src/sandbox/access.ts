import type { Request, RequestHandler, Response } from "express";
import { ApiError } from "./api-error.ts";
import { bearerOf, holderOf } from "./endpoints/oauth.ts";
import type { Location, State } from "./state.ts";

export interface RateLimit {
  /** Requests per interval and location. */
  max: number;
  intervalMs: number;
  perDay: number;
  /** Whether a 429 says when to come again. HighLevel does not promise it. */
  sendsRetryAfter: boolean;
}

const publishedVersions = new Set(["v3", "2023-02-21", "2021-07-28", "2021-04-15"]);

/** Bearer token and Version header, both as the gateway checks them before it looks at anything else. */
export function requireAccess(state: State): RequestHandler {
  return (req, res, next) => {
    const version = req.get("version");
    if (!version) throw new ApiError(401, "version header was not found.");
    if (!publishedVersions.has(version)) throw new ApiError(401, "version header is invalid");
    res.locals["location"] = requireLocation(state, bearerOf(req));
    next();
  };
}

function requireLocation(state: State, token: string | undefined): Location {
  const holder = holderOf(state, token);
  if (holder && "companyId" in holder) throw new ApiError(401, "authClass type is not allowed to access this scope");
  const location = holder ? state.locations.get(holder.locationId) : state.locationByToken.get(token ?? "");
  if (!location) throw new ApiError(401, "Invalid token: access token is invalid");
  return location;
}

export const locationOf = (res: Response) => res.locals["location"] as Location;

/** A token reaches its own location only. */
export function requireOwnLocation(req: Request, res: Response, locationId: unknown): void {
  if (locationId === locationOf(res).id) return;
  throw new ApiError(403, `The token does not have access to this location. (${req.method} ${req.path})`);
}

/** Counts per location in intervals, with the published headers on every answer. */
export function limitRate(limit: RateLimit | undefined): RequestHandler {
  const counters = new Map<string, { interval: number; used: number; day: number; usedToday: number }>();
  return (_req, res, next) => {
    if (!limit) return next();
    const now = Date.now();
    const [interval, day] = [Math.floor(now / limit.intervalMs), Math.floor(now / 86_400_000)];
    const { id } = locationOf(res);
    const counter = counters.get(id) ?? { interval, used: 0, day, usedToday: 0 };
    counters.set(id, counter);
    if (counter.interval !== interval) Object.assign(counter, { interval, used: 0 });
    if (counter.day !== day) Object.assign(counter, { day, usedToday: 0 });
    counter.used++;
    counter.usedToday++;
    res.set({
      "X-RateLimit-Max": String(limit.max),
      "X-RateLimit-Remaining": String(Math.max(0, limit.max - counter.used)),
      "X-RateLimit-Interval-Milliseconds": String(limit.intervalMs),
      "X-RateLimit-Limit-Daily": String(limit.perDay),
      "X-RateLimit-Daily-Remaining": String(Math.max(0, limit.perDay - counter.usedToday)),
    });
    if (counter.used <= limit.max && counter.usedToday <= limit.perDay) return next();
    const waitMs = (interval + 1) * limit.intervalMs - now;
    if (limit.sendsRetryAfter) res.set("Retry-After", String(Math.ceil(waitMs / 1000)));
    throw new ApiError(429, "Too Many Requests");
  };
}
