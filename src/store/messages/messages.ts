import { and, asc, desc, eq, gt, isNotNull, lt, type SQL, sql } from "drizzle-orm";
import { isAnyOf } from "../postgres/any-of.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";
import {
  type CarriedAttachment,
  type Conversation,
  conversations,
  type Message,
  type MessageContent,
  mappings,
  messages,
  type NewMessage,
} from "../schema.ts";

/** What is known of a message that was just stored. */
export type StoredMessage = Pick<Message, "id" | "conversationId" | "webhookId" | "providerMessageId">;

/**
 * Stores the messages that are new, in the order given, and gives them back. Passed over is one whose id is known in its
 * mapping, the provider's or HighLevel's, or whose idempotency key is; also one that stands twice in the list.
 */
export async function insertMessages(tx: Db, rows: NewMessage[]): Promise<StoredMessage[]> {
  if (rows.length === 0) return [];
  const input = rows.map((row, number) => ({ origin: "provider", ...row, number }));
  const stored = await insert(tx, { input: JSON.stringify(input) });
  return stored.sort((a, b) => a.id - b.id);
}

const insert = prepare<{ input: string }, StoredMessage>(
  "insert-messages",
  (value) => sql`
    insert into messages (mapping_id, conversation_id, webhook_id, origin, direction, state, provider_message_id,
      rfc_message_id, requested_id, highlevel_message_id, highlevel_email_message_id, idempotency_key, send_request,
      automatic, error, recipients, fingerprint,
      content, sent_at, received_at)
    select "mappingId", "conversationId", "webhookId", origin, direction, state, "providerMessageId",
      "rfcMessageId", "requestedId", "highlevelMessageId", "highlevelEmailMessageId", "idempotencyKey", "sendRequest",
      automatic, error, recipients, fingerprint,
      content, "sentAt", "receivedAt"
    from json_to_recordset(${value("input")}::json) as input (
      number int, "mappingId" uuid, "conversationId" bigint, "webhookId" bigint, origin text, direction text,
      state text, "providerMessageId" text, "rfcMessageId" text, "requestedId" text, "highlevelMessageId" text,
      "highlevelEmailMessageId" text, "idempotencyKey" text, "sendRequest" jsonb, automatic text, content jsonb,
      error jsonb, recipients jsonb, fingerprint text,
      "sentAt" timestamptz, "receivedAt" timestamptz
    )
    order by number
    on conflict do nothing
    returning id, conversation_id as "conversationId", webhook_id as "webhookId",
      provider_message_id as "providerMessageId"`,
);

/** A provider's id of a message of a mapping. */
export interface ProviderKey {
  mappingId: string;
  providerMessageId: string;
}

export const providerKeyOf = ({ mappingId, providerMessageId }: ProviderKey) => `${mappingId} ${providerMessageId}`;

/** The fingerprints of those of these messages that are known; null for one that has none. */
export async function findFingerprints(tx: Db, keys: ProviderKey[]): Promise<Map<string, string | null>> {
  if (keys.length === 0) return new Map();
  const rows = await selectFingerprints(tx, { keys: JSON.stringify(keys) });
  return new Map(rows.map((row) => [providerKeyOf(row), row.fingerprint]));
}

const selectFingerprints = prepare<{ keys: string }, ProviderKey & { fingerprint: string | null }>(
  "find-fingerprints",
  (value) => sql`
    select m.mapping_id as "mappingId", m.provider_message_id as "providerMessageId", m.fingerprint
    from json_to_recordset(${value("keys")}::json) as input ("mappingId" uuid, "providerMessageId" text)
    join messages m on m.mapping_id = input."mappingId" and m.provider_message_id = input."providerMessageId"`,
);

/** Keeps what became of one of a message's files. What was deleted after the retention time stays deleted. */
export async function keepAttachment(
  db: Db,
  messageId: number,
  index: number,
  attachment: CarriedAttachment,
): Promise<void> {
  const path = sql`array['attachments', ${String(index)}]`;
  await db
    .update(messages)
    .set({ content: sql`jsonb_set(${messages.content}, ${path}, ${JSON.stringify(attachment)}::jsonb)` })
    .where(and(eq(messages.id, messageId), isNotNull(messages.content)));
}

/** Sets these parts of a message's content. What was deleted after the retention time stays deleted. */
export async function keepContentParts(db: Db, messageId: number, parts: Partial<MessageContent>): Promise<void> {
  await db
    .update(messages)
    .set({ content: sql`${messages.content} || ${JSON.stringify(parts)}::jsonb` })
    .where(and(eq(messages.id, messageId), isNotNull(messages.content)));
}

export async function findMessageWithConversation(
  db: Db,
  id: number,
): Promise<{ message: Message; conversation: Conversation } | undefined> {
  const [found] = await db
    .select({ message: messages, conversation: conversations })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(eq(messages.id, id));
  return found;
}

/** With `locationIds` only if it is of one of these. `ownAddress` is the mapping's. */
export async function findMessage(db: Db, id: number, { locationIds }: { locationIds?: string[] | undefined } = {}) {
  const { address, locationId, highlevelContactId: contactId } = conversations;
  const [found] = await db
    .select({ message: messages, address, locationId, contactId, ownAddress: mappings.address })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .leftJoin(mappings, eq(mappings.id, messages.mappingId))
    .where(and(eq(messages.id, id), locationIds && isAnyOf(conversations.locationId, locationIds)));
  return found;
}

/** The messages before and after it in its conversation. */
export async function findNeighbours(db: Db, { id, conversationId }: Pick<Message, "id" | "conversationId">) {
  const near = (isNear: SQL, order: SQL) => sql<number | null>`(
    select ${messages.id} from ${messages} where ${messages.conversationId} = ${conversationId} and ${isNear} order by ${order} limit 1
  )::float8`;
  const [neighbours] = await selectRows<{ previousId: number | null; nextId: number | null }>(
    db,
    sql`select ${near(lt(messages.id, id), desc(messages.id))} as "previousId", ${near(gt(messages.id, id), asc(messages.id))} as "nextId"`,
  );
  return neighbours ?? { previousId: null, nextId: null };
}
