import { createHash } from "node:crypto";
import { createLimit } from "../concurrency/limit.ts";
import { remember } from "../concurrency/remember.ts";
import { Failure } from "../errors.ts";
import { describeError, type Log } from "../log.ts";
import type { Sealer } from "../secrets/seal.ts";
import { findLocationAccess, type LocationAccess } from "../store/locations.ts";
import type { Db } from "../store/postgres/database.ts";
import { type Renewal, type RenewContext, renewLocation } from "./renew-tokens.ts";
import { openAccessToken } from "./sealed-tokens.ts";

/** A location's token, and which one it is. */
export interface AccessToken {
  token: string;
  version: number;
}

export interface AccessTokens {
  /**
   * The location's token, renewed before it expires; undefined when there is none. Throws a Failure when it has expired
   * and HighLevel could not be asked for another; and with the location paused, when HighLevel refused to give one:
   * `needs_reauthorization`, or `unauthorized` where it is asked again by and by.
   */
  get(locationId: string): Promise<AccessToken | undefined>;
  /** The next `get` reads the database again. */
  forget(locationId: string): void;
  /**
   * After a 401 for the token of `usedVersion`: gets another one, unless there is one already. `refused`: the location
   * is paused until somebody connects it again, or until HighLevel is asked once more. `impossible`: it is a token that
   * nothing renews, such as a private integration token. Throws a Failure when HighLevel could not be asked.
   */
  renew(locationId: string, usedVersion: number): Promise<"renewed" | "refused" | "impossible">;
}

/** A token is renewed at least so long before it expires, and at most twice as long. */
const earlySeconds = 300;
/** A token with so little left may expire under way. */
const minSeconds = 60;
/** How long to leave HighLevel alone after a renewal that failed while the old token is still good. */
const postponeMs = 30_000;

/** While there is no marketplace app tokens are taken as they are, and nothing renews them. */
export function createAccessTokens(options: {
  db: Db;
  sealer: Sealer;
  renewal?: Pick<RenewContext, "findOauth"> & { log: Log; connections: number };
}): AccessTokens {
  const { db, sealer, renewal } = options;
  const context = renewal && { ...renewal, db, sealer, limit: createLimit(renewal.connections) };
  const renewOnce = context && shareRenewals(context);
  const postponed = new Map<string, number>();

  const load = async (locationId: string): Promise<AccessToken | undefined> => {
    const [access, oauth] = await Promise.all([findLocationAccess(db, locationId), context?.findOauth()]);
    if (!access) return undefined;
    const due = oauth ? whenDue(access) : "not yet";
    if (due === "not yet" || (due === "soon" && !(await renewEarly(access)))) return open(access);
    if (due === "now") await renewNow(access);
    const renewed = await findLocationAccess(db, locationId);
    return renewed && open(renewed);
  };
  const remembered = remember(load, { seconds: 5 });

  /** Whatever goes wrong here, the old token is still good for some minutes. */
  async function renewEarly(access: LocationAccess): Promise<boolean> {
    if (context?.limit.isFull() || (postponed.get(access.id) ?? 0) > performance.now()) return false;
    try {
      const outcome = await renewOnce?.(access.id, access.tokenVersion, "skip");
      if (outcome === "refused") await throwRefusal(access.id);
      postponed.delete(access.id);
      return outcome === "renewed";
    } catch (error) {
      if (!(error instanceof Failure) || error.reason === "needs_reauthorization") throw error;
      postponed.set(access.id, performance.now() + postponeMs);
      const { reason, status } = error;
      context?.log("warn", "token.not_renewed", { locationId: access.id, reason, status, ...describeError(error) });
      return false;
    }
  }

  async function renewNow(access: LocationAccess): Promise<void> {
    const outcome = await renewOnce?.(access.id, access.tokenVersion, "wait");
    if (outcome === "refused") await throwRefusal(access.id);
  }

  async function throwRefusal(locationId: string): Promise<never> {
    const { tokenRefusal, needsReauthorization = true } = (await findLocationAccess(db, locationId)) ?? {};
    const reason = needsReauthorization ? "needs_reauthorization" : "unauthorized";
    throw new Failure(reason, tokenRefusal || "HighLevel gives no new token: connect it at /oauth/install");
  }

  function open({ id, sealedToken, tokenVersion }: LocationAccess): AccessToken | undefined {
    if (sealedToken === null) return undefined;
    return { token: openAccessToken(sealer, { kind: "location", id }, sealedToken), version: tokenVersion };
  }

  return {
    get: remembered.get,
    forget: remembered.forget,
    async renew(locationId, usedVersion) {
      if (!renewOnce) return "impossible";
      const outcome = await renewOnce(locationId, usedVersion, "wait");
      remembered.forget(locationId);
      return outcome === "busy" ? "impossible" : outcome;
    },
  };
}

type RenewOnce = (locationId: string, usedVersion: number, whenLocked: "wait" | "skip") => Promise<Renewal>;

/** However many ask in this process, one renewal of one token is under way: fifty deliveries cost one connection. */
function shareRenewals(context: RenewContext): RenewOnce {
  const underWay = new Map<string, Promise<Renewal>>();
  return (locationId, usedVersion, whenLocked) => {
    const key = `${locationId} ${usedVersion} ${whenLocked}`;
    const known = underWay.get(key);
    if (known) return known;
    const renewal = renewLocation(context, { locationId, usedVersion, whenLocked });
    underWay.set(key, renewal);
    const drop = () => void underWay.delete(key);
    renewal.then(drop, drop);
    return renewal;
  };
}

function whenDue(access: LocationAccess): "not yet" | "soon" | "now" {
  const { sealedToken, sealedRefreshToken, companyId, expiresInSeconds } = access;
  if (sealedRefreshToken === null && companyId === null) return "not yet";
  const secondsLeft = sealedToken === null ? 0 : (expiresInSeconds ?? Number.POSITIVE_INFINITY);
  if (secondsLeft < minSeconds) return "now";
  return secondsLeft < earlySeconds + spreadSeconds(access) ? "soon" : "not yet";
}

/** Tokens that were given at the same time are renewed at different times, by all processes alike. */
function spreadSeconds({ id, tokenVersion }: LocationAccess): number {
  const [byte = 0] = createHash("sha256").update(`${id} ${tokenVersion}`).digest();
  return (earlySeconds * byte) / 255;
}
