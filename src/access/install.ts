import { InvalidRequest } from "../errors.ts";
import type { OauthClient } from "../highlevel/oauth.ts";
import type { InstallEvent } from "../highlevel/webhook.ts";
import type { Log } from "../log.ts";
import type { Sealer } from "../secrets/seal.ts";
import { addCompany, disconnectCompany, findCompany, putCompany } from "../store/companies.ts";
import {
  adoptLocation,
  disconnectLocation,
  disconnectLocationsOfCompany,
  expireTokens,
  noteInstall,
  resumeLocationsOfCompany,
} from "../store/installs.ts";
import { putLocation } from "../store/locations.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Location } from "../store/schema.ts";
import { sealTokens } from "./sealed-tokens.ts";

/** What a person has connected: one sub-account, or an agency, whose locations follow when they are first needed. */
export interface Connection {
  kind: "location" | "company";
  id: string;
}

/** Installs of the marketplace app, as far as a browser goes through them. */
export interface Installer {
  /** Where a person chooses what to connect; HighLevel sends the browser back with the state and a code. */
  authorizeUrl(state: string): string;
  /** Takes the code that came back. Throws a Failure with HighLevel's words. */
  connect(code: string): Promise<Connection>;
}

export interface InstallContext {
  db: Db;
  sealer: Sealer;
  log: Log;
  oauth: OauthClient;
}

export interface InstallOptions {
  app: { clientId: string; authorizeUrl: string; scopes: string };
  redirectUri: string;
  onConnected: (connected: Connection) => void;
}

export function createInstaller(options: InstallContext & InstallOptions): Installer {
  const { db, sealer, log, oauth, app, redirectUri, onConnected } = options;
  return {
    authorizeUrl(state) {
      const url = new URL(app.authorizeUrl);
      const query = { response_type: "code", redirect_uri: redirectUri, client_id: app.clientId, scope: app.scopes };
      for (const [name, value] of Object.entries({ ...query, state })) url.searchParams.set(name, value);
      return url.href;
    },

    async connect(code) {
      const installation = await oauth.exchangeCode({ code, redirectUri });
      const connected: Connection =
        installation.userType === "Location"
          ? { kind: "location", id: installation.locationId }
          : { kind: "company", id: installation.companyId };
      const { id } = connected;
      const tokens = sealTokens(sealer, connected, installation);
      if (connected.kind === "location") {
        await putLocation(db, { id, ...tokens });
      } else {
        await db.transaction(async (tx) => {
          await putCompany(tx, { id, ...tokens });
          await resumeLocationsOfCompany(tx, id);
        });
      }
      log("info", `${connected.kind}.connected`, { [`${connected.kind}Id`]: id });
      onConnected(connected);
      return connected;
    },
  };
}

/** A location whose tokens come from its agency's. Throws an InvalidRequest while the agency is not connected. */
export async function registerAgencyLocation(
  { db }: { db: Db },
  location: { id: string; name?: string | undefined; companyId: string },
): Promise<Location> {
  const { id, name, companyId } = location;
  if ((await findCompany(db, companyId))?.sealedRefreshToken) {
    return putLocation(db, { id, name, companyId, sealedToken: null });
  }
  throw new InvalidRequest("invalid", "the agency is not connected", [
    { path: "companyId", message: `unknown agency ${companyId}: install the app for it at /oauth/install first` },
  ]);
}

/**
 * Takes HighLevel's word that the app was installed or uninstalled; gives what came of it, for the log. The events come
 * before or after the redirect that brings the tokens, more than once, and late: one from before the last change of what
 * it is about changes nothing. Anybody's app can make HighLevel sign such an event, so another app's is ignored.
 */
export async function applyInstallEvent(
  tx: Db,
  event: InstallEvent,
  known: { clientId: string | undefined; at: Date | undefined },
): Promise<string> {
  const { appId, type } = event;
  if (known.clientId === undefined)
    return `${type} ignored: the bridge has no client id of an app, by HIGHLEVEL_CLIENT_ID or entered`;
  if (appId !== known.clientId.split("-")[0]) return `${type} ignored: it is about another app, ${appId ?? "unnamed"}`;
  if (type === "INSTALL") return applyInstall(tx, event, known.at);
  return known.at ? applyUninstall(tx, event, known.at) : doubtUninstall(tx, event);
}

async function applyInstall(tx: Db, event: InstallEvent, at: Date | undefined): Promise<string> {
  const { locationId, companyId } = event;
  const result = await install(tx, event, at);
  if (at) await noteInstall(tx, { locationId, companyId, at });
  return result;
}

async function install(tx: Db, event: InstallEvent, at: Date | undefined): Promise<string> {
  const { locationId, companyId } = event;
  if (companyId === undefined) return `INSTALL of location ${locationId ?? "unnamed"}: its redirect brings the tokens`;
  await addCompany(tx, companyId);
  if (locationId === undefined) return `INSTALL of agency ${companyId}: its redirect brings the tokens`;
  const isAdopted = await adoptLocation(tx, { locationId, companyId, at });
  return isAdopted
    ? `INSTALL of location ${locationId}: it gets its tokens by agency ${companyId}`
    : `INSTALL of location ${locationId} changes nothing: it is connected, or was changed since`;
}

const uninstalled = "the app was uninstalled: install it again at /oauth/install";

/**
 * HighLevel does not always tell when it was: then it may have been before the last install, and takes nothing away. If it
 * is true HighLevel refuses to renew the tokens, and what lives by them waits to be connected again.
 */
async function doubtUninstall(tx: Db, { locationId, companyId }: InstallEvent): Promise<string> {
  await expireTokens(tx, { locationId, companyId });
  return `UNINSTALL of ${locationId ?? companyId ?? "nobody"} without a timestamp: HighLevel is asked for new tokens`;
}

async function applyUninstall(tx: Db, event: InstallEvent, at: Date): Promise<string> {
  const { locationId, companyId } = event;
  const nothing = "changes nothing: it is not connected by the app, or was connected again since";
  if (locationId !== undefined) {
    const isDone = await disconnectLocation(tx, { locationId, at, detail: uninstalled });
    return `UNINSTALL of location ${locationId} ${isDone ? "took its tokens away" : nothing}`;
  }
  if (companyId === undefined) return "UNINSTALL ignored: it names neither a location nor an agency";
  if (!(await disconnectCompany(tx, { id: companyId, at }))) return `UNINSTALL of agency ${companyId} ${nothing}`;
  const locationIds = await disconnectLocationsOfCompany(tx, companyId, uninstalled);
  return `UNINSTALL of agency ${companyId} took its tokens away, and those of ${locationIds.length} locations`;
}
