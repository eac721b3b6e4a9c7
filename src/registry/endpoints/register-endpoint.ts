import { randomBytes, randomUUID } from "node:crypto";
import { InvalidRequest } from "../../errors.ts";
import type { EndpointFormat, EventType } from "../../model.ts";
import { decodeSecret, webhookSecret } from "../../providers/kit/standard-webhooks.ts";
import type { Sealer } from "../../secrets/seal.ts";
import {
  countEndpoints,
  deleteEndpoint,
  type EndpointChange,
  endWaiting,
  insertEndpoint,
  updateEndpoint,
} from "../../store/events/endpoints.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { EndpointRow } from "../../store/schema.ts";
import { openTarget, sealTarget } from "./endpoint-target.ts";

/** Endpoints that somebody registers. Each function throws an InvalidRequest that names the field. */
export interface EndpointContext {
  db: Db;
  sealer: Sealer;
  /** As in `localhost:8080`: what may be called although its address is not public, and by http. */
  allowedPrivateHosts: readonly string[];
}

export interface NewEndpointInput {
  url: string;
  format: EndpointFormat;
  events: EventType[];
  locationIds: string[] | null;
  name?: string | undefined;
  secret?: string | undefined;
}

const maxEndpoints = 500;
const maxOfOneKey = 20;

/** Gives the secret, too: it is shown once. */
export async function registerEndpoint(
  { db, sealer, allowedPrivateHosts }: EndpointContext,
  input: NewEndpointInput,
  createdBy: string,
): Promise<{ row: EndpointRow; secret: string | undefined }> {
  const { url, format, events, locationIds, name } = input;
  requireUrl(url, allowedPrivateHosts);
  const { total, own } = await countEndpoints(db, createdBy);
  if (total >= maxEndpoints) throw new InvalidRequest("conflict", `there are ${maxEndpoints} endpoints already`);
  if (createdBy !== "admin" && own >= maxOfOneKey) {
    throw new InvalidRequest("conflict", `this key has registered ${maxOfOneKey} endpoints already`);
  }
  const secret = requireSecret(format, input.secret ?? newSecret);
  const id = randomUUID();
  const row = await insertEndpoint(db, {
    ...{ id, name: name ?? null, format, events, locationIds, createdBy },
    sealedTarget: sealTarget(sealer, id, { url, secrets: secret === undefined ? [] : [secret] }),
  });
  return { row, secret };
}

export interface EndpointInput {
  url?: string | undefined;
  events?: EventType[] | undefined;
  locationIds?: string[] | null | undefined;
  name?: string | null | undefined;
  /** `new` for one that is made here. The last one signs along until there is another, so that the receiver can change over. */
  secret?: string | undefined;
  isDisabled?: boolean | undefined;
}

/** Gives a secret that was made here, too: it is shown once. Undefined where the endpoint is gone meanwhile. */
export async function changeEndpoint(
  { db, sealer, allowedPrivateHosts }: EndpointContext,
  row: EndpointRow,
  { url, secret: given, events, locationIds, name, isDisabled }: EndpointInput,
): Promise<{ row: EndpointRow; secret: string | undefined } | undefined> {
  const target = openTarget(sealer, row);
  if (url !== undefined) requireUrl(url, allowedPrivateHosts);
  const secret = given === undefined ? undefined : requireSecret(row.format, given);
  const [current] = target.secrets;
  const secrets = secret === undefined ? target.secrets : [secret, ...(current === undefined ? [] : [current])];
  const change: EndpointChange = {
    ...{ events, locationIds, name, isDisabled },
    ...(isDisabled ? { disabledReason: "somebody disabled it" } : {}),
    sealedTarget: sealTarget(sealer, row.id, { url: url ?? target.url, secrets }),
  };
  const changed = await updateEndpoint(db, row.id, change);
  return changed && { row: changed, secret };
}

/** What waits for it, or was given up, is discarded. */
export async function removeEndpoint({ db }: Pick<EndpointContext, "db">, id: string): Promise<void> {
  await db.transaction(async (tx) => {
    await deleteEndpoint(tx, id);
    await endWaiting(tx, id, { state: "discarded", note: deletedNote });
  });
}

export const deletedNote = "the endpoint was deleted";

const newSecret = "new";

function requireSecret(format: EndpointFormat, given: string): string | undefined {
  if (format === "slack") {
    if (given === newSecret) return undefined;
    throw refuse("secret", "Slack's URL is the secret: leave it out");
  }
  if (given === newSecret) return `whsec_${randomBytes(32).toString("base64")}`;
  if (decodeSecret(given) !== undefined) return given;
  throw refuse("secret", `${webhookSecret.fits}; leave it out, or say new, and one is made`);
}

/** Where a name leads to is checked at each call, as for every address that came from outside. */
function requireUrl(text: string, allowedPrivateHosts: readonly string[]): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const port = url?.port || (url?.protocol === "http:" ? "80" : "443");
  const isAllowed = allowedPrivateHosts.some((host) => host.toLowerCase() === `${url?.hostname}:${port}`);
  const isFit = url && (url.protocol === "https:" || (isAllowed && url.protocol === "http:"));
  if (!isFit) throw refuse("url", "must be a URL that begins with https://");
  if (url.username || url.password) throw refuse("url", "must hold no user and no password");
}

const refuse = (path: string, message: string) =>
  new InvalidRequest("invalid", `${path}: ${message}`, [{ path, message }]);
