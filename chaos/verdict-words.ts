import type { Verdict } from "../test/support/load.ts";

const mostNamed = 5;

/** What is wrong by a verdict, in words; empty for one without faults. */
export function verdictWords(verdict: Verdict): string[] {
  const words: [string, string[]][] = [
    ["lost", verdict.missing],
    ["doubled", verdict.doubled],
    ["out of order", verdict.outOfOrder],
    ["invented", verdict.invented],
    ["misplaced", verdict.misplaced],
  ];
  return words.flatMap(([word, ids]) => nameSome(word, ids));
}

/** How many there are, and some of them; empty where there is none. */
export const nameSome = (what: string, ids: string[]): string[] =>
  ids.length > 0 ? [`${ids.length} ${what}: ${ids.slice(0, mostNamed).join(", ")}`] : [];
