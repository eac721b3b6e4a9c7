import { createHash } from "node:crypto";
import type { Request, RequestHandler, Response } from "express";
import type { Log } from "../log.ts";
import type { KeyAccess } from "../model.ts";
import { isOneOf } from "../secrets/compare.ts";
import { findKeyByHash, findKeyById, type LiveKey, noteKeyUse } from "../store/keys.ts";
import type { Db } from "../store/postgres/database.ts";
import { Problem } from "./problem.ts";

/** Who calls the admin or the send route, and what that key reaches. Store functions take it as their filter. */
export interface Caller {
  /** `admin`, `key 7`, or `user` and the id of a user of HighLevel. */
  who: string;
  access: KeyAccess;
  /** The locations that the key reaches; undefined for all. */
  locationIds: string[] | undefined;
  /** Sees webhooks to mappings alone. The app's own belong to no location: they are for the holder of ADMIN_API_KEY. */
  isToMapping: boolean;
  /** Is it a user of HighLevel, who looks at a page of the app there? */
  isInside?: boolean;
  /** What the request is about, for the log: ids, and nothing that names a person. */
  ids: Record<string, string | number>;
}

/**
 * Lets nobody on without a key: 401. Every route behind it has a caller, by `callerOf`. `noteWrite` is told of a write, also of
 * one that is refused: who, which route, the status, and the ids that it is about. Keys are asked for each time, so that one
 * that is revoked is revoked at once, for all processes.
 */
export function authenticate(
  context: { adminApiKeys: string[]; db: Db; log: Log },
  noteWrite?: ((write: Write) => void) | undefined,
): RequestHandler {
  const findCaller = createFindCaller(context);
  return async (req, res, next) => {
    const caller = await findCaller(req.headers.authorization);
    if (!caller) {
      context.log("warn", "admin.refused", { method: req.method });
      throw new Problem(401, "send the header Authorization: Bearer <ADMIN_API_KEY, or an integrator's key>", {
        headers: { "WWW-Authenticate": "Bearer" },
      });
    }
    res.locals["caller"] = caller;
    refuseNul(req);
    if (noteWrite) res.once("close", () => noteWrite(describeWrite(req, res, caller)));
    next();
  };
}

/** The caller of an `Authorization` header; undefined for a stranger. */
export function createFindCaller({ adminApiKeys, db }: { adminApiKeys: string[]; db: Db }) {
  const bearers = adminApiKeys.map((key) => `Bearer ${key}`);
  return async (authorization = ""): Promise<Caller | undefined> => {
    if (isOneOf(authorization, bearers)) return callerOfAdmin();
    const given = keyInHeader.exec(authorization)?.[1];
    const key = given === undefined ? undefined : await findKeyByHash(db, hashKey(given));
    return key && callerOfKey(db, key);
  };
}

/** The holder of ADMIN_API_KEY. */
export const callerOfAdmin = (): Caller => ({
  ...{ who: "admin", access: "write", locationIds: undefined, isToMapping: false, ids: {} },
});

/** The holder of an integrator's key, which is noted as used. */
export function callerOfKey(db: Db, { id, access, locationIds, isUseDue }: LiveKey): Caller {
  // Nobody waits for it, and nobody is refused for it.
  if (isUseDue) void noteKeyUse(db, id).catch(() => undefined);
  return { who: whoOf(id), access, locationIds: locationIds ?? undefined, isToMapping: true, ids: {} };
}

/** The same caller later on, for what outlasts a request: undefined once the key has ended. */
export async function renewCaller(db: Db, caller: Caller): Promise<Caller | undefined> {
  if (caller.who === "admin" || caller.isInside) return caller;
  const key = await findKeyById(db, keyIdIn(caller.who));
  return key && callerOfKey(db, key);
}

/** The `who` of a key or a user of HighLevel; of ADMIN_API_KEY where both are null. */
export function whoOf(keyId: number | null, userId: string | null = null): string {
  if (userId !== null) return `user ${userId}`;
  return keyId === null ? "admin" : `key ${keyId}`;
}

/** Of HighLevel, of who looks at a page of the app there. */
export const userIdOf = ({ who }: Caller) => who.replace("user ", "");

/**
 * For what goes on for as long as the key does by which it was begun: its id, null for ADMIN_API_KEY. Throws a 403, and says why,
 * where a user of HighLevel calls, who has none.
 */
export function requireKeyId({ who, isInside }: Caller, why: string): number | null {
  if (isInside) throw new Problem(403, why);
  return who === "admin" ? null : keyIdIn(who);
}

const keyIdIn = (who: string) => Number(who.replace("key ", ""));

const keyInHeader = /^Bearer (cb_[\w-]{43})$/;

/**
 * What is stored of an integrator's key. A fast hash is right here: a slow one protects passwords that could be guessed,
 * and these are 32 random bytes.
 */
export function hashKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** PostgreSQL refuses a statement with it; no id or address has one. */
function refuseNul({ originalUrl }: Request): void {
  if (originalUrl.includes("%00")) throw new Problem(400, "the URL holds a NUL");
}

/** The caller whom `authenticate` let on. */
export function callerOf(res: Response): Caller {
  const { caller } = res.locals as { caller?: Caller };
  if (caller) return caller;
  throw new Error("this route does not stand behind authenticate");
}

export interface Write {
  who: string;
  method: string;
  /** Its pattern: a path may hold a person's address. None where no route fits. */
  route: string | undefined;
  status: number;
  isAnswered: boolean;
  ids: Caller["ids"];
}

function describeWrite(req: Request, res: Response, { who, ids }: Caller): Write {
  const { path: route } = (req.route ?? {}) as { path?: string };
  return { who, method: req.method, route, status: res.statusCode, isAnswered: res.writableFinished, ids };
}

export function reaches({ locationIds }: Caller, locationId: string): boolean {
  return locationIds?.includes(locationId) ?? true;
}

/** For what names a location that may not be there yet. A location that is there is not told from one that is not. */
export function requireReach(caller: Caller, locationId: string): void {
  if (!reaches(caller, locationId)) throw new Problem(403, `this key does not reach location ${locationId}`);
}
