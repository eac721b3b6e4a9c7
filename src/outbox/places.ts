import type { DeliveryKind } from "../model.ts";
import { type Places, targetOf } from "../store/lanes.ts";

/**
 * The places for lanes that a process delivers at once, and how many of them each location holds. One in eight, of eight
 * or more at least two, is kept for locations that hold few: one that is alone may have all others.
 */
export function createPlaces(count: number) {
  const reserved = Math.min(Math.max(2, Math.floor(count / 8)), Math.floor(count / 4));
  const held = { highlevel: new Map<string, number>(), provider: new Map<string, number>() };
  let free = count;
  const add = (of: Map<string, number>, locationId: string, change: number) => {
    const now = (of.get(locationId) ?? 0) + change;
    if (now === 0) of.delete(locationId);
    else of.set(locationId, now);
    free -= change;
  };
  return {
    now: (): Places => ({
      free,
      reserved,
      held: { highlevel: Object.fromEntries(held.highlevel), provider: Object.fromEntries(held.provider) },
    }),
    /** Takes a place for a lane; gives what gives it back, which is called once. */
    take({ locationId, kind }: { locationId: string; kind: DeliveryKind }): () => void {
      const ofTarget = held[targetOf(kind)];
      add(ofTarget, locationId, 1);
      return () => add(ofTarget, locationId, -1);
    },
  };
}
