import { and, eq, isNotNull, sql } from "drizzle-orm";
import type { Attachment } from "../../model.ts";
import { isThere } from "../deliveries.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { messages } from "../schema.ts";

/** A call that is known, locked until the transaction ends. */
export interface LockedCall {
  messageId: number;
  conversationId: number;
  locationId: string;
  /** The providers' ids of what it holds, and the addresses of what has none; undefined once its content was deleted. */
  attachmentKeys: Set<string> | undefined;
  /** How many files it holds, those without an id too. */
  attachmentCount: number;
}

interface Row extends Omit<LockedCall, "attachmentKeys" | "attachmentCount"> {
  accountId: string;
  callId: string;
  attachmentKeys: (string | null)[] | null;
}

interface LockedCalls {
  /** Of an account, by the provider's id: one for each mapping that the call was for. */
  find(accountId: string, callId: string): LockedCall[];
  /** Does a mapping of the account post calls? */
  arePosted(accountId: string): boolean;
}

/** The calls of these accounts that have these ids, by whichever of their mappings. */
export async function lockCalls(tx: Db, keys: { accountId: string; callId: string }[]): Promise<LockedCalls> {
  if (keys.length === 0) return { find: () => [], arePosted: () => false };
  const input = JSON.stringify(keys);
  const rows = await selectRows<Row>(
    tx,
    sql`
      select input."accountId", input."callId", messages.id as "messageId", messages.conversation_id as "conversationId",
        mappings.location_id as "locationId", case when messages.content is not null then array(
          select coalesce(value ->> 'id', value ->> 'url') from jsonb_array_elements(messages.content -> 'attachments')
        ) end as "attachmentKeys"
      from (
        select distinct * from json_to_recordset(${input}::json) as told ("accountId" uuid, "callId" text)
      ) input
      join mappings on mappings.account_id = input."accountId"
      join messages on messages.mapping_id = mappings.id and messages.provider_message_id = input."callId"
      where messages.content is null or messages.content ? 'call'
      order by messages.id
      for no key update of messages`,
  );
  const posting = await selectRows<{ accountId: string }>(
    tx,
    sql`
      select distinct account_id as "accountId" from mappings
      where call_provider_id is not null and account_id in (
        select "accountId" from json_to_recordset(${input}::json) as input ("accountId" uuid)
      )`,
  );
  const calls = new Map<string, LockedCall[]>();
  for (const { attachmentKeys, ...row } of rows) {
    const key = keyOf(row);
    calls.set(key, [
      ...(calls.get(key) ?? []),
      { ...row, attachmentKeys: setOf(attachmentKeys), attachmentCount: attachmentKeys?.length ?? 0 },
    ]);
  }
  const accounts = new Set(posting.map(({ accountId }) => accountId));
  return {
    find: (accountId, callId) => calls.get(keyOf({ accountId, callId })) ?? [],
    arePosted: (accountId) => accounts.has(accountId),
  };
}

const keyOf = ({ accountId, callId }: { accountId: string; callId: string }) => `${accountId} ${callId}`;
const setOf = (keys: (string | null)[] | null) =>
  keys === null ? undefined : new Set(keys.flatMap((key) => key ?? []));

/** Is its post under way, or over? One that was given up or is held takes along what is there by then, if it is replayed. */
export function isBeingPosted(db: Db, messageId: number): Promise<boolean> {
  return isThere(db, "post-inbound", { messageId, states: ["pending", "delivered"] });
}

/** Behind those that are there, and how many more came. What was deleted after the retention time stays deleted. */
export async function appendAttachments(
  tx: Db,
  messageId: number,
  { added, leftOut }: { added: Attachment[]; leftOut: number },
): Promise<void> {
  const path = sql`array['attachments']`;
  const attachments = sql`(${messages.content} -> 'attachments') || ${JSON.stringify(added)}::jsonb`;
  await tx
    .update(messages)
    .set({
      content: sql`jsonb_set(${messages.content}, ${path}, ${attachments})`,
      leftOut: sql`nullif(coalesce(${messages.leftOut}, 0) + ${leftOut}::int, 0)`,
    })
    .where(and(eq(messages.id, messageId), isNotNull(messages.content)));
}
