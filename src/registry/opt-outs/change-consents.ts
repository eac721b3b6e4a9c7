import {
  type Addressee,
  findConversationsFor,
  findOptOut,
  isDndPending,
  keepOptOuts,
  keyOf,
  lockOptOuts,
} from "../../store/consent/opt-outs.ts";
import { enqueueDeliveries, type NewDelivery } from "../../store/deliveries.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { OptOut } from "../../store/schema.ts";
import { applyConsent, type ConsentNews, type KnownOptOut } from "./apply-consent.ts";

/** News of whether a person may be written to. */
export interface ConsentOf extends Addressee, ConsentNews {
  /** Told again to HighLevel, which has it otherwise. */
  isToRepeat?: boolean;
}

export interface ChangedConsents {
  /** Of each person of whom something has changed, what stands now. */
  changed: OptOut[];
  /** What HighLevel is to be told, for those who have a conversation. */
  owed: NewDelivery[];
}

/**
 * Takes in, in the order given, who wants to be written to and who does not. Until the transaction ends nobody begins to send
 * to these people.
 */
export async function changeConsents(tx: Db, news: ConsentOf[]): Promise<ChangedConsents> {
  if (news.length === 0) return { changed: [], owed: [] };
  const people = new Map(news.map((each) => [keyOf(each), addresseeOf(each)]));
  const known = await lockOptOuts(tx, [...people.values()]);
  const after = new Map<string, KnownOptOut | undefined>(known);
  for (const each of news) after.set(keyOf(each), applyConsent(after.get(keyOf(each)), each));
  const changes = [...people].flatMap(([key, person]) => {
    const next = after.get(key);
    if (next === undefined || next === known.get(key)) return [];
    const { cause, detail, messageId, liftedBy } = next;
    return { ...person, cause, detail, messageId, liftedBy };
  });
  const changed = await keepOptOuts(tx, changes);
  const repeated = news.filter((each) => each.isToRepeat && after.get(keyOf(each))?.liftedBy === null);
  const unknownThere = changed.filter(({ cause, liftedBy }) => (liftedBy ?? cause) !== "highlevel");
  return { changed, owed: await oweDnd(tx, [...unknownThere, ...repeated]) };
}

const addresseeOf = ({ locationId, channel, address }: Addressee): Addressee => ({ locationId, channel, address });

/** Somebody who has opted out has become known in HighLevel, perhaps as another contact than before: it is to know it of that one. */
export async function oweStandingDnd(db: Db, person: Addressee, conversationId: number): Promise<void> {
  const optOut = await findOptOut(db, person);
  if (!optOut || optOut.liftedAt !== null || (await isDndPending(db, conversationId))) return;
  const { locationId, messageId } = optOut;
  await enqueueDeliveries(db, [{ kind: "set-dnd", conversationId, locationId, messageId: messageId ?? undefined }]);
}

/** The same of people who have another contact now, as far as they have opted out. */
export async function oweDndAnew(tx: Db, people: Addressee[]): Promise<NewDelivery[]> {
  const known = await lockOptOuts(tx, people);
  return oweDnd(
    tx,
    [...known.values()].filter(({ liftedAt }) => liftedAt === null),
  );
}

async function oweDnd(
  tx: Db,
  people: (Addressee & { messageId?: number | null | undefined })[],
): Promise<NewDelivery[]> {
  const different = new Map(people.map((person) => [keyOf(person), person]));
  const conversations = await findConversationsFor(tx, [...different.values()].map(addresseeOf));
  return [...different].flatMap(([key, { locationId, messageId }]): NewDelivery[] => {
    const conversationId = conversations.get(key);
    if (conversationId === undefined) return [];
    return [{ kind: "set-dnd", conversationId, locationId, messageId: messageId ?? undefined }];
  });
}
