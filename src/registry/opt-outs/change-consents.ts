import { optOutChannels } from "../../model.ts";
import {
  type Addressee,
  findConversationsFor,
  isDndPending,
  keepOptOuts,
  keyOf,
  listOptOutsOf,
  lockOptOuts,
  type OptOutKey,
  personKeyOf,
  wakeSendsTo,
  wasDndOwed,
} from "../../store/consent/opt-outs.ts";
import { enqueueDeliveries, type NewDelivery } from "../../store/deliveries.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { OptOut } from "../../store/schema.ts";
import { applyConsent, type ConsentNews, type KnownOptOut } from "./apply-consent.ts";

/** News of whether a person may be written to. */
export interface ConsentOf extends OptOutKey, ConsentNews {
  /** Told again to HighLevel, which has it otherwise. */
  isToRepeat?: boolean;
}

export interface ChangedConsents {
  /** What has changed, as it is now. */
  changed: OptOut[];
  /** What HighLevel is to be told, for those who have a conversation. */
  owed: NewDelivery[];
}

/**
 * Takes in, in the order given, who wants to be written to and who does not. Until the transaction ends nobody begins to send
 * to these people; what waits to be sent to who wants no more is looked at again once it has ended.
 */
export async function changeConsents(tx: Db, news: ConsentOf[]): Promise<ChangedConsents> {
  if (news.length === 0) return { changed: [], owed: [] };
  const keys = new Map(news.map((each) => [keyOf(each), optOutKeyOf(each)]));
  const known = await lockOptOuts(tx, [...keys.values()]);
  const after = new Map<string, KnownOptOut | undefined>(known);
  for (const each of news) after.set(keyOf(each), applyConsent(after.get(keyOf(each)), each));
  const changes = [...keys].flatMap(([key, about]) => {
    const next = after.get(key);
    if (next === undefined || next === known.get(key)) return [];
    const { cause, detail, messageId, liftedBy } = next;
    return { ...about, cause, detail, messageId, liftedBy };
  });
  const changed = await keepOptOuts(tx, changes);
  await wakeSendsTo(
    tx,
    changed.filter(({ liftedAt }) => liftedAt === null),
  );
  const repeated = news.filter((each) => each.isToRepeat && after.get(keyOf(each))?.liftedBy === null);
  const unknownThere = changed.filter(({ cause, liftedBy }) => (liftedBy ?? cause) !== "highlevel");
  return { changed, owed: await oweDnd(tx, [...unknownThere, ...repeated]) };
}

const optOutKeyOf = ({ locationId, channel, address }: OptOutKey): OptOutKey => ({ locationId, channel, address });

/** Somebody who has opted out has become known in HighLevel, perhaps as another contact than before: it is to know it of that one. */
export async function oweStandingDnd(db: Db, person: Addressee, conversationId: number): Promise<void> {
  const optOut = (await listOptOutsOf(db, person)).find(({ liftedAt }) => liftedAt === null);
  if (!optOut || (await isDndPending(db, conversationId))) return;
  const { locationId, messageId } = optOut;
  await enqueueDeliveries(db, [{ kind: "set-dnd", conversationId, locationId, messageId: messageId ?? undefined }]);
}

/**
 * Somebody was not written to for this. HighLevel is told of it where it was not, as of those with whom nobody had written when
 * it was entered.
 */
export async function oweUntoldDnd(db: Db, optOut: OptOut): Promise<void> {
  if (optOut.cause === "highlevel") return;
  const owed = await oweDnd(db, [optOut]);
  for (const delivery of owed)
    if (!(await wasDndOwed(db, delivery.conversationId))) await enqueueDeliveries(db, [delivery]);
}

/** The same of people who have another contact now, as far as they have opted out. */
export async function oweDndAnew(tx: Db, people: Addressee[]): Promise<NewDelivery[]> {
  const keys = people.flatMap((person) => optOutChannels.map((channel) => ({ ...person, channel })));
  const known = await lockOptOuts(tx, keys);
  return oweDnd(
    tx,
    [...known.values()].filter(({ liftedAt }) => liftedAt === null),
  );
}

async function oweDnd(
  tx: Db,
  people: (Addressee & { messageId?: number | null | undefined })[],
): Promise<NewDelivery[]> {
  const different = new Map(people.map((person) => [personKeyOf(person), person]));
  const addressees = [...different.values()].map(({ locationId, address }) => ({ locationId, address }));
  const conversations = await findConversationsFor(tx, addressees);
  return [...different].flatMap(([key, { locationId, messageId }]): NewDelivery[] => {
    const conversationId = conversations.get(key);
    if (conversationId === undefined) return [];
    return [{ kind: "set-dnd", conversationId, locationId, messageId: messageId ?? undefined }];
  });
}
