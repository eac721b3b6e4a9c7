import type { Db } from "../store/database.ts";
import { findLocation } from "../store/locations.ts";
import type { Sealer } from "../store/seal.ts";
import { type Remembered, remember } from "./remember.ts";

/** A location's token, and which one it is. */
export interface AccessToken {
  token: string;
  version: number;
}

export type AccessTokens = Remembered<AccessToken>;

export const tokenContext = (locationId: string) => `token of location ${locationId}`;

export function createAccessTokens(options: { db: Db; sealer: Sealer }): AccessTokens {
  const { db, sealer } = options;
  const load = async (locationId: string): Promise<AccessToken | undefined> => {
    const location = await findLocation(db, locationId);
    if (!location?.sealedToken) return undefined;
    return { token: sealer.open(location.sealedToken, tokenContext(locationId)), version: location.tokenVersion };
  };
  return remember(load, { seconds: 5 });
}
