import type { Limit } from "../concurrency/limit.ts";
import { Failure } from "../errors.ts";
import type { OauthClient, Tokens } from "../highlevel/oauth.ts";
import type { Log } from "../log.ts";
import type { Sealer } from "../secrets/seal.ts";
import { type CompanyAccess, findCompanyAccess, lockCompanyAccess, saveCompanyTokens } from "../store/companies.ts";
import { pauseLocationsOfCompany } from "../store/installs.ts";
import {
  findLocationAccess,
  type LocationAccess,
  lockLocationAccess,
  pauseLocation,
  saveLocationTokens,
} from "../store/locations.ts";
import type { Db } from "../store/postgres/database.ts";
import { resumeLocations } from "./marketplace-app.ts";
import { openAccessToken, openRefreshToken, sealTokens } from "./sealed-tokens.ts";

export interface RenewContext {
  db: Db;
  sealer: Sealer;
  log: Log;
  /** Undefined while there is no marketplace app. */
  findOauth: () => Promise<AppClient | undefined>;
  /** How many transactions may wait for HighLevel at once: each holds a connection, and other work needs some too. */
  limit: Limit;
}

/** Calls HighLevel as an app, of which there may be another one by now. */
export type AppClient = OauthClient & { isOutdated?: () => Promise<boolean> };

/** `busy`: another process is at it, and the caller did not want to wait. */
export type Renewal = "renewed" | "refused" | "impossible" | "busy";

/** With the client for one renewal: it is not looked for within a transaction. */
type Renewing = Omit<RenewContext, "findOauth"> & { oauth: OauthClient };

interface RenewalRequest {
  locationId: string;
  /** The token that is to be replaced. */
  usedVersion: number;
  whenLocked: "wait" | "skip";
}

/**
 * Replaces a location's access token, by its own refresh token or by its agency's token. However many processes ask,
 * HighLevel is asked once: the row is locked meanwhile, and whoever has waited for it finds a newer token there.
 * A new pair is committed before it is used. A process that dies between HighLevel's answer and the commit loses the
 * pair, and the next one asks with the old refresh token: within 30 seconds HighLevel gives the same new pair again.
 * `refused` pauses the location until somebody connects it again, or for a while where the refusal may pass; `impossible`
 * is a token that nothing renews. Throws a Failure when HighLevel could not be asked.
 */
export async function renewLocation(context: RenewContext, request: RenewalRequest): Promise<Renewal> {
  const access = await findLocationAccess(context.db, request.locationId);
  if (!access) return "impossible";
  const known = knownOutcome(access, request.usedVersion);
  if (known) return known;
  const oauth = await context.findOauth();
  if (!oauth) return "impossible";
  const renewal = await renewBy({ ...context, oauth }, request, access);
  // Who was refused by the app's former secret paused what had just been resumed for the new one.
  if (renewal === "refused" && (await oauth.isOutdated?.())) await resumeLocations(context);
  return renewal;
}

async function renewBy(context: Renewing, request: RenewalRequest, access: LocationAccess): Promise<Renewal> {
  if (access.sealedRefreshToken) return refreshLocation(context, request);
  return access.companyId === null ? "impossible" : mintByCompany(context, request, access.companyId);
}

async function refreshLocation(context: Renewing, request: RenewalRequest): Promise<Renewal> {
  const owner = { kind: "location" as const, id: request.locationId };
  const renewal = await replaceUnderLock(context, request, ({ sealedRefreshToken }) => {
    const refreshToken = openRefreshToken(context.sealer, owner, sealedRefreshToken ?? "");
    return orRefusal(context.oauth.refreshTokens({ refreshToken, userType: "Location" }));
  });
  return renewal === companyTokenRefused ? "refused" : renewal;
}

const companyTokenRefused = "company token refused";

/** A company's token may be refused before its time; that is no word on the location yet. */
async function mintByCompany(context: Renewing, request: RenewalRequest, companyId: string): Promise<Renewal> {
  let refusedToken: string | undefined;
  for (;;) {
    const company = await companyToken(context, request.locationId, companyId, refusedToken);
    if (company === "refused") return company;
    if ("refusal" in company) return pause(context, context.db, request, company.refusal);
    const isFirst = refusedToken === undefined;
    const renewal = await replaceUnderLock(context, request, async () => {
      const { locationId } = request;
      const asked = context.oauth.mintLocationToken({ companyToken: company.token, companyId, locationId });
      const answer = await orRefusal(asked);
      if ("refusal" in answer) return isFirst && answer.refusal.status === 401 ? companyTokenRefused : answer;
      // The agency's token yields the next one, too: HighLevel does not give every location a refresh token.
      return { ...answer, refreshToken: undefined };
    });
    if (renewal !== companyTokenRefused) return renewal;
    refusedToken = company.sealedToken;
  }
}

type AskForToken = (locked: LocationAccess) => Promise<Tokens | { refusal: TokenRefusal } | typeof companyTokenRefused>;

function replaceUnderLock(
  context: Renewing,
  request: RenewalRequest,
  ask: AskForToken,
): Promise<Renewal | typeof companyTokenRefused> {
  return context.limit.run(() => context.db.transaction((tx) => replaceToken(context, tx, request, ask)));
}

async function replaceToken(
  context: Renewing,
  tx: Db,
  request: RenewalRequest,
  ask: AskForToken,
): Promise<Renewal | typeof companyTokenRefused> {
  const { locationId, usedVersion, whenLocked } = request;
  const locked = await lockLocationAccess(tx, locationId, whenLocked);
  if (!locked) return whenLocked === "skip" ? "busy" : "impossible";
  const known = knownOutcome(locked, usedVersion);
  if (known) return known;
  const answer = await ask(locked);
  if (answer === companyTokenRefused) return answer;
  // Nobody else can have replaced the token meanwhile: the row is locked.
  if ("refusal" in answer) return pause(context, tx, request, answer.refusal);
  const owner = { kind: "location" as const, id: locationId };
  await saveLocationTokens(tx, locationId, sealTokens(context.sealer, owner, answer));
  return "renewed";
}

/** Another one has been here before. */
function knownOutcome(access: LocationAccess, usedVersion: number): "renewed" | "refused" | undefined {
  if (access.tokenRefusal !== null) return "refused";
  return access.tokenVersion === usedVersion ? undefined : "renewed";
}

/** Gives the agency's access token; another one than the refused one, if one was. */
async function companyToken(
  context: Renewing,
  locationId: string,
  companyId: string,
  refusedToken: string | undefined,
): Promise<{ token: string; sealedToken: string } | { refusal: TokenRefusal } | "refused"> {
  const { db, sealer, limit } = context;
  const owner = { kind: "company" as const, id: companyId };
  const usable = (company: CompanyAccess | undefined) =>
    company?.sealedToken && company.sealedToken !== refusedToken && (company.expiresInSeconds ?? 0) > minCompanySeconds
      ? { token: openAccessToken(sealer, owner, company.sealedToken), sealedToken: company.sealedToken }
      : undefined;

  const known = usable(await findCompanyAccess(db, companyId));
  if (known) return known;
  return limit.run(() =>
    db.transaction(async (tx) => {
      const locked = await lockCompanyAccess(tx, companyId);
      const renewed = usable(locked);
      if (renewed) return renewed;
      // Another location was refused meanwhile, and paused all its like.
      const access = await findLocationAccess(tx, locationId);
      if (typeof access?.tokenRefusal === "string") return "refused";
      const answer = await refreshCompany(context, companyId, locked);
      if ("refusal" in answer) {
        const paused = await pauseLocationsOfCompany(tx, companyId, answer.refusal);
        for (const id of paused) logPause(context.log, id, answer.refusal);
        return answer;
      }
      const sealed = sealTokens(sealer, owner, answer);
      await saveCompanyTokens(tx, companyId, sealed);
      return { token: answer.accessToken, sealedToken: sealed.sealedToken ?? "" };
    }),
  );
}

const minCompanySeconds = 60;

async function refreshCompany(
  { oauth, sealer }: Renewing,
  companyId: string,
  company: CompanyAccess | undefined,
): Promise<Tokens | { refusal: TokenRefusal }> {
  if (!company?.sealedRefreshToken) {
    const detail = `the agency ${companyId} is not connected: install the app for it at /oauth/install`;
    return { refusal: { reason: "needs_reauthorization", detail, seconds: undefined, status: undefined } };
  }
  const refreshToken = openRefreshToken(sealer, { kind: "company", id: companyId }, company.sealedRefreshToken);
  return orRefusal(oauth.refreshTokens({ refreshToken, userType: "Company" }));
}

/** HighLevel's no, in its own words. */
interface TokenRefusal {
  reason: "needs_reauthorization" | "misconfigured" | "unavailable";
  detail: string;
  /** When to ask again; without it, when somebody has connected the location again. */
  seconds: number | undefined;
  status: number | undefined;
}

/**
 * A wrong client id or secret is a setting: correcting it is enough, nobody has to connect anything again. A refusal that
 * names neither the client nor the grant may pass by itself, as that of a suspended location does when its bill is paid.
 */
const pauses: Partial<Record<Failure["reason"], Pick<TokenRefusal, "reason" | "seconds"> & { hint: string }>> = {
  misconfigured: {
    reason: "misconfigured",
    seconds: 600,
    hint: ", check HIGHLEVEL_CLIENT_ID and HIGHLEVEL_CLIENT_SECRET",
  },
  unauthorized: {
    reason: "unavailable",
    seconds: 300,
    hint: " for the moment, and is asked again every five minutes",
  },
  needs_reauthorization: {
    reason: "needs_reauthorization",
    seconds: undefined,
    hint: ", connect it at /oauth/install",
  },
};

async function orRefusal(asked: Promise<Tokens>): Promise<Tokens | { refusal: TokenRefusal }> {
  try {
    return await asked;
  } catch (error) {
    const pause = error instanceof Failure ? pauses[error.reason] : undefined;
    if (!(error instanceof Failure) || !pause) throw error;
    const { reason, seconds, hint } = pause;
    const detail = `HighLevel gives no new token${hint}: ${error.message}`;
    return { refusal: { reason, detail, seconds, status: error.status } };
  }
}

async function pause(
  context: Pick<RenewContext, "log">,
  db: Db,
  request: RenewalRequest,
  refusal: TokenRefusal,
): Promise<"refused"> {
  const { locationId, usedVersion: tokenVersion } = request;
  const { reason, detail, seconds } = refusal;
  const isPaused = await pauseLocation(db, { locationId, tokenVersion, reason, detail, seconds });
  if (isPaused) logPause(context.log, locationId, refusal);
  return "refused";
}

function logPause(log: Log, locationId: string, { reason, seconds }: TokenRefusal): void {
  log("error", "location.paused", { locationId, reason, seconds });
}
