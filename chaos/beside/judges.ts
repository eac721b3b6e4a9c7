import type { StoredMessage } from "../../src/sandbox/state.ts";
import { type Accepted, judge, numberOf } from "../../test/support/load.ts";
import { nameSome, verdictWords } from "../verdict-words.ts";
import type { AskedSend, HeardEvent } from "./door.ts";

/** A message of an import. */
export interface PastMessage {
  id: string;
  date: string;
  direction: "inbound" | "outbound";
  person: string;
  text: string;
}

/** Each is there once, the oldest of each person first, with its date and in its direction. */
export function judgeImport(
  rows: PastMessage[],
  accepted: Accepted[],
  stored: Pick<StoredMessage, "altId" | "dateAdded" | "direction">[],
): string[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const ids = new Set(byId.keys());
  const changed = stored.flatMap(({ altId = "", dateAdded, direction }) => {
    const row = byId.get(altId);
    return row && (row.date !== dateAdded || row.direction !== direction) ? [altId] : [];
  });
  return [...verdictWords(judge(ids, ids, accepted)), ...nameSome("with another date or direction", changed)];
}

/**
 * Each that was acknowledged to HighLevel has been taken; what came again came by the same key, and before anything later of the
 * same person: that goes out once the one before it is recorded.
 */
export function judgeSends(ids: Set<string>, asked: AskedSend[]): string[] {
  const taken = firstOf(
    asked.filter(({ isTaken }) => isTaken),
    ({ key }) => key,
  );
  const accepted = taken.map(({ to, text }) => ({ altId: text, address: to, text }));
  const latest = new Map<string, number>();
  const late = asked.flatMap(({ to, text }) => {
    const before = latest.get(to) ?? 0;
    latest.set(to, Math.max(before, numberOf(text)));
    return numberOf(text) < before ? [text] : [];
  });
  return [...verdictWords(judge(ids, ids, accepted)), ...nameSome("after a later one", late)];
}

/** No more have been taken than might be, however often each was asked for. */
export function judgeTaken(asked: AskedSend[], mayBe: number): string[] {
  const taken = new Set(asked.filter(({ isTaken }) => isTaken).map(({ key }) => key));
  return taken.size > mayBe ? [`${taken.size} were sent where ${mayBe} might be`] : [];
}

/** Each message that was acknowledged was told by one event, which may have come again, and those of a person in their order. */
export function judgeReceived(acknowledged: Set<string>, sent: Set<string>, heard: HeardEvent[]): string[] {
  const told = firstOf(heard, ({ id }) => id).map(({ data }) => ({
    altId: data.providerMessageId,
    address: data.address,
    text: [data.subject, data.text].join(" "),
  }));
  return verdictWords(judge(acknowledged, sent, told));
}

/** The same for what has become of messages, which provider and person may tell in any order. */
export function judgeDelivered(ids: Set<string>, heard: HeardEvent[]): string[] {
  const told = firstOf(heard, ({ id }) => id).map(({ data }) => data.highlevelMessageId ?? "none");
  const seen = new Set<string>();
  const doubled = told.filter((id) => seen.has(id) || !seen.add(id));
  const missing = [...ids].filter((id) => !seen.has(id));
  const invented = told.filter((id) => !ids.has(id));
  return [...nameSome("lost", missing), ...nameSome("doubled", doubled), ...nameSome("invented", invented)];
}

/** Without what came again. */
function firstOf<Item>(items: Item[], keyOf: (item: Item) => string): Item[] {
  const seen = new Set<string>();
  return items.filter((item) => !seen.has(keyOf(item)) && seen.add(keyOf(item)));
}
