import { describeSpan } from "../../advice/spans.ts";

/** As in `3 min ago`, or `in 20 s`. */
export function describeTime(at: Date, now: Date): string {
  const ms = now.getTime() - at.getTime();
  if (Math.abs(ms) < 1000) return "now";
  return ms > 0 ? `${describeSpan(ms)} ago` : `in ${describeSpan(-ms)}`;
}

/** As in `2026-01-31 09:30:00 UTC`. */
export const describeUtc = (at: Date) => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
