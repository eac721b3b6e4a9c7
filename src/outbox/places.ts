import type { Places } from "../store/lanes/claim-lanes.ts";
import { type HeldLane, targetOf } from "../store/lanes/held-lane.ts";

/**
 * The places for lanes that a process delivers at once, and how many of them each location and each mapping holds. One in
 * eight, of eight or more at least two, is kept for locations that hold few: one that is alone may have all others. Of
 * those as many again are kept for its other mappings.
 */
export function createPlaces(count: number) {
  const reserved = Math.min(Math.max(2, Math.floor(count / 8)), Math.floor(count / 4));
  const held = { highlevel: new Map<string, number>(), provider: new Map<string, number>() };
  const heldByMapping = new Map<string, number>();
  const maxOfMapping = Math.max(1, count - 2 * reserved);
  let free = count;
  const add = (to: Map<string, number>, id: string, change: number) => {
    const now = (to.get(id) ?? 0) + change;
    if (now === 0) to.delete(id);
    else to.set(id, now);
  };
  return {
    now: (): Places => ({
      free,
      reserved,
      held: { highlevel: Object.fromEntries(held.highlevel), provider: Object.fromEntries(held.provider) },
      heldByMapping: Object.fromEntries(heldByMapping),
      maxOfMapping,
    }),
    /** Takes a place for a lane; gives what gives it back, which is called once. */
    take({ locationId, mappingId, kind }: Pick<HeldLane, "locationId" | "mappingId" | "kind">): () => void {
      const change = (by: number) => {
        add(held[targetOf(kind)], locationId, by);
        add(heldByMapping, `${locationId} ${mappingId}`, by);
        free -= by;
      };
      change(1);
      return () => change(-1);
    },
  };
}
