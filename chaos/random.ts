import { createRandom as createSeeded } from "../test/support/random.ts";

/** Numbers from 0 up to 1 that follow from a seed and a name: the same choices in every run with it. */
export function createRandom(seed: number, name: string): () => number {
  return createSeeded([...name].reduce((sum, character) => Math.imul(sum, 31) + character.charCodeAt(0), seed));
}

/** One of them or none, each as often as it says. */
export function drawOne<Item>(random: () => number, items: [Item, number][]): Item | undefined {
  let rest = random();
  for (const [item, rate] of items) {
    if (rest < rate) return item;
    rest -= rate;
  }
  return undefined;
}
