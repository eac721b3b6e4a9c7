import type { EventType } from "../../model.ts";
import { type Listener, listListeners } from "../../store/events/endpoints.ts";
import type { Db } from "../../store/postgres/database.ts";

/**
 * Who wants to be told of what, as this process knows it: an event that nobody wants costs nothing. Another process knows
 * an endpoint within seconds after it is registered.
 */
export interface Listeners {
  /** The endpoints that want events of this type about this location. */
  of(type: EventType, locationId: string): Listener[];
  /** The same for any location. */
  ofType(type: EventType): Listener[];
  /** Reads anew who they are. */
  learn(): Promise<void>;
}

export function createListeners(db: Db): Listeners {
  let byType = new Map<EventType, Listener[]>();
  let lastBegun = 0;
  let lastTaken = 0;
  const ofType = (type: EventType) => byType.get(type) ?? [];
  return {
    ofType,
    of: (type, locationId) => ofType(type).filter((each) => each.locationIds?.includes(locationId) ?? true),
    async learn() {
      const turn = ++lastBegun;
      const listeners = await listListeners(db);
      // Of several that run at once the latest counts.
      if (turn < lastTaken) return;
      lastTaken = turn;
      byType = new Map();
      for (const listener of listeners) {
        for (const type of listener.events) byType.set(type, [...(byType.get(type) ?? []), listener]);
      }
    },
  };
}
