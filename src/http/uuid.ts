const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A mapping's id; PostgreSQL refuses the statement for anything else. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}
