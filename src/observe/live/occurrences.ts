import { z } from "zod";
import { deliveryKinds, type OccurrenceKind, occurrenceKinds } from "../../model.ts";
import type { DescribedMessage, OccurrenceParts } from "../../store/operate/find-occurrence-parts.ts";

/** What happened, in ids: it goes so from process to process, and whoever may see what it is about reads that. */
const occurrence = z.object({
  what: z.enum(occurrenceKinds),
  at: z.iso.datetime(),
  messageId: z.number().optional(),
  webhookId: z.number().optional(),
  deliveryId: z.number().optional(),
  accountId: z.uuid().optional(),
  mappingId: z.uuid().optional(),
  locationId: z.string().optional(),
  provider: z.string().optional(),
  kind: z.enum(deliveryKinds).optional(),
  /** Why it was refused, or how an attempt ended. */
  reason: z.string().optional(),
  status: z.number().optional(),
  durationMs: z.number().optional(),
});
export type Occurrence = z.output<typeof occurrence>;

/** The same with what is stored of it. */
export type DescribedOccurrence = Occurrence & Partial<Pick<DescribedMessage, "direction" | "state" | "address">>;

/** One that is told, and the locations that a key must reach to see it; undefined for what belongs to none. */
export interface Told {
  item: DescribedOccurrence;
  locationIds: string[] | undefined;
}

const troubles = new Set<OccurrenceKind>(["held", "refused", "failed", "dead", "retrying"]);
/** It did not go as it should. */
export const isTrouble = (what: OccurrenceKind): boolean => troubles.has(what);

type Fields = Record<string, unknown>;

/** By the line of the log that tells of it. */
const kinds: Record<string, (fields: Fields) => OccurrenceKind | undefined> = {
  "webhook.processed": ({ state, receipts, held }) => {
    if (state === "failed" || state === "ignored") return state;
    if (typeof held === "number" && held > 0) return "held";
    return receipts === undefined ? "received" : "receipt";
  },
  "webhook.refused": () => "refused",
  "delivery.attempted": ({ state }) => (state === "delivered" || state === "dead" ? state : "retrying"),
};

/** What a line of the log tells; undefined for one that tells of nothing of the kind. */
export function readLine(event: string, fields: Fields): Occurrence | undefined {
  const what = kinds[event]?.(fields);
  if (what === undefined) return undefined;
  const text = (name: string) => textOf(fields[name]);
  const number = (name: string) => numberOf(fields[name]);
  // Flat, and by no schema: each of a busy process's lines is read while somebody watches.
  return {
    what,
    at: new Date().toISOString(),
    messageId: number("messageId"),
    webhookId: number("webhookId"),
    deliveryId: number("deliveryId"),
    accountId: text("accountId"),
    mappingId: text("mappingId"),
    locationId: text("locationId"),
    provider: text("provider"),
    kind: deliveryKinds.find((kind) => kind === fields["kind"]),
    reason: text("reason") ?? text("outcome"),
    status: number("status"),
    durationMs: number("durationMs"),
  };
}

const textOf = (value: unknown) => (typeof value === "string" ? value : undefined);
const numberOf = (value: unknown) => (typeof value === "number" ? value : undefined);

const bundle = z.object({ missed: z.number(), seen: z.array(occurrence) });

/** What other processes say is theirs, and they may be of another version: what is not understood is missed. */
export function readBundle(words: string): z.output<typeof bundle> {
  try {
    return bundle.parse(JSON.parse(words));
  } catch {
    return { missed: 1, seen: [] };
  }
}

/** As few texts as hold them all, each of so many characters at most. */
export function toBundles(seen: Occurrence[], missed: number, maxLength: number): string[] {
  const texts: string[] = [];
  let some: string[] = [];
  let length = 0;
  const end = () => {
    texts.push(`{"missed":${texts.length === 0 ? missed : 0},"seen":[${some.join(",")}]}`);
    [some, length] = [[], 0];
  };
  for (const each of seen) {
    const text = JSON.stringify(each);
    if (length + text.length > maxLength) end();
    some.push(text);
    length += text.length + 1;
  }
  end();
  return texts;
}

/** Of a webhook with several messages each is told. */
export function describeOccurrence(seen: Occurrence, { messages, ofWebhooks, locations }: OccurrenceParts): Told[] {
  const { messageId, webhookId = 0, accountId, mappingId, locationId } = seen;
  const found = (messageId === undefined ? ofWebhooks.get(webhookId) : messages.get(messageId)) ?? [];
  if (found.length === 0) {
    const whole = locations.get(accountId ?? mappingId ?? "");
    return [{ item: seen, locationIds: locationId === undefined ? whole : [locationId] }];
  }
  return found.map(({ id, webhookId: _webhookId, ...message }) => ({
    item: { ...seen, ...message, mappingId: message.mappingId ?? undefined, messageId: id },
    locationIds: [message.locationId],
  }));
}
