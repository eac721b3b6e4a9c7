import { dayAt, instantOf, weekdayOf } from "../../formats/times/local-time.ts";
import { type Weekday, weekdays } from "../../model.ts";

/** When people may be written to, by the clocks where they are. Over midnight it is of the day on which it begins. */
export interface SendWindow {
  /** As in `09:00`. */
  from: string;
  /** Up to `24:00`. */
  until: string;
  /** Null for every day. */
  days: Weekday[] | null;
}

/** What is not found within it comes never. */
const horizonMs = 8 * 86_400_000;

/**
 * When it is within the window in all of these zones, `fromMs` or later; with the zone for which that had to be waited. Undefined
 * where it never is.
 */
export function nextOpening(
  window: SendWindow,
  zones: readonly string[],
  fromMs: number,
): { atMs: number; zone: string | undefined } | undefined {
  let found: { atMs: number; zone: string | undefined } = { atMs: fromMs, zone: undefined };
  const turns = zones.map((zone) => ({ zone, spans: spansOf(window, zone, fromMs) }));
  for (let isOpen = false; !isOpen; ) {
    isOpen = true;
    for (const { zone, spans } of turns) {
      const span = spans.find(({ untilMs }) => untilMs > found.atMs);
      if (!span) return undefined;
      if (span.fromMs <= found.atMs) continue;
      found = { atMs: span.fromMs, zone };
      isOpen = false;
    }
  }
  return found;
}

/** The window of each day in a zone, from the day before on. */
function spansOf({ from, until, days }: SendWindow, zone: string, aroundMs: number) {
  const [begins, ends] = [minutesOf(from), minutesOf(until)];
  const [first, last] = [dayAt(zone, aroundMs) - 1, dayAt(zone, aroundMs + horizonMs)];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    .filter((day) => days === null || days.includes(weekdays[weekdayOf(day)] ?? "mon"))
    .map((day) => ({
      fromMs: instantOf(zone, day, begins),
      untilMs: instantOf(zone, ends > begins ? day : day + 1, ends),
    }));
}

const minutesOf = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
