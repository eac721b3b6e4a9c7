import type { Places } from "../store/lanes/claim-lanes.ts";
import { type HeldLane, targetOf } from "../store/lanes/held-lane.ts";

/** A lane that has held its place longer is slow: its place is not free for a while. */
const slowAfterMs = 1000;

/**
 * The places for lanes that a process delivers at once, and how many of them each location and each mapping holds. One in
 * eight, of eight or more at least two, is kept for locations that hold few: one that is alone may have all others. Of
 * those as many again are kept for its other mappings.
 */
export function createPlaces(count: number) {
  const reserved = Math.min(Math.max(2, Math.floor(count / 8)), Math.floor(count / 4));
  const held = { highlevel: new Map<string, number>(), provider: new Map<string, number>() };
  const heldByMapping = new Map<string, number>();
  const taken = new Set<{ atMs: number }>();
  let offered = 0;
  const maxOfMapping = Math.max(1, count - 2 * reserved);
  const add = (to: Map<string, number>, id: string, change: number) => {
    const now = (to.get(id) ?? 0) + change;
    if (now === 0) to.delete(id);
    else to.set(id, now);
  };
  return {
    now: (): Places => ({
      free: Math.max(0, count - taken.size - offered),
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
      };
      const place = { atMs: performance.now() };
      taken.add(place);
      change(1);
      return () => {
        taken.delete(place);
        change(-1);
      };
    },
    /**
     * Keeps places for lanes that are leased as they become due: half of the free ones, beside those that are reserved for
     * locations and mappings that hold few. Gives how many, and what ends that, which is called once.
     */
    offer(): { places: number; end(): void } {
      const places = Math.max(0, Math.floor((count - taken.size - offered - 2 * reserved) / 2));
      offered += places;
      const end = () => {
        offered -= places;
      };
      return { places, end };
    },
    /** Of those that no slow lane holds. */
    areHalfFree(): boolean {
      const slowSince = performance.now() - slowAfterMs;
      const slow = [...taken].filter(({ atMs }) => atMs < slowSince).length;
      return taken.size - slow <= (count - slow) / 2;
    },
  };
}
