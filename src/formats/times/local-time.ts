const dayMs = 86_400_000;
const minuteMs = 60_000;

/** Is it the name of a zone, as in https://www.iana.org/time-zones? An offset is none: it knows no summer time. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return formatterOf(name) !== undefined;
  } catch {
    return false;
  }
}

/** A day of a zone's calendar, as the number of days since 1970-01-01. */
export const dayAt = (zone: string, atMs: number): number => Math.floor((atMs + offsetAt(zone, atMs)) / dayMs);

/** From 0, a Monday, to 6. */
export const weekdayOf = (day: number): number => (((day + 3) % 7) + 7) % 7;

/** As in `2026-11-28` and `09:00`. */
export function clockAt(zone: string, atMs: number): { date: string; time: string } {
  const local = new Date(atMs + offsetAt(zone, atMs)).toISOString();
  return { date: local.slice(0, 10), time: local.slice(11, 16) };
}

/**
 * When it is so many minutes after a day's midnight by the clocks of a zone. A time that comes twice, as the clocks are set
 * back, is the first one; one that is left out, as they are set forward, is as much later as they are.
 */
export function instantOf(zone: string, day: number, minutes: number): number {
  const name = `${zone} ${day} ${minutes}`;
  const known = instants.get(name);
  if (known !== undefined) return known;
  if (instants.size >= maxInstants) instants.clear();
  const found = findInstant(zone, day, minutes);
  instants.set(name, found);
  return found;
}

/** A country may have thirty zones, and each send asks for a week of each: to ask the calendar takes 30 ms. */
const instants = new Map<string, number>();
const maxInstants = 20_000;

function findInstant(zone: string, day: number, minutes: number): number {
  const local = day * dayMs + minutes * minuteMs;
  const before = offsetAt(zone, local - dayMs);
  const after = offsetAt(zone, local + dayMs);
  const isMeant = (offset: number) => offsetAt(zone, local - offset) === offset;
  return local - (!isMeant(before) && isMeant(after) ? after : before);
}

/** By how much a zone's clocks are ahead of UTC. */
function offsetAt(zone: string, atMs: number): number {
  const part = Object.fromEntries(
    formatterOf(zone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day, hour, minute, second } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
}

/** Each takes some time to be made, and there are some hundreds of zones. */
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Throws a RangeError for a zone that there is not. */
function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known) return known;
  const fields = { year: "numeric", month: "numeric", day: "numeric" } as const;
  const time = { hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23" } as const;
  const made = new Intl.DateTimeFormat("en-US", { timeZone, ...fields, ...time });
  formatters.set(timeZone, made);
  return made;
}
