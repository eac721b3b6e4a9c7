import { and, eq, isNotNull, sql } from "drizzle-orm";
import type { HighlevelMessageType } from "../../model.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import { columnsOf } from "../postgres/columns.ts";
import type { Db } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";
import { type Conversation, conversations, type Message, messages } from "../schema.ts";

/** Which message of an account a receipt is about: by our id of it, by the provider's or the Message-ID, or by both. */
export interface SentMessageKey {
  accountId: string;
  /** In digits. */
  reference: string | undefined;
  providerMessageId: string;
}

export interface SentMessageRow {
  accountId: string;
  message: Message;
  conversation: Conversation;
  /** Of the mapping that sent it. */
  type: HighlevelMessageType;
}

const messageColumns = columnsOf<Message>(messages);
const conversationColumns = columnsOf<Conversation>(conversations);

/**
 * The messages that we sent and that receipts are about, each with its conversation, in the order of their ids, locked
 * until the transaction ends. By the provider's id all numbers of the account are searched, which takes its time where there
 * are thousands: what its reference and its id name alike is not.
 */
export async function lockSentMessages(tx: Db, keys: SentMessageKey[]): Promise<SentMessageRow[]> {
  if (keys.length === 0) return [];
  const rows = await lockSent(tx, { keys: JSON.stringify(keys) });
  return rows.map((row) => ({
    accountId: row["accountId"] as string,
    type: row["mappingType"] as HighlevelMessageType,
    message: messageColumns.read(row),
    conversation: conversationColumns.read(row),
  }));
}

const lockSent = prepare<{ keys: string }, Record<string, unknown>>(
  "lock-sent-messages",
  (value) => sql`
    with keys as materialized (
      select * from json_to_recordset(${value("keys")}::json) as input (
        "accountId" uuid, reference bigint, "providerMessageId" text
      )
    ), referred as materialized (
      select m.id, keys."accountId", keys."providerMessageId", m.provider_message_id = keys."providerMessageId" as is_same
      from keys join messages m on m.id = keys.reference
      join mappings on mappings.id = m.mapping_id and mappings.account_id = keys."accountId"
    ), unsure as (
      select "accountId", "providerMessageId" from keys
      except select "accountId", "providerMessageId" from referred where is_same
    ), sought as (
      select id, "accountId" from referred
      union
      select m.id, unsure."accountId" from unsure join mappings on mappings.account_id = unsure."accountId"
      join messages m on m.mapping_id = mappings.id and m.provider_message_id = unsure."providerMessageId"
      union
      select m.id, unsure."accountId" from unsure join messages m on lower(m.rfc_message_id) = lower(unsure."providerMessageId")
      join mappings on mappings.id = m.mapping_id and mappings.account_id = unsure."accountId"
      where unsure."providerMessageId" like '%@%' and m.rfc_message_id is not null
    )
    select "accountId", mappings.type as "mappingType", ${messageColumns.list}, ${conversationColumns.list}
    from sought
    join messages on messages.id = sought.id
    join mappings on mappings.id = messages.mapping_id
    join conversations on conversations.id = messages.conversation_id
    where messages.direction = 'outbound'
    order by messages.id
    for no key update of messages`,
);

/**
 * Keeps what receipts made of messages that are locked. A provider's id that another message of the mapping has is not
 * taken over. An integrator's gateway may give what is none of its own, such as the same word each time; receipts then go
 * by our reference alone.
 */
export async function keepFates(tx: Db, changed: Message[]): Promise<void> {
  if (changed.length === 0) return;
  const fates = changed.map(({ id, mappingId, state, error, recipients, leftOut, providerMessageId, rfcMessageId }) => {
    return { id, mappingId, state, error, recipients, leftOut, providerMessageId, rfcMessageId };
  });
  await keep(tx, { fates: JSON.stringify(fates) });
}

/** A state goes forward only: there are few. */
const maxFates = 20;

const keep = prepare<{ fates: string }>(
  "keep-fates",
  (value) => sql`
    with fates as materialized (
      select *, row_number() over (partition by "mappingId", "providerMessageId" order by id) = 1 as is_first
      from json_to_recordset(${value("fates")}::json) as input (
        id bigint, "mappingId" uuid, state text, error jsonb, recipients jsonb, "leftOut" int, "providerMessageId" text,
        "rfcMessageId" text
      )
    )
    update messages
    set fates = case when messages.state = fates.state or jsonb_array_length(messages.fates) >= ${sql.raw(String(maxFates))} then messages.fates
        else coalesce(messages.fates, '[]') || jsonb_build_object('at', now(), 'state', fates.state) end,
      rfc_message_id = fates."rfcMessageId", state = fates.state, error = fates.error, recipients = fates.recipients,
      left_out = fates."leftOut",
      provider_message_id = case when fates."providerMessageId" is null or not is_first or exists (
          select from messages other
          where other.mapping_id = messages.mapping_id and other.id <> messages.id
            and other.provider_message_id = fates."providerMessageId"
        ) then messages.provider_message_id else fates."providerMessageId" end
    from fates
    where messages.id = fates.id`,
);

export interface SentEmailKey {
  mappingId: string;
  rfcMessageId: string;
}

/** As which an email stands in what `findSentEmails` gives. */
export const emailKeyOf = ({ mappingId, rfcMessageId }: SentEmailKey) => `${mappingId} ${rfcMessageId.toLowerCase()}`;

/** Which of these emails, by their Message-IDs, went out by these mappings, and to whom. */
export async function findSentEmails(tx: Db, sought: SentEmailKey[]): Promise<Map<string, string>> {
  if (sought.length === 0) return new Map();
  const rfcMessageId = sql<string>`lower(${messages.rfcMessageId})`;
  const mappingIds = [...new Set(sought.map(({ mappingId }) => mappingId))];
  const lowerCased = sought.map((each) => each.rfcMessageId.toLowerCase());
  const found = await tx
    .select({ mappingId: sql<string>`${messages.mappingId}`, rfcMessageId, address: conversations.address })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(
      and(
        isAnyOf(rfcMessageId, lowerCased),
        isNotNull(messages.rfcMessageId),
        isAnyOf(messages.mappingId, mappingIds, "uuid"),
        eq(messages.direction, "outbound"),
      ),
    );
  return new Map(found.map((email) => [emailKeyOf(email), email.address]));
}
