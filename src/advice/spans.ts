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

/** As in `3 min ago`, or `in 20 s`. */
export function describeTime(at: Date, now: Date): string {
  const ms = now.getTime() - at.getTime();
  if (Math.abs(ms) < 1000) return "now";
  return ms > 0 ? `${describeSpan(ms)} ago` : `in ${describeSpan(-ms)}`;
}

/** As in `2026-01-31 09:30:00 UTC`. */
export const describeUtc = (at: Date) => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** As in `14:02 UTC`, or `2026-01-30 14:02 UTC` of another day. */
export function describeMinute(at: Date, now: Date): string {
  const [day, time = ""] = describeUtc(at).split(" ");
  const minute = `${time.slice(0, 5)} UTC`;
  return describeUtc(now).startsWith(`${day} `) ? minute : `${day} ${minute}`;
}
