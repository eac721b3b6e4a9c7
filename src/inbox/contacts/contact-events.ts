import { normalizePerson } from "../../formats/address.ts";
import { normalizeMailbox } from "../../formats/mailbox.ts";
import type { ContactEvent } from "../../highlevel/webhook.ts";
import { oweDndAnew } from "../../registry/opt-outs/change-consents.ts";
import type { NewDelivery } from "../../store/deliveries.ts";
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
 * anew. So is who had a number or mailbox that HighLevel now tells of another contact, which is told of an opt-out, too.
 */
export async function applyContactEvents(
  tx: Db,
  told: ToldContact[],
): Promise<{ outcomes: WebhookOutcome[]; owed: NewDelivery[] }> {
  const known = told.filter(isWhole);
  const deleted = known.filter(({ event }) => event.isDeleted).map(({ id, event }) => ({ id, ...event }));
  const present = known
    .filter(({ event }) => !event.isDeleted)
    .flatMap(({ id, event }) => addressesIn(event).map((address) => ({ id, ...event, address })));
  const forgotten = await forgetContacts(tx, deleted);
  const passedOn = await forgetFormerContacts(tx, present);
  const counts = new Map<number, number>();
  for (const id of [...forgotten, ...passedOn.map((each) => each.id)]) counts.set(id, (counts.get(id) ?? 0) + 1);
  const outcomes = told.map(({ id }): WebhookOutcome => {
    const count = counts.get(id);
    if (count === undefined) return { id, state: "ignored", reason: "a contact of which nothing changes here" };
    return { id, state: "processed", reason: `${count} of its conversations here find their contact anew` };
  });
  const people = passedOn.map(({ locationId, address }) => ({ locationId, address }));
  return { outcomes, owed: await oweDndAnew(tx, people) };
}

type WholeContact = ToldContact & { event: ContactEvent & { locationId: string; contactId: string } };
const isWhole = (told: ToldContact): told is WholeContact =>
  told.event.locationId !== undefined && told.event.contactId !== undefined;

const addressesIn = ({ phone, email }: ContactEvent): string[] =>
  [phone && normalizePerson("sms", phone), email && normalizeMailbox(email)].flatMap((address) => address || []);
