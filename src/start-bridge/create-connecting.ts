import { type Connection, createInstaller, type InstallContext } from "../access/install.ts";
import type { Doors } from "../calls/doors.ts";
import { type ChecksContext, createChecks } from "../checks/checks.ts";
import type { Config } from "../config.ts";
import type { Wake } from "../model.ts";
import type { Database } from "../store/postgres/database.ts";
import type { Access } from "./open-access.ts";

/** What connects locations and numbers, and looks whether they are connected rightly. */
export function createConnecting(
  config: Config,
  parts: Omit<InstallContext, "oauth"> &
    Omit<ChecksContext, "people" | "callApi" | "findApp" | "callsPerDay"> &
    Access & { database: Database; doors: Doors; onWork: Wake },
) {
  const { findOauth, marketplaceApp, accessTokens, database, doors, onWork, ...context } = parts;
  const { people } = database;
  const redirectUri = `${config.publicUrl}/oauth/callback`;
  const onConnected = ({ id }: Connection) => {
    accessTokens.forget(id);
    onWork("deliveries");
  };
  return {
    sandboxUrl: config.sandboxUrl,
    checks: createChecks({
      ...context,
      sandboxUrl: config.sandboxUrl,
      callsPerDay: config.highlevelRequests.perDay,
      people,
      accessTokens,
      callApi: doors.callApi,
      findApp: marketplaceApp.find,
    }),
    async findInstaller() {
      const [app, oauth] = [await marketplaceApp.find(), await findOauth()];
      return (
        app &&
        oauth &&
        createInstaller({ ...context, oauth, app: { ...config.oauth, ...app }, redirectUri, onConnected })
      );
    },
  };
}
