import { createAccessTokens } from "../access/access-tokens.ts";
import type { InstallContext } from "../access/install.ts";
import { createMarketplaceApp, resumeLocations } from "../access/marketplace-app.ts";
import type { Doors } from "../calls/doors.ts";
import type { Config } from "../config.ts";
import { createOauthClient } from "../highlevel/oauth.ts";

/** What calls HighLevel are made with: the marketplace app, and the locations' tokens. */
export async function openAccess(
  config: Config,
  { doors, ...parts }: Omit<InstallContext, "oauth"> & { doors: Doors },
) {
  const marketplaceApp = createMarketplaceApp({ ...parts, given: config.oauth });
  const findOauth = async () => {
    const app = await marketplaceApp.find();
    if (!app) return undefined;
    const client = createOauthClient({ ...app, callApi: doors.callApi, baseUrl: config.highlevelUrl });
    return { ...client, isOutdated: () => marketplaceApp.isOutdated(app) };
  };
  const renewal = { findOauth, log: parts.log, connections: renewalConnections(config) };
  if (await marketplaceApp.find()) await resumeLocations(parts);
  return { marketplaceApp, findOauth, accessTokens: createAccessTokens({ ...parts, renewal }) };
}

export type Access = Awaited<ReturnType<typeof openAccess>>;

/** A renewal holds a connection while HighLevel answers: most of them are for everything else. */
function renewalConnections({ database }: Config): number {
  return "poolSize" in database ? Math.ceil(database.poolSize / 4) : 1;
}
