import { isChatId, normalizePerson } from "../../formats/address.ts";
import { normalizeMailbox } from "../../formats/mailbox.ts";
import { type DndEntry, isOurDnd } from "../../highlevel/contacts.ts";
import type { DndEvent } from "../../highlevel/webhook.ts";
import { dndNames } from "../../model.ts";
import { type ConsentOf, changeConsents } from "../../registry/opt-outs/change-consents.ts";
import { channelsWithin } from "../../registry/opt-outs/channels.ts";
import { listAddressesOf } from "../../store/consent/opt-outs.ts";
import type { NewDelivery } from "../../store/deliveries.ts";
import { findLocation } from "../../store/locations.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { WebhookOutcome } from "../../store/received-webhooks.ts";

export interface DndUpdate {
  /** The webhook's. */
  id: number;
  event: DndEvent;
}

/** Takes in, in the order given, what HighLevel tells of whether contacts may be written to. */
export async function applyDndUpdates(
  tx: Db,
  updates: DndUpdate[],
): Promise<{ outcomes: WebhookOutcome[]; owed: NewDelivery[] }> {
  const outcomes: WebhookOutcome[] = [];
  const news: ConsentOf[] = [];
  for (const { id, event } of updates) {
    const told = await consentsOf(tx, event);
    news.push(...told);
    outcomes.push(
      told.length > 0 ? { id, state: "processed", reason: undefined } : { id, state: "ignored", reason: noNews },
    );
  }
  return { outcomes, owed: (await changeConsents(tx, news)).owed };
}

const noNews = "it says nothing of texts or emails to somebody who is known here, or what the bridge has set itself";

/**
 * What somebody has set in HighLevel of whether a contact may be written to, for all addresses of the contact that are known
 * here. What the bridge has set itself is no news. Where HighLevel says that the contact may be, and the person does not want
 * it, HighLevel is told again.
 */
async function consentsOf(tx: Db, { locationId, contactId, ...event }: DndEvent): Promise<ConsentOf[]> {
  if (locationId === undefined || contactId === undefined || !(await findLocation(tx, locationId))) return [];
  const addresses = [...(await listAddressesOf(tx, locationId, contactId)), ...addressesIn(event)];
  return [...new Set(addresses)].flatMap((address): ConsentOf[] => {
    const isText = isChatId(address) || !address.includes("@");
    return channelsWithin(isText ? "sms" : "email").flatMap((channel): ConsentOf[] => {
      const news = newsOf(event, event.settings[dndNames[channel]]);
      return news ? [{ ...news, locationId, channel, address, cause: "highlevel" }] : [];
    });
  });
}

type News = Pick<ConsentOf, "change" | "detail" | "onlyOf" | "isToRepeat">;

/** What is set for everything says more than what the channel was set to before. */
function newsOf({ isForAll }: Pick<DndEvent, "isForAll">, entry: DndEntry | undefined): News | undefined {
  const isSet = entry !== undefined && entry.status !== "inactive";
  if (isForAll && !isSet) return { change: "stop", detail: forAll };
  if (!entry) return isForAll === false ? { change: "start", onlyOf: forAll } : undefined;
  if (isOurDnd(entry)) return undefined;
  return isSet ? { change: "stop", detail: entry.message } : { change: "start", isToRepeat: true };
}

const forAll = "for everything";

function addressesIn({ phone, email }: Pick<DndEvent, "phone" | "email">): string[] {
  return [phone && normalizePerson("sms", phone), email && normalizeMailbox(email)].flatMap((address) => address || []);
}
