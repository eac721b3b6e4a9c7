import type { MessagePart, ProviderMessage } from "../../model.ts";
import { closeParts, findParts, type NewPart, type PartSet, storeParts } from "../../store/messages/parts.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { MessagePartRow, Webhook } from "../../store/schema.ts";
import type { RoutedEvent } from "../read-webhook.ts";
import { composeLatePart, composeParts } from "./compose-parts.ts";

/** A message that is a part of a longer one. */
type Part = ProviderMessage & { part: MessagePart };

/** Is it one, which waits for the others or is passed over? */
export const isPart = (event: RoutedEvent["event"]): event is Part => event.kind === "message" && Boolean(event.part);

interface Routed {
  reading: { webhook: Webhook };
  events: RoutedEvent[];
}

/**
 * Puts texts together that come in parts, in whichever order: the last one that comes becomes the whole, under the id of the
 * first part. Until then each is kept, and stays a part among the events. What was kept for too long is read again, and
 * becomes what is there, with a notice in place of what is missing. The accounts must be locked. Costs nothing where there
 * are none.
 */
export async function joinParts<Given extends Routed>(tx: Db, routed: Given[]): Promise<Given[]> {
  const sets = routed.flatMap(({ events }) => events.flatMap((each) => setOf(each) ?? []));
  if (sets.length === 0) return routed;
  const known = new Map<string, Known[]>();
  for (const row of await findParts(tx, sets)) known.set(keyOf(row), [...(known.get(keyOf(row)) ?? []), row]);
  const joined = routed.map((each) => {
    const { id: webhookId } = each.reading.webhook;
    return { ...each, events: each.events.flatMap((event) => take(known, event, webhookId)) };
  });
  const all = [...known.values()].flat();
  await closeParts(
    tx,
    all.flatMap((row) => (isNewlyClosed(row) ? row : [])),
  );
  await storeParts(
    tx,
    all.flatMap(({ id, waitsUntil: _waits, ...row }) => (id === undefined ? row : [])),
  );
  return joined;
}

/** A part that is stored, or is new and has no id yet. */
type Known = NewPart & Partial<Pick<MessagePartRow, "id" | "waitsUntil">>;

/** Of those that were closed before, the content is gone. */
const isNewlyClosed = (row: Known): row is Known & { id: number } =>
  row.id !== undefined && row.state !== "waiting" && row.content !== null;

function setOf({ event, mapping }: RoutedEvent): PartSet | undefined {
  if (!isPart(event) || !mapping) return undefined;
  const { ref, total } = event.part;
  return { mappingId: mapping.id, person: event.from, ref, total };
}

const keyOf = ({ mappingId, person, ref, total }: PartSet) => JSON.stringify([mappingId, person, ref, total]);

/** What becomes of an event: of a part itself where it waits, else a whole, or none. */
function take(known: Map<string, Known[]>, routed: RoutedEvent, webhookId: number): RoutedEvent[] {
  const { event } = routed;
  const set = setOf(routed);
  if (!set || !isPart(event)) return [routed];
  const rows = known.get(keyOf(set)) ?? [];
  const waiting = rows.filter(({ state }) => state === "waiting");
  const { number, total } = event.part;
  const same = rows.find(({ providerMessageId }) => providerMessageId === event.providerMessageId);
  if (same && isOverdue(same)) return [{ ...routed, event: close(waiting, "broken") }];
  // Its own webhook, which is read again, is no duplicate of itself.
  if (same) return [same.webhookId === webhookId ? routed : { ...routed, event: duplicate }];
  const { providerMessageId } = event;
  const row: Known = { ...set, number, providerMessageId, webhookId, state: "waiting", content: event };
  known.set(keyOf(set), [...rows, row]);
  if (waiting.length === 0 && isLate(rows, number)) {
    row.state = "broken";
    return [{ ...routed, event: composeLatePart(row) }];
  }
  // Its number is taken: another text of the same name has begun, and the first one will not be whole any more.
  const isOther = waiting.some((each) => each.number === number);
  const before = isOther ? [{ ...routed, event: close(waiting, "broken") }] : [];
  const mine = isOther ? [row] : [...waiting, row];
  return [...before, mine.length === total ? { ...routed, event: close(mine, "joined") } : routed];
}

/** Stored, and waits no more, as the others did not come. */
const isOverdue = ({ id, state, waitsUntil }: Known) => id !== undefined && state === "waiting" && waitsUntil === null;

/** Did all the others go without it? */
function isLate(rows: Known[], number: number): boolean {
  const broken = rows.filter(({ state }) => state === "broken");
  return broken.length > 0 && broken.every((row) => row.number !== number);
}

const duplicate = { kind: "ignored", reason: "duplicate: a part with this providerMessageId is known" } as const;

function close(rows: Known[], state: "joined" | "broken"): ProviderMessage {
  const message = composeParts(rows);
  for (const row of rows) row.state = state;
  return message;
}
