import type { IgnoredEvent } from "../model.ts";
import type { ProviderReading } from "../providers/reading.ts";
import type { Db } from "../store/postgres/database.ts";
import { findUsedEventIds } from "../store/received-webhooks.ts";
import type { AccountWebhook, WebhookReading } from "./read-webhook.ts";

export type AccountReading = WebhookReading<ProviderReading> & AccountWebhook;

/** What a webhook shares with no other of its account, where its provider's signature covers little besides. */
export function eventIdOf(reading: AccountReading): string | undefined {
  const nonce = "content" in reading ? reading.content.nonce : undefined;
  return nonce === undefined ? undefined : `${reading.account.id} ${nonce}`;
}

/**
 * What came first under a nonce has used it up, also when nothing of it was bridged. What comes again, a retry or another
 * content under a recorded signature, says nothing. The accounts must be locked.
 */
export async function countOnce(tx: Db, readings: AccountReading[]): Promise<AccountReading[]> {
  const eventIds = readings.flatMap((each) => eventIdOf(each) ?? []);
  const webhookIds = readings.map(({ webhook }) => webhook.id);
  const used = await findUsedEventIds(tx, eventIds, webhookIds);
  return readings.map((reading) => {
    const eventId = eventIdOf(reading);
    if (eventId === undefined) return reading;
    if (used.has(eventId)) return { ...reading, content: { events: [usedUp], nonce: undefined } };
    used.add(eventId);
    return reading;
  });
}

const usedUp: IgnoredEvent = { kind: "ignored", reason: "duplicate: its signature was for what came first under it" };
