/** The part of a text that has a time's shape. One that cannot be read is left out: a message is worth more than its time. */
export function readTime(value: string | undefined, shape: RegExp): Date | undefined {
  const time = new Date(shape.exec(value ?? "")?.[0] ?? "");
  return Number.isNaN(time.getTime()) ? undefined : time;
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/i;

/** A time in ISO 8601 with its zone; undefined for anything else. */
export function parseTime(value: string | undefined): Date | undefined {
  return readTime(value, isoTime);
}
