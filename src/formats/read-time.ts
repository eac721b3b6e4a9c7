/** The part of a text that has a time's shape. One that cannot be read is left out: a message is worth more than its time. */
function readTime(value: string | undefined, shape: RegExp): Date | undefined {
  const time = new Date(shape.exec(value ?? "")?.[0] ?? "");
  return Number.isNaN(time.getTime()) ? undefined : time;
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/i;

/** A time in ISO 8601 with its zone; undefined for anything else. */
export function parseTime(value: string | undefined): Date | undefined {
  return readTime(value, isoTime);
}

const minute = 60_000;
const maxAhead = 10 * minute;
/** Servers try for some five days: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.4.1 */
const maxUnderWay = 6 * 24 * 60 * minute;

/**
 * The time that a sender gives for a message, where it can be: not later than the message was received, by more than clocks
 * differ, and not earlier than a message can have been under way. Undefined otherwise, for a wrong clock says nothing.
 */
export function believeTime(given: Date | undefined, receivedAt: Date): Date | undefined {
  if (given === undefined) return undefined;
  const ahead = given.getTime() - receivedAt.getTime();
  return ahead <= maxAhead && ahead >= -maxUnderWay ? given : undefined;
}
