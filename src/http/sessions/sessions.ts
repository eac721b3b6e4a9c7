import { createHmac, randomBytes } from "node:crypto";
import { type MarketplaceApp, readUserContext } from "../../access/marketplace-app.ts";
import { findKeyByHash, findKeyById } from "../../store/keys.ts";
import { findLocation } from "../../store/locations.ts";
import { deleteSession, findSession, insertSession, type Session } from "../../store/operate/sessions.ts";
import type { Db } from "../../store/postgres/database.ts";
import { type Caller, callerOfAdmin, callerOfKey, createFindCaller, hashKey } from "../caller.ts";

type FindApp = Pick<MarketplaceApp, "find">;

/** Who is signed in, by a token that stands in a cookie and nowhere else. */
export interface Sessions {
  /** A token for the holder of a key; undefined where the key opens nothing. */
  begin(key: string): Promise<{ token: string; caller: Caller } | undefined>;
  /** Undefined once it has ended, or its key has. */
  callerOf(token: string): Promise<Caller | undefined>;
  end(token: string): Promise<void>;
  /** The same as with ADMIN_API_KEY, for the code of a link; undefined once it was used or has ended. */
  beginByCode(code: string): Promise<{ token: string; caller: Caller } | undefined>;
  /** For whom HighLevel says that looks at a page of the app there. */
  beginInside(context: string): Promise<{ token: string; caller: Caller } | "forged" | "not connected">;
}

/** A day's work. */
export const sessionHours = 12;
/** Who goes on is asked again, without noticing. */
export const insideHours = 1;

/**
 * What is stored is a hash of the token; for the holder of ADMIN_API_KEY it is made with that key, so that the session ends
 * when the key is replaced. An integrator's ends with its row.
 */
export function createSessions(context: { db: Db; adminApiKeys: string[]; marketplaceApp: FindApp }): Sessions {
  const { db, adminApiKeys, marketplaceApp } = context;
  const findCaller = createFindCaller({ db, adminApiKeys });
  const hashesOf = (token: string) => [integrator, ...adminApiKeys].map((owner) => hashToken(owner, token));
  const findSecret = async () => (await marketplaceApp.find())?.sharedSecret;
  const sessions: Sessions = {
    async begin(key) {
      const caller = await findCaller(`Bearer ${key}`);
      if (!caller) return undefined;
      const isAdmin = caller.who === "admin";
      const found = isAdmin ? undefined : await findKeyByHash(db, hashKey(key));
      if (!isAdmin && !found) return undefined;
      const token = randomBytes(32).toString("base64url");
      const hash = hashToken(isAdmin ? key : integrator, token);
      await insertSession(db, { hash, keyId: found?.id ?? null }, sessionHours);
      return { token, caller };
    },
    async callerOf(token) {
      const secret = await findSecret();
      const inside = secret === undefined ? [] : [hashInside(secret, token)];
      const session = await findSession(db, [...hashesOf(token), ...inside]);
      if (!session) return undefined;
      if (inside.includes(session.hash)) return callerOfUser(db, session);
      if (session.keyId === null) return callerOfAdmin();
      const key = await findKeyById(db, session.keyId);
      return key && callerOfKey(db, key);
    },
    async end(token) {
      for (const hash of hashesOf(token)) await deleteSession(db, hash);
    },
    async beginByCode(code) {
      for (const key of adminApiKeys) if (await deleteSession(db, hashCode(key, code))) return sessions.begin(key);
      return undefined;
    },
    async beginInside(encrypted) {
      const secret = await findSecret();
      const user = secret === undefined ? undefined : readUserContext(encrypted, secret);
      if (secret === undefined || !user) return "forged";
      const location = await findLocation(db, user.locationId);
      if (!location) return "not connected";
      // Where it is known of which agency the location is, the context must be of that one.
      if (location.companyId !== null && location.companyId !== user.companyId) return "forged";
      const token = randomBytes(32).toString("base64url");
      const { userId, locationId } = user;
      const who = { keyId: null, userId, locationId, access: user.isAdmin ? "write" : "read" } as const;
      await insertSession(db, { hash: hashInside(secret, token), ...who }, insideHours);
      const caller = await callerOfUser(db, who);
      return caller ? { token, caller } : "not connected";
    },
  };
  return sessions;
}

/** As long as the location is there. */
async function callerOfUser(db: Db, user: Omit<Session, "hash">): Promise<Caller | undefined> {
  const { userId, locationId, access } = user;
  if (!locationId || !access || !(await findLocation(db, locationId))) return undefined;
  return { who: `user ${userId}`, access, locationIds: [locationId], isToMapping: true, isInside: true, ids: {} };
}

/** A link that signs in the holder of ADMIN_API_KEY, once and within a quarter of an hour; the key is not in it. */
export async function makeSignInLink(context: { db: Db; adminApiKeys: string[]; publicUrl: string }): Promise<string> {
  const code = randomBytes(32).toString("base64url");
  await insertSession(context.db, { hash: hashCode(context.adminApiKeys[0] ?? "", code), keyId: null }, 0.25);
  return `${context.publicUrl}/console/sign-in?code=${code}`;
}

const integrator = "";
/** No token of a cookie has the hash of a code. */
const hashCode = (key: string, code: string) => hashToken(`code ${key}`, code);
/** With the app's shared secret: the session ends when that is replaced. */
const hashInside = (secret: string, token: string) => hashToken(`inside ${secret}`, token);
const hashToken = (owner: string, token: string) => createHmac("sha256", owner).update(token).digest("hex");
