import { remember } from "../concurrency/remember.ts";
import { openUserContext, type UserContext } from "../highlevel/user-context.ts";
import type { Log } from "../log.ts";
import type { Sealer } from "../secrets/seal.ts";
import { deleteMarketplaceApp, findMarketplaceApp, putMarketplaceApp } from "../store/operate/marketplace-apps.ts";
import type { Db } from "../store/postgres/database.ts";
import { resumeRenewable } from "../store/trouble/paused-locations.ts";

/** The app in HighLevel's marketplace: what locations are connected by, and what its custom pages are opened with. */
export interface AppSecrets {
  clientId: string;
  clientSecret: string;
  /** What HighLevel tells the app's pages by who looks at them. */
  sharedSecret?: string | undefined;
}

export interface MarketplaceApp {
  /** As it is set in the environment, or else as it was entered. Undefined while there is none. */
  find(): Promise<(AppSecrets & { from: "environment" | "console" }) | undefined>;
  /** The id alone, in a transaction. */
  findClientId(tx: Db): Promise<string | undefined>;
  isSet: boolean;
  /** Has another process been told of another app since? */
  isOutdated(app: AppSecrets): Promise<boolean>;
  /** Other processes go by it within five seconds. Gives the locations that may get tokens again by it. */
  enter(secrets: AppSecrets): Promise<string[]>;
  remove(): Promise<boolean>;
}

/** Its secrets are sealed for nobody else. */
export const appContext = "secrets of the marketplace app";

export function createMarketplaceApp(options: {
  db: Db;
  sealer: Sealer;
  log: Log;
  /** By the environment, which wins where it names an app. */
  given: { [Name in keyof AppSecrets]?: string | undefined };
}): MarketplaceApp {
  const { db, sealer, log } = options;
  const { clientId, clientSecret, sharedSecret } = options.given;
  const given = clientId && clientSecret ? { clientId, clientSecret, sharedSecret } : undefined;
  const entered = remember(
    async () => {
      const app = await findMarketplaceApp(db);
      return app && { ...readSecrets(sealer.open(app.sealedSecrets, appContext)), clientId: app.clientId };
    },
    { seconds: 5 },
  );

  return {
    isSet: given !== undefined,
    async find() {
      if (given) return { ...given, from: "environment" };
      const app = await entered.get("");
      return app && { ...app, from: "console" };
    },
    async isOutdated({ clientId, clientSecret }) {
      if (given) return false;
      entered.forget("");
      const now = await entered.get("");
      return now !== undefined && (now.clientId !== clientId || now.clientSecret !== clientSecret);
    },
    findClientId: async (tx) => given?.clientId ?? (await findMarketplaceApp(tx))?.clientId,
    async enter({ clientId, ...secrets }) {
      await putMarketplaceApp(db, { clientId, sealedSecrets: sealer.seal(JSON.stringify(secrets), appContext) });
      entered.forget("");
      return resumeLocations({ db, log });
    },
    async remove() {
      const isRemoved = await deleteMarketplaceApp(db);
      entered.forget("");
      return isRemoved;
    },
  };
}

/** Nobody but this process's like has sealed them. */
const readSecrets = (json: string) => JSON.parse(json) as Omit<AppSecrets, "clientId">;

/** The app's id or secret may be another one than HighLevel refused. Where they are not, it refuses them once more. */
export async function resumeLocations({ db, log }: { db: Db; log: Log }): Promise<string[]> {
  const resumed = await resumeRenewable(db);
  if (resumed.length > 0)
    log("info", "locations.resumed", { count: resumed.length, locationIds: resumed.slice(0, 20) });
  return resumed;
}

/** Undefined for what HighLevel has not said, whatever is wrong with it. */
export function readUserContext(encrypted: string, sharedSecret: string): UserContext | undefined {
  try {
    return openUserContext(encrypted, sharedSecret);
  } catch {
    return undefined;
  }
}
