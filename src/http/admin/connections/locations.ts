import { z } from "zod";
import type { AccessTokens } from "../../../access/access-tokens.ts";
import { registerAgencyLocation } from "../../../access/install.ts";
import type { Wake } from "../../../model.ts";
import { type RegisterContext, registerLocation, removeLocation } from "../../../registry/register.ts";
import { countCallsToday } from "../../../store/budgets.ts";
import { listLocations } from "../../../store/locations.ts";
import { countWaiting, type Load, readLoads } from "../../../store/operate/overview.ts";
import type { Db } from "../../../store/postgres/database.ts";
import type { Location } from "../../../store/schema.ts";
import { resumeLocation } from "../../../store/trouble/paused-locations.ts";
import { listedLocationAnswer, locationAnswer, wholeLocationAnswer } from "../../answers/connections.ts";
import { pageOf } from "../../answers/page.ts";
import { reaches, requireReach } from "../../caller.ts";
import { pageQuery, toPage } from "../../list.ts";
import { operation, reply } from "../../operations/operation.ts";
import { Problem } from "../../problem.ts";
import { flag } from "../fields.ts";
import { requireKnownLocation } from "./reached.ts";

export interface LocationsContext extends RegisterContext {
  accessTokens: AccessTokens;
  /** Of HighLevel, for each location. */
  callsPerDay: number;
  /** The database, for what people read. */
  people: Db;
  /** New work may be due. */
  onWork: Wake;
}

const locationBody = z
  .strictObject({
    name: z.string().min(1).max(200, "must have 200 characters at most").optional().describe("For you alone."),
    token: z
      .string()
      .trim()
      .min(1, "must be a private integration token or an access token of this location")
      .max(5000, "must have 5,000 characters at most")
      .optional()
      .meta({
        format: "password",
        title: "Private integration token",
        description:
          "HighLevel: the sub-account's Settings, Private Integrations. It is sealed, and never shown again.",
      }),
    companyId: z
      .string()
      .trim()
      .min(1, "must be the id of the agency that has installed the app")
      .max(200, "must have 200 characters at most")
      .optional()
      .describe("Instead of a token: of the agency that has installed the app."),
  })
  .refine(({ token, companyId }) => (token === undefined) !== (companyId === undefined), {
    path: ["token"],
    error: "is required; or companyId instead of it, for a location of an agency that has installed the app",
    when: ({ value }) => typeof value === "object" && value !== null,
  });
const params = { locationId: z.string() };
const path = "/admin/locations/{locationId}";
const tag = "Locations";
const by = "any key";

export const locationOperations = {
  listLocations: operation({
    ...{ method: "GET", path: "/admin/locations", tag, by },
    summary: "Lists locations.",
    query: { ...pageQuery, paused: flag.optional().describe("Those to which nothing goes, or the others.") },
    answers: { 200: pageOf(listedLocationAnswer) },
    async handle({ people, callsPerDay }: LocationsContext, { caller, query: { limit, cursor, paused } }) {
      const page = { locationIds: caller.locationIds, isPaused: paused, after: cursor, limit: limit + 1 };
      const rows = await listLocations(people, page);
      const ids = rows.slice(0, limit).map(({ id }) => id);
      const loads = await readLoads(people, ids);
      const show = (row: Location) => {
        const { callsToday, waiting } = loads.get(row.id) ?? idle;
        return { ...showLocation(row), callsLeftToday: Math.max(0, callsPerDay - callsToday), waiting };
      };
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.id, show }));
    },
  }),

  putLocation: operation({
    ...{ method: "PUT", path, tag, by },
    summary: "Makes or renews a location, with a token, or with the company of an agency that has installed the app.",
    description: "Deliveries that its old token had paused go on. 422 while the agency has not installed the app.",
    params: { locationId: z.string().max(200, "must have 200 characters at most") },
    body: locationBody,
    answers: { 200: locationAnswer },
    async handle(context: LocationsContext, { caller, params: { locationId: id }, body }) {
      const { name, token, companyId } = body;
      caller.ids["locationId"] = id;
      requireReach(caller, id);
      const location =
        token === undefined
          ? await registerAgencyLocation(context, { id, name, companyId: companyId ?? "" })
          : await registerLocation(context, { id, name, token });
      context.accessTokens.forget(location.id);
      context.onWork("deliveries");
      return reply(200, showLocation(location));
    },
  }),

  getLocation: operation({
    ...{ method: "GET", path, tag, by },
    summary: "Shows a location, whether it is paused, and what waits for it. A token is never given back.",
    params,
    answers: { 200: wholeLocationAnswer },
    async handle(context: LocationsContext, { caller, params: { locationId } }) {
      const { people, callsPerDay } = context;
      const location = await requireKnownLocation(context, caller, locationId);
      const waiting = await countWaiting(people, { locationIds: [locationId] });
      const callsLeftToday = Math.max(0, callsPerDay - (await countCallsToday(people, locationId)));
      return reply(200, { ...showLocation(location), callsLeftToday, waiting });
    },
  }),

  resumeLocation: operation({
    ...{ method: "POST", path: `${path}/resume`, tag, by },
    summary: "Lifts the pause of a location: what is not mended pauses it again.",
    params,
    answers: { 200: locationAnswer },
    errors: { 409: "It has no token." },
    async handle(context: LocationsContext, { caller, params: { locationId } }) {
      caller.ids["locationId"] = locationId;
      const known = await requireKnownLocation(context, caller, locationId);
      if (authOf(known) === null) throw new Problem(409, `location ${locationId} has no token: PUT it with one first`);
      const location = await resumeLocation(context.db, locationId);
      context.accessTokens.forget(locationId);
      context.onWork("deliveries");
      return reply(200, showLocation(location ?? known));
    },
  }),

  deleteLocation: operation({
    ...{ method: "DELETE", path, tag, by },
    summary: "Removes a location.",
    params,
    answers: { 204: undefined },
    errors: { 409: "It has mappings." },
    async handle(context: LocationsContext, { caller, params: { locationId } }) {
      caller.ids["locationId"] = locationId;
      if (!reaches(caller, locationId)) throw new Problem(404, `there is no location ${locationId}`);
      await removeLocation(context, locationId);
      context.accessTokens.forget(locationId);
      return reply(204, undefined);
    },
  }),
};

const idle: Load = { callsToday: 0, waiting: { count: 0, isAll: true } };

export function showLocation(location: Location) {
  const { id, name, companyId, tokenExpiresAt, createdAt, updatedAt } = location;
  const { pausedReason, pausedUntil, pausedDetail, pausedAt } = location;
  const isPaused = pausedReason !== null && (pausedUntil === null || pausedUntil > new Date());
  const paused = isPaused ? { reason: pausedReason, since: pausedAt, until: pausedUntil, detail: pausedDetail } : null;
  return { id, name, auth: authOf(location), companyId, tokenExpiresAt, paused, createdAt, updatedAt };
}

/** Where its tokens come from: given by hand, by its own install of the app, or by its agency's. Null: it has none. */
function authOf({ sealedToken, sealedRefreshToken, companyId }: Location): "token" | "oauth" | "agency" | null {
  if (sealedRefreshToken !== null) return "oauth";
  if (companyId !== null) return "agency";
  return sealedToken === null ? null : "token";
}
