import { z } from "zod";

const limit = z.coerce.number().int().min(1).max(200).default(50);
const wrongCursor = "must be the nextCursor of the page before";
const cursor = z
  .string()
  .max(1000, wrongCursor)
  .regex(/^[\w-]+$/, wrongCursor)
  .transform((text) => Buffer.from(text, "base64url").toString("utf8"))
  .refine((text) => !text.includes("\0"), wrongCursor);

/** The query of a list: `limit`, and the `cursor` that the last page gave as `nextCursor`. */
export const pageQuery = { limit, cursor: cursor.optional() };
/** The same for rows that are listed by a UUID or by their number. */
export const uuidPageQuery = { limit, cursor: cursor.pipe(z.uuid(wrongCursor)).optional() };
export const numberedPageQuery = {
  limit,
  cursor: cursor.transform(Number).pipe(z.int(wrongCursor)).optional(),
};

/**
 * One page. Ask the store for one row more than the limit: it shows whether there is a next page. A list that looks at so
 * many rows and no more may have stopped sooner: the next page begins where it did.
 */
export function toPage<Row, Item>(
  rows: Row[],
  options: {
    limit: number;
    keyOf: (row: Row) => string | number;
    show: (row: Row) => Item;
    walkedTo?: number | undefined;
  },
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, options.limit);
  const last = shown.at(-1);
  const hasMore = rows.length > options.limit && last !== undefined;
  const next = hasMore ? options.keyOf(last) : options.walkedTo;
  return {
    items: shown.map(options.show),
    nextCursor: toCursor(next),
  };
}

export const toCursor = (next: string | number | undefined) =>
  next === undefined ? null : Buffer.from(String(next)).toString("base64url");
