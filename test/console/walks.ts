import type { Stage } from "./stage.ts";

interface Walk {
  /** As in createPages(). */
  route: string;
  path: string;
  fields?: Record<string, string>;
  /** What the location's key is answered, and that of another; the others' where they differ from the location's. */
  own: number;
  other: number;
  reading?: number;
  admin?: number;
}

/** Every page and button, in an order in which each finds what it is about. */
export function walksOf({ ids }: Stage): Walk[] {
  const message = `/messages/${ids.message}`;
  return [
    { route: "GET /", path: "/", own: 303, other: 303 },
    { route: "GET /messages", path: "/messages", own: 200, other: 200 },
    { route: "GET /messages/:id", path: message, own: 200, other: 404 },
    {
      route: "POST /messages/:id/replay",
      path: `${message}/replay`,
      fields: { delivery: String(ids.dead) },
      ...{ own: 303, other: 404, reading: 403 },
    },
  ];
}
