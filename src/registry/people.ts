import { eraseParts } from "../store/messages/parts.ts";
import { type Erased, eraseConversations, eraseMentions, listAccountIds } from "../store/operate/erase-person.ts";
import { findPeople, listOwnNumbers } from "../store/operate/find-messages.ts";
import type { Db } from "../store/postgres/database.ts";
import { addressForms } from "./address-forms.ts";

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

/** Erases all that is kept of a person: what they wrote, what they were written, and the webhooks that name them. */
export async function erasePerson(db: Db, person: PersonInReach): Promise<Erased> {
  const { address, locationIds } = person;
  const ids = await findConversationsOf(db, person);
  const addresses = addressForms(address, await listOwnNumbers(db, locationIds));
  const erased = await db.transaction(async (tx) => {
    await eraseParts(tx, { addresses, locationIds });
    return eraseConversations(tx, ids);
  });
  const accountIds = await listAccountIds(db, locationIds);
  const words = wordsOf(addresses);
  for (let after: number | undefined = 0; after !== undefined; ) {
    const step: Awaited<ReturnType<typeof eraseMentions>> = await eraseMentions(db, { accountIds, words, after });
    erased.webhooks += step.erased;
    after = step.walkedTo;
  }
  return erased;
}

/** As they stand in a form, in JSON or in a mail. Short codes and senders' names could be anybody's words. */
function wordsOf(forms: string[]): string[] {
  const words = forms.flatMap((form) => {
    const plain = form.toLowerCase();
    if (/^\+\d{8,}$/.test(form)) return [form.slice(1)];
    return plain.includes("@") ? [plain, encodeURIComponent(plain)] : [];
  });
  return [...new Set(words.map((word) => word.toLowerCase()))];
}
