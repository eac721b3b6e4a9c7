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
    { route: "GET /first-steps", path: "/first-steps", own: 200, other: 200 },
    { route: "POST /first-steps/trial", path: "/first-steps/trial", fields: {}, own: 403, other: 403 },
    { route: "GET /search", path: "/search?q=m-1", own: 303, other: 404 },
    { route: "GET /search", path: "/search?q=%2B1%20(500)%20555-0006", own: 303, other: 404 },
    { route: "GET /search", path: "/search?q=nowhere", own: 404, other: 404 },
    { route: "GET /messages", path: "/messages", own: 200, other: 200 },
    { route: "GET /messages/csv", path: "/messages/csv?direction=inbound", isStream: true, own: 200, other: 200 },
    { route: "GET /messages/:id", path: message, own: 200, other: 404 },
    { route: "GET /messages/:id", path: `${message}?show=Posted`, own: 200, other: 404 },
    { route: "GET /messages/:id", path: `${message}?show=Webhook`, own: 200, other: 404 },
    { route: "GET /problems", path: "/problems", own: 200, other: 200 },
    {
      route: "GET /replays/new",
      path: `/replays/new?of=deliveries&kind=post-inbound&reason=unknown_sender&mappingId=${ids.mapping}`,
      ...{ own: 200, other: 200, reading: 403 },
    },
    { route: "GET /replays/new", path: `/replays/new?m.${ids.message}=on`, own: 200, other: 200, reading: 403 },
    {
      route: "POST /replays",
      path: "/replays",
      fields: { of: "webhooks", source: "provider", reason: "no mapping for" },
      ...{ own: 303, other: 303, reading: 403 },
    },
    { route: "GET /replays/:id", path: `/replays/${ids.replay}`, own: 200, other: 404 },
    { route: "GET /lists/:name", path: "/lists/replays", own: 200, other: 200 },
    { route: "GET /webhooks", path: "/webhooks", own: 200, other: 200 },
    { route: "GET /webhooks/:id", path: `/webhooks/${ids.webhook}`, own: 200, other: 404 },
    { route: "GET /webhooks/:id", path: `/webhooks/${ids.failed}`, own: 200, other: 404 },
    {
      route: "POST /do/:operation",
      path: "/do/replayWebhook",
      fields: { id: String(ids.webhook) },
      ...{ own: 409, other: 404, reading: 403 },
    },
    { route: "GET /mappings", path: "/mappings", own: 200, other: 200 },
    {
      route: "GET /do/:operation",
      path: "/do/createMapping?provider=twilio",
      ...{ own: 200, other: 200, reading: 403 },
    },
    {
      route: "POST /do/:operation",
      path: "/do/createMapping",
      fields: newMapping,
      ...{ own: 200, other: 403, reading: 403 },
    },
    {
      route: "POST /do/:operation",
      path: "/do/createMapping",
      fields: { ...newMapping, "credentials.secret": "x" },
      ...{ own: 422, other: 403, reading: 403 },
    },
    { route: "GET /mappings/:id", path: mapping, own: 200, other: 404 },
    { route: "GET /mappings/:id", path: `${mapping}?check=true`, own: 200, other: 404 },
    {
      route: "POST /do/:operation",
      path: "/do/previewWebhook",
      fields: {
        id: String(ids.mapping),
        body: '{"type":"message.received","data":{"id":"1","from":"+15005550006","to":"+15005550009","text":"x"}}',
      },
      ...{ own: 200, other: 404, reading: 403 },
    },
    { route: "GET /locations", path: "/locations", own: 200, other: 200 },
    {
      route: "POST /do/:operation",
      path: "/do/putLocation",
      fields: { locationId, token },
      ...{ own: 200, other: 403, reading: 403 },
    },
    { route: "GET /locations/:locationId", path: `/locations/${locationId}`, own: 200, other: 404 },
    { route: "GET /locations/:locationId", path: `/locations/${locationId}?check=true`, own: 200, other: 404 },
    {
      route: "POST /do/:operation",
      path: "/do/resumeLocation",
      fields: { locationId },
      ...{ own: 303, other: 404, reading: 403 },
    },
    { route: "GET /live", path: "/live", own: 200, other: 200 },
    { route: "GET /live/events", path: "/live/events?seconds=0.01", isStream: true, own: 200, other: 200 },
    { route: "GET /lists/:name", path: "/lists/accounts", own: 200, other: 200 },
    { route: "GET /lists/:name", path: "/lists/endpoints", own: 200, other: 200 },
    { route: "GET /lists/:name", path: "/lists/opt-outs", own: 200, other: 200 },
    { route: "GET /lists/:name", path: "/lists/imports", own: 200, other: 200 },
    { route: "GET /lists/:name", path: `/lists/conversations?id=${ids.mapping}`, own: 200, other: 404 },
    { route: "GET /lists/:name", path: "/lists/keys", own: 403, other: 403, admin: 200 },
    { route: "GET /lists/:name", path: "/lists/providers", own: 403, other: 403, admin: 200 },
    { route: "GET /lists/:name", path: "/lists/nothing", own: 404, other: 404 },
    ...forms(ids).map(([path, own, other, admin = own]) => ({
      ...{ route: "GET /do/:operation", path: `/do/${path}`, own, other, admin, reading: 403 },
    })),
    { route: "GET /do/:operation", path: "/do/constructor", own: 404, other: 404 },
    {
      route: "POST /do/:operation",
      path: "/do/changeMapping",
      fields: { id: String(ids.mapping), name: "Reception", unknownSender: "hold", type: "Custom" },
      ...{ own: 200, other: 404, reading: 403 },
    },
    { route: "GET /metrics", path: "/metrics?span=24h", own: 200, other: 200 },
    { route: "GET /metrics/csv", path: "/metrics/csv", isStream: true, own: 200, other: 200 },
    { route: "GET /settings", path: "/settings", own: 200, other: 200 },
    {
      route: "POST /do/:operation",
      path: "/do/createKey",
      fields: { name: "Acme", access: "read" },
      ...{ own: 403, other: 403, reading: 403 },
    },
    {
      route: "POST /do/:operation",
      path: "/do/revokeKey",
      fields: { id: "1" },
      ...{ own: 403, other: 403, reading: 403 },
    },
    {
      route: "POST /do/:operation",
      path: "/do/replayDelivery",
      fields: { id: String(ids.dead), messageId: String(ids.message) },
      ...{ own: 303, other: 404, reading: 403 },
    },
  ];
}

const newMapping = {
  ...{ provider: "generic-sms", locationId, address: "+15005550019" },
  "credentials.secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};

/** Forms and questions, and what the location's key, another and the operator's are answered. */
const forms = ({ mapping, dead }: Stage["ids"]): [path: string, own: number, other: number, admin?: number][] => [
  [`changeMapping?id=${mapping}`, 200, 404],
  [`deleteMapping?id=${mapping}`, 200, 404],
  [`previewWebhook?id=${mapping}`, 200, 200],
  [`changeAccount?id=${mapping}`, 200, 404],
  [`deleteAccount?id=${mapping}`, 200, 404],
  [`deleteLocation?locationId=${locationId}`, 200, 404],
  [`discardDelivery?id=${dead}`, 200, 200],
  ["erasePerson?address=%2B15005550006", 200, 404],
  ["createAccount?provider=telnyx", 200, 200],
  ["createEndpoint", 200, 200],
  ["putLocation", 200, 200],
  ["putOptOut", 200, 200],
  ["importOptOuts", 200, 200],
  ["importMappings", 200, 200],
  ["createImport", 200, 200],
  ["importHistory", 200, 200],
  ["discardDeliveries?kind=post-inbound", 200, 200],
  ["createKey", 403, 403, 200],
  ["putApp", 403, 403, 200],
  ["deleteApp", 403, 403, 200],
  ["createProvider", 403, 403, 200],
  ["beginHold", 403, 403, 200],
];
