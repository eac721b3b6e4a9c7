const units: [seconds: number, word: string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** As in `3 min`; of the largest unit alone. */
export function describeSpan(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  const [size, word] = units.find(([each]) => seconds >= each) ?? [1, "s"];
  const count = seconds / size;
  return `${count < 10 && word === "s" ? count.toFixed(1).replace(/\.0$/, "") : Math.floor(count)} ${word}`;
}
