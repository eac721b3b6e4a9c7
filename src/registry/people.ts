import { eraseDetails, listOptOuts } from "../store/consent/opt-outs.ts";
import {
  type Erased,
  eraseConversations,
  eraseParts,
  eraseWebhooks,
  listAccountIds,
  listWebhooksAfter,
} from "../store/operate/erase-person.ts";
import { findPeople, listOwnNumbers } from "../store/operate/find-messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { OptOut } from "../store/schema.ts";
import { addressForms } from "./address-forms.ts";
import { createMentions } from "./mentions/find-mentions.ts";

/** Who is meant, and within which locations; in all where there is no list. */
export interface PersonInReach {
  address: string;
  locationIds: string[] | undefined;
}

/** The person's conversations over all mappings that are reached. */
export async function findConversationsOf(db: Db, { address, locationIds }: PersonInReach): Promise<number[]> {
  const addresses = addressForms(address, await listOwnNumbers(db, locationIds));
  return findPeople(db, { addresses, locationIds });
}

/** Whether the person is not to be written to, or was not, in the locations that are reached; also somebody who has never written. */
export async function findOptOutsOf(db: Db, { address, locationIds }: PersonInReach): Promise<OptOut[]> {
  const addresses = addressForms(address, await listOwnNumbers(db, locationIds));
  return (await listOptOuts(db, { addresses, locationIds, isWithLifted: true, limit: 200 })).rows;
}

/**
 * Erases all that is kept of a person: what they wrote, what they were written, and the webhooks that name them. That they
 * are not to be written to stays, by the address alone.
 */
export async function erasePerson(db: Db, person: PersonInReach): Promise<Erased> {
  const { address, locationIds } = person;
  const ids = await findConversationsOf(db, person);
  const addresses = addressForms(address, await listOwnNumbers(db, locationIds));
  const erased = await db.transaction(async (tx) => {
    const counts = await eraseConversations(tx, ids);
    await eraseDetails(tx, { addresses, locationIds });
    return { ...counts, webhooks: counts.webhooks + (await eraseParts(tx, { addresses, locationIds })) };
  });
  const words = wordsOf(addresses);
  if (words.length > 0) erased.webhooks += await eraseMentions(db, { words, locationIds });
  return erased;
}

/** Empties the webhooks that name the person, such as receipts and what could not be read, and tells how many they were. */
async function eraseMentions(
  db: Db,
  { words, locationIds }: { words: string[]; locationIds: string[] | undefined },
): Promise<number> {
  const accountIds = await listAccountIds(db, locationIds);
  const mentions = createMentions();
  let count = 0;
  try {
    for (let after = 0; ; ) {
      const webhooks = await listWebhooksAfter(db, { accountIds, locationIds, after });
      const last = webhooks.at(-1);
      if (!last) return count;
      const found = await mentions.find({ words, webhooks });
      await eraseWebhooks(db, found);
      count += found.length;
      after = last.id;
    }
  } finally {
    await mentions.stop();
  }
}

/** What to look for. Short codes and senders' names could be anybody's words. */
function wordsOf(forms: string[]): string[] {
  const words = forms.flatMap((form) => {
    if (/^\+\d{8,}$/.test(form)) return [form.slice(1)];
    return form.includes("@") ? [form.toLowerCase()] : [];
  });
  return [...new Set(words)];
}
