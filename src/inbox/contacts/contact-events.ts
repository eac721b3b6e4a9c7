import { normalizeMailbox } from "../../formats/mailbox.ts";
import { normalizePhoneNumber } from "../../formats/phone-number.ts";
import type { ContactEvent } from "../../highlevel/webhook.ts";
import { forgetContacts, forgetFormerContacts } from "../../store/people/contacts.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { WebhookOutcome } from "../../store/received-webhooks.ts";

export interface ToldContact {
  /** The webhook's. */
  id: number;
  event: ContactEvent;
}

/**
 * Keeps true who is which contact. One that was deleted, or went into another one, is forgotten: whoever writes next is found
 * anew. So is who had a number or mailbox that HighLevel now tells of another contact.
 */
export async function applyContactEvents(tx: Db, told: ToldContact[]): Promise<WebhookOutcome[]> {
  const known = told.filter(isWhole);
  const changed = [
    ...(await forgetContacts(
      tx,
      known.filter(({ event }) => event.isDeleted).map(({ id, event }) => ({ id, ...event })),
    )),
    ...(await forgetFormerContacts(
      tx,
      known
        .filter(({ event }) => !event.isDeleted)
        .flatMap(({ id, event }) => {
          return addressesIn(event).map((address) => ({ id, ...event, address }));
        }),
    )),
  ];
  const counts = new Map<number, number>();
  for (const id of changed) counts.set(id, (counts.get(id) ?? 0) + 1);
  return told.map(({ id }) => {
    const count = counts.get(id);
    if (count === undefined) return { id, state: "ignored", reason: "a contact of which nothing changes here" };
    return { id, state: "processed", reason: `${count} of its conversations here find their contact anew` };
  });
}

type WholeContact = ToldContact & { event: ContactEvent & { locationId: string; contactId: string } };
const isWhole = (told: ToldContact): told is WholeContact =>
  told.event.locationId !== undefined && told.event.contactId !== undefined;

const addressesIn = ({ phone, email }: ContactEvent): string[] =>
  [phone && normalizePhoneNumber(phone), email && normalizeMailbox(email)].flatMap((address) => address || []);
