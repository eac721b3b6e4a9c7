import type { Tokens } from "../highlevel/oauth.ts";
import type { Sealer } from "../secrets/seal.ts";
import type { SealedTokens } from "../store/locations.ts";

export const tokenContext = (locationId: string) => accessContext({ kind: "location", id: locationId });

/** Whose tokens they are; sealed ones cannot be passed off as another's. */
export interface TokenOwner {
  kind: "location" | "company";
  id: string;
}

const accessContext = ({ kind, id }: TokenOwner) => `token of ${kind} ${id}`;
const refreshContext = ({ kind, id }: TokenOwner) => `refresh token of ${kind} ${id}`;

export function sealTokens(sealer: Sealer, owner: TokenOwner, tokens: Tokens): SealedTokens {
  const { accessToken, refreshToken, lifetimeSeconds } = tokens;
  return {
    sealedToken: sealer.seal(accessToken, accessContext(owner)),
    sealedRefreshToken: refreshToken === undefined ? undefined : sealer.seal(refreshToken, refreshContext(owner)),
    lifetimeSeconds,
  };
}

/** What one of a token's columns is sealed for. */
export const contextOfColumn = (owner: TokenOwner, column: "sealed_token" | "sealed_refresh_token") =>
  column === "sealed_token" ? accessContext(owner) : refreshContext(owner);

export const openAccessToken = (sealer: Sealer, owner: TokenOwner, sealed: string) =>
  sealer.open(sealed, accessContext(owner));

export const openRefreshToken = (sealer: Sealer, owner: TokenOwner, sealed: string) =>
  sealer.open(sealed, refreshContext(owner));
