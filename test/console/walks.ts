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
    { route: "GET /", path: "", own: 200, other: 200 },
    { route: "GET /search", path: "/search?q=m-1", own: 303, other: 404 },
    { route: "GET /search", path: "/search?q=%2B1%20(500)%20555-0006", own: 303, other: 404 },
    { route: "GET /search", path: "/search?q=nowhere", own: 404, other: 404 },
    { route: "GET /messages", path: "/messages", own: 200, other: 200 },
    { route: "GET /messages/:id", path: message, own: 200, other: 404 },
    { route: "GET /problems", path: "/problems", own: 200, other: 200 },
    {
      route: "GET /problems/replay",
      path: `/problems/replay?of=deliveries&kind=post-inbound&reason=unknown_sender&mappingId=${ids.mapping}`,
      ...{ own: 200, other: 200, reading: 403 },
    },
    {
      route: "POST /problems/replay",
      path: "/problems/replay",
      fields: { of: "webhooks", source: "provider", reason: "no mapping for" },
      ...{ own: 303, other: 303, reading: 403 },
    },
    { route: "GET /webhooks", path: "/webhooks", own: 200, other: 200 },
    { route: "GET /webhooks/:id", path: `/webhooks/${ids.webhook}`, own: 200, other: 404 },
    {
      route: "POST /webhooks/:id/replay",
      path: `/webhooks/${ids.webhook}/replay`,
      ...{ own: 409, other: 404, reading: 403 },
    },
    {
      route: "POST /messages/:id/replay",
      path: `${message}/replay`,
      fields: { delivery: String(ids.dead) },
      ...{ own: 303, other: 404, reading: 403 },
    },
  ];
}
