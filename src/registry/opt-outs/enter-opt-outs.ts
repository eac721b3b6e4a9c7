import { normalizeAddress } from "../../formats/address.ts";
import type { OptOutChannel } from "../../model.ts";
import { findOptOut, keyOf, type OptOutKey } from "../../store/consent/opt-outs.ts";
import { enqueueDeliveries } from "../../store/deliveries.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { OptOut } from "../../store/schema.ts";
import { type ConsentOf, changeConsents } from "./change-consents.ts";

/** Whom it is about; undefined for what is no address, and for a sender's name or a short code: nobody writes to those. */
export function readPerson(channel: OptOutChannel, given: string): string | undefined {
  const person = normalizeAddress(channel === "email" ? "email" : "sms", given);
  // Of a chat whose account stands in it.
  const isPerson = channel === "email" || /^(\+|id:[0-9a-f]{8}:)/.test(person ?? "");
  return isPerson ? person : undefined;
}

/** Keeps that this person is not to be written to, whatever they may say later. */
export async function enterOptOut(db: Db, person: OptOutKey & { note: string | undefined }): Promise<OptOut> {
  const { note, ...about } = person;
  await change(db, [{ ...about, change: "stop", cause: "operator", detail: note }]);
  return (await findOptOut(db, about)) as OptOut;
}

/** Lets somebody be written to again. */
export async function liftOptOut(db: Db, { locationId, channel, address }: OptOut): Promise<OptOut> {
  const about = { locationId, channel, address };
  await change(db, [{ ...about, change: "start", cause: "operator" }]);
  return (await findOptOut(db, about)) as OptOut;
}

export interface ImportedOptOut {
  address: string;
  note?: string | undefined;
}

/** Keeps that none of these people is to be written to: all of them or none. Gives how many of them are new. */
export async function importOptOuts(
  db: Db,
  { locationId, channel }: Omit<OptOutKey, "address">,
  rows: ImportedOptOut[],
): Promise<number> {
  const news = rows.map(({ address, note }): ConsentOf => {
    return { locationId, channel, address, change: "stop", cause: "import", detail: note };
  });
  const changed = await change(db, news);
  return new Set(changed.map(keyOf)).size;
}

async function change(db: Db, news: ConsentOf[]): Promise<OptOut[]> {
  return db.transaction(async (tx) => {
    const { changed, owed } = await changeConsents(tx, news);
    await enqueueDeliveries(tx, owed);
    return changed;
  });
}
