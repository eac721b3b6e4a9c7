import { eq, or } from "drizzle-orm";
import type { Direction, MessageState } from "../../model.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import type { Db } from "../postgres/database.ts";
import { accounts, conversations, mappings, messages } from "../schema.ts";

export interface OccurrenceIds {
  messageId?: number | undefined;
  webhookId?: number | undefined;
  accountId?: string | undefined;
  mappingId?: string | undefined;
}

export interface DescribedMessage {
  id: number;
  webhookId: number | null;
  direction: Direction;
  state: MessageState;
  address: string;
  locationId: string;
  mappingId: string | null;
}

export interface OccurrenceParts {
  messages: Map<number, DescribedMessage[]>;
  ofWebhooks: Map<number, DescribedMessage[]>;
  /** Of accounts and of mappings, by their ids, the locations. */
  locations: Map<string, string[]>;
}

/** What there is to know of what happened: by three statements, however much it was. */
export async function findOccurrenceParts(db: Db, seen: OccurrenceIds[]): Promise<OccurrenceParts> {
  const messageIds = seen.flatMap(({ messageId }) => messageId ?? []);
  const webhookIds = seen.flatMap(({ messageId, webhookId }) => (messageId === undefined ? (webhookId ?? []) : []));
  const ids = [...new Set(seen.flatMap(({ accountId, mappingId }) => accountId ?? mappingId ?? []))];
  const found = await db
    .select({
      ...{ id: messages.id, webhookId: messages.webhookId, direction: messages.direction, state: messages.state },
      ...{ address: conversations.address, locationId: conversations.locationId, mappingId: messages.mappingId },
    })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(or(isAnyOf(messages.id, messageIds), isAnyOf(messages.webhookId, webhookIds)));
  const ofAccounts = await db
    .select({ id: accounts.id, locationIds: accounts.locationIds })
    .from(accounts)
    .where(isAnyOf(accounts.id, ids, "uuid"));
  const ofMappings = await db
    .select({ id: mappings.id, locationId: mappings.locationId })
    .from(mappings)
    .where(isAnyOf(mappings.id, ids, "uuid"));
  return {
    messages: groupBy(found, ({ id }) => id),
    ofWebhooks: groupBy(found, ({ webhookId }) => webhookId),
    // What was registered alone is account and mapping by one id: the account's locations are more.
    locations: new Map([
      ...ofMappings.map(({ id, locationId }): [string, string[]] => [id, [locationId]]),
      ...ofAccounts.map(({ id, locationIds }): [string, string[]] => [id, locationIds]),
    ]),
  };
}

function groupBy<Item>(items: Item[], keyOf: (item: Item) => number | null): Map<number, Item[]> {
  const groups = new Map<number, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key !== null) groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}
