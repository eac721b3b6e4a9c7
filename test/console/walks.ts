import { locationId, token } from "../support/location.ts";
import type { Stage } from "./stage.ts";

interface Walk {
  /** As in createPages(). */
  route: string;
  path: string;
  fields?: Record<string, string>;
  /** It is no page. */
  isStream?: boolean;
  /** What the location's key is answered, and that of another; the others' where they differ from the location's. */
  own: number;
  other: number;
  reading?: number;
  admin?: number;
}

/** Every page and button, in an order in which each finds what it is about. */
export function walksOf({ ids }: Stage): Walk[] {
  const mapping = `/mappings/${ids.mapping}`;
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
    { route: "GET /mappings", path: "/mappings", own: 200, other: 200 },
    { route: "GET /mappings/new", path: "/mappings/new?provider=twilio", own: 200, other: 200 },
    {
      route: "POST /mappings",
      path: "/mappings",
      fields: newMapping,
      ...{ own: 200, other: 403, reading: 403 },
    },
    {
      route: "POST /mappings",
      path: "/mappings",
      fields: { ...newMapping, "credentials.nothing": "x" },
      ...{ own: 422, other: 403, reading: 403 },
    },
    { route: "GET /mappings/:id", path: mapping, own: 200, other: 404 },
    { route: "GET /mappings/:id", path: `${mapping}?check`, own: 200, other: 404 },
    { route: "GET /mappings/:id/playground", path: `${mapping}/playground`, own: 200, other: 404 },
    {
      route: "POST /mappings/:id/playground",
      path: `${mapping}/playground`,
      fields: {
        body: '{"type":"message.received","data":{"id":"1","from":"+15005550006","to":"+15005550009","text":"x"}}',
      },
      ...{ own: 200, other: 404, reading: 403 },
    },
    { route: "GET /locations", path: "/locations", own: 200, other: 200 },
    {
      route: "POST /locations",
      path: "/locations",
      fields: { locationId, token },
      ...{ own: 303, other: 403, reading: 403 },
    },
    { route: "GET /locations/:locationId", path: `/locations/${locationId}`, own: 200, other: 404 },
    { route: "GET /locations/:locationId", path: `/locations/${locationId}?check`, own: 200, other: 404 },
    {
      route: "POST /locations/:locationId/resume",
      path: `/locations/${locationId}/resume`,
      ...{ own: 303, other: 404, reading: 403 },
    },
    { route: "GET /live", path: "/live", own: 200, other: 200 },
    { route: "GET /live/events", path: "/live/events?seconds=0.01", isStream: true, own: 200, other: 200 },
    { route: "GET /settings", path: "/settings", own: 200, other: 200 },
    {
      route: "POST /settings/keys",
      path: "/settings/keys",
      fields: { name: "Acme", access: "read" },
      ...{ own: 403, other: 403, reading: 403 },
    },
    {
      route: "POST /settings/keys/:id/revoke",
      path: "/settings/keys/1/revoke",
      ...{ own: 403, other: 403, reading: 403 },
    },
    {
      route: "POST /messages/:id/replay",
      path: `${message}/replay`,
      fields: { delivery: String(ids.dead) },
      ...{ own: 303, other: 404, reading: 403 },
    },
  ];
}

const newMapping = {
  ...{ provider: "generic-sms", locationId, address: "+15005550019" },
  "credentials.secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};
