import { and, desc, eq, gte, isNotNull, lt, type SQL, sql } from "drizzle-orm";
import type { WebhookSource, WebhookState } from "../../model.ts";
import { isWithin } from "../accounts.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import type { Db } from "../postgres/database.ts";
import { listNewest, maxWalked, type Page, rowsOfEach, type Walk } from "../postgres/walk-newest.ts";
import { accounts, conversations, mappings, messages, type Webhook, webhooks } from "../schema.ts";
import { isReached, type WebhookReach } from "../webhooks.ts";
import { findMessages, type MessageSearch, namesMessage, namesPerson } from "./find-messages.ts";

export const listedColumns = {
  id: webhooks.id,
  accountId: webhooks.accountId,
  source: webhooks.source,
  state: webhooks.state,
  reason: webhooks.reason,
  receivedAt: webhooks.receivedAt,
};
export type ListedWebhook = Pick<Webhook, keyof typeof listedColumns>;

export interface WebhookFilter extends WebhookReach {
  state?: WebhookState | undefined;
  source?: WebhookSource | undefined;
  accountId?: string | undefined;
  /** Of accounts that serve this location. */
  locationId?: string | undefined;
  /** Words of it. */
  reason?: string | undefined;
  from?: Date | undefined;
  until?: Date | undefined;
}

/**
 * Newest first, without their bodies. However few fit, it looks at no more than some thousands: then `walkedTo` says where
 * to go on.
 */
export async function listWebhooks(
  db: Db,
  page: WebhookFilter & MessageSearch & { before?: number | undefined; limit: number },
): Promise<Page<ListedWebhook>> {
  const walks = await walkWebhooks(db, page);
  return listNewest(db, walks, page, (tx, isWalked) =>
    tx
      .select(listedColumns)
      .from(webhooks)
      .where(and(isWalked, ...webhookConditionsOf(page)))
      .orderBy(desc(webhooks.id))
      .limit(page.limit),
  );
}

/** By the messages that they brought; those that failed have indexes of their own; else by accounts, or all. None where nothing can fit. */
export async function walkWebhooks(db: Db, page: Parameters<typeof listWebhooks>[1]): Promise<Walk[]> {
  const { locationIds, locationId, accountId, state, limit, isToMapping } = page;
  if (namesMessage(page) || namesPerson(page)) {
    const brought = await findWebhooksOf(db, await findMessages(db, page));
    return brought.length > 0 ? [{ table: webhooks, condition: isAnyOf(webhooks.id, brought), rows: maxWalked }] : [];
  }
  const hasFailed = state === "failed" ? eq(webhooks.state, state) : undefined;
  const isFiltered = [state, page.source, page.reason, page.from, page.until].some(Boolean);
  if (accountId === undefined && locationIds === undefined && locationId === undefined) {
    if (hasFailed) return [{ table: webhooks, condition: hasFailed, rows: maxWalked }];
    const amongApps = isToMapping && !isFiltered ? 1_000 : 0;
    return [{ table: webhooks, rows: amongApps + rowsOfEach(1, limit, isFiltered) }];
  }
  const values = accountId === undefined ? await findAccountIds(db, page) : [accountId];
  const rows = hasFailed ? maxWalked : rowsOfEach(values.length, limit, isFiltered);
  const parts = { column: webhooks.accountId, values, type: "uuid" as const, areFew: hasFailed !== undefined };
  return values.length > 0 ? [{ table: webhooks, condition: hasFailed, parts, rows }] : [];
}

async function findWebhooksOf(db: Db, messageIds: number[]): Promise<number[]> {
  const found = await db
    .selectDistinct({ id: messages.webhookId })
    .from(messages)
    .where(and(isAnyOf(messages.id, messageIds), isNotNull(messages.webhookId)));
  return found.flatMap(({ id }) => id ?? []);
}

async function findAccountIds(db: Db, { locationIds, locationId }: WebhookFilter): Promise<string[]> {
  const found = await db
    .select({ id: accounts.id })
    .from(accounts)
    .where(and(locationIds && isWithin(locationIds), locationId === undefined ? undefined : serves(locationId)));
  return found.map(({ id }) => id);
}

/** An account that is the operator's alone serves those that are mapped in it. */
const serves = (locationId: string) => sql`(
  ${accounts.locationIds} @> array[${locationId}]::text[]
  or ${accounts.id} in (select ${mappings.accountId} from ${mappings} where ${eq(mappings.locationId, locationId)})
)`;

export function webhookConditionsOf(filter: WebhookFilter): (SQL | undefined)[] {
  const { accountId, locationId, state, source, reason, from, until } = filter;
  const isOfLocation = sql`${webhooks.accountId} in (select ${accounts.id} from ${accounts} where ${serves(locationId ?? "")})`;
  return [
    isReached(filter),
    accountId === undefined ? undefined : eq(webhooks.accountId, accountId),
    locationId === undefined ? undefined : isOfLocation,
    state === undefined ? undefined : eq(webhooks.state, state),
    source === undefined ? undefined : eq(webhooks.source, source),
    reason === undefined ? undefined : sql`strpos(lower(${webhooks.reason}), ${reason.toLowerCase()}) > 0`,
    from === undefined ? undefined : gte(webhooks.receivedAt, from),
    until === undefined ? undefined : lt(webhooks.receivedAt, until),
  ];
}

/** What a webhook brought, and whom that is about. */
export interface BroughtMessage {
  id: number;
  mappingId: string | null;
  address: string;
}

export async function findBrought(
  db: Db,
  webhookIds: number[],
  { locationIds }: WebhookReach,
): Promise<Map<number, BroughtMessage[]>> {
  const found = await db
    .select({
      webhookId: messages.webhookId,
      id: messages.id,
      mappingId: messages.mappingId,
      address: conversations.address,
    })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(
      and(
        isNotNull(messages.webhookId),
        isAnyOf(messages.webhookId, webhookIds),
        locationIds && isAnyOf(conversations.locationId, locationIds),
      ),
    )
    .orderBy(messages.id);
  const brought = new Map<number, BroughtMessage[]>(webhookIds.map((id) => [id, []]));
  for (const { webhookId, ...message } of found) brought.get(webhookId ?? 0)?.push(message);
  return brought;
}
