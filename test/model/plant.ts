import pg from "pg";

/** Has a prepared statement of that name say something else, on connections that are opened from now on. */
export function plant(statement: string, pattern: RegExp, wrong: string): { isInUse(): boolean; undo(): void } {
  const original = pg.Client.prototype.query;
  let isInUse = false;
  pg.Client.prototype.query = function (this: pg.Client, query: { name?: string; text?: string }, ...rest: unknown[]) {
    const isMeant = typeof query === "object" && query.name === statement && query.text !== undefined;
    const text = isMeant ? query.text?.replace(pattern, wrong) : undefined;
    if (isMeant) isInUse = text !== query.text;
    return Reflect.apply(original, this, [isMeant ? { ...query, text } : query, ...rest]);
  } as typeof original;
  return {
    isInUse: () => isInUse,
    undo: () => {
      pg.Client.prototype.query = original;
    },
  };
}
