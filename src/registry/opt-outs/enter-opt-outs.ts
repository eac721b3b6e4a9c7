import { normalizePerson } from "../../formats/address.ts";
import type { OptOutChannel } from "../../model.ts";
import { findOptOut, keyOf, listOptOutsOf, type OptOutKey } from "../../store/consent/opt-outs.ts";
import { enqueueDeliveries } from "../../store/deliveries.ts";
import type { Db } from "../../store/postgres/database.ts";
import { repeatOnConflict } from "../../store/postgres/database-errors.ts";
import type { OptOut } from "../../store/schema.ts";
import { said } from "./apply-consent.ts";
import { type ConsentOf, changeConsents } from "./change-consents.ts";

/** Whom it is about; undefined for what is no address, and for a sender's name or a short code: nobody writes to those. */
export function readPerson(channel: OptOutChannel, given: string): string | undefined {
  const person = normalizePerson(channel === "email" ? "email" : "sms", given);
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

/**
 * Lets somebody be written to again. What the person has said is lifted as by their START: of all texts, as one STOP may be kept
 * for several channels. What others have entered or set is lifted for its channel alone.
 */
export async function liftOptOut(db: Db, optOut: OptOut): Promise<OptOut> {
  const all = optOut.liftedAt === null && said.includes(optOut.cause) ? await listOptOutsOf(db, optOut) : [];
  const meant = [optOut, ...all.filter(({ id, cause }) => id !== optOut.id && said.includes(cause))];
  await change(
    db,
    meant.map(({ locationId, channel, address }) => {
      return { locationId, channel, address, change: "start", cause: "operator" };
    }),
  );
  return (await findOptOut(db, optOut)) as OptOut;
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
  return repeatOnConflict(() =>
    db.transaction(async (tx) => {
      const { changed, owed } = await changeConsents(tx, news);
      await enqueueDeliveries(tx, owed);
      return changed;
    }),
  );
}
