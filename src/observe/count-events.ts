import { Counter, Histogram, type Registry } from "prom-client";
import { type DeliveryKind, deliveryKinds } from "../model.ts";
import { adapterOf, providerNames } from "../providers/registry.ts";

type Fields = Record<string, unknown>;
/** What alerts look for. A series must be there before its first event, or Prometheus does not see it rise. */
const errorEvents = [
  ...["delivery.broke", "webhook.broke", "webhook.fatal", "request.broke", "lane.broke", "worker.failed"],
  ...["worker.stuck", "audit.broke", "provider.unknown", "send.failed", "endpoint.disabled"],
  ...["subscription.unconfirmed", "location.default_changed"],
];

type Counts = Record<string, (fields: Fields) => void>;

/** Counts the events of the log. */
export function createEventCounts(registry: Registry): (level: string, event: string, fields: Fields) => void {
  const lines = new Counter({
    name: "bridge_log_lines_total",
    help: "Lines of the log of level warn and error, by event; error means that a person must act",
    labelNames: ["level", "event"],
    registers: [registry],
  });
  for (const event of errorEvents) lines.inc({ level: "error", event }, 0);
  const stalledSeconds = new Counter({
    name: "bridge_stalled_seconds_total",
    help: "How long this process stood still in stalls of over 200 ms; each left a line loop.stalled",
    registers: [registry],
  });
  const counted: Counts = {
    ...countWebhooks(registry),
    ...countAttempts(registry),
    "loop.stalled": ({ ms }) => stalledSeconds.inc(Number(ms) / 1000),
  };
  return (level, event, fields) => {
    counted[event]?.(fields);
    if (level === "error" || level === "warn") lines.inc({ level, event });
  };
}

const webhookOutcomes = ["accepted", "cut", "refused", "missing", "too_large", "limited", "unavailable"];
const refusalReasons = ["unsigned", "no_match", "stale", "other_url", "unverified", "misdirected", "wrong_type"];

function countWebhooks(registry: Registry): Counts {
  const registers = [registry];
  const webhooks = new Counter({
    name: "bridge_webhooks_total",
    help: "Webhooks by provider and outcome: accepted, cut (those of them of which only the beginning is kept), refused (401, 403, 415), missing (404, 410), too_large (413), limited (429), unavailable (503)",
    labelNames: ["provider", "outcome"],
    registers,
  });
  const refused = new Counter({
    name: "bridge_webhooks_refused_total",
    help: "Webhooks that were refused, by provider and reason",
    labelNames: ["provider", "reason"],
    registers,
  });
  const processed = new Counter({
    name: "bridge_webhooks_processed_total",
    help: "Webhooks that were processed, by what they became: processed, ignored, failed",
    labelNames: ["state"],
    registers,
  });
  const held = new Counter({
    name: "bridge_messages_held_total",
    help: "Messages that are held, because nobody registered their sender",
    registers,
  });
  const kept = new Counter({
    name: "bridge_messages_kept_total",
    help: "Mail that a machine wrote, which is kept and not posted, by kind: auto_reply, bounce, auto_generated, list",
    labelNames: ["kind"],
    registers,
  });
  for (const kind of ["auto_reply", "bounce", "auto_generated", "list"]) kept.inc({ kind }, 0);
  for (const provider of [...providerNames, "highlevel", "unknown"]) {
    for (const outcome of webhookOutcomes) webhooks.inc({ provider, outcome }, 0);
    for (const reason of refusalReasons) refused.inc({ provider, reason }, 0);
  }
  for (const state of ["processed", "ignored", "failed"]) processed.inc({ state }, 0);
  const countWebhook = (outcome: string) => (fields: Fields) =>
    webhooks.inc({ provider: textOf(fields["provider"]), outcome });
  return {
    "webhook.accepted": countWebhook("accepted"),
    "webhook.cut": countWebhook("cut"),
    "webhook.refused": (fields) => {
      countWebhook("refused")(fields);
      refused.inc({ provider: textOf(fields["provider"]), reason: textOf(fields["reason"]) });
    },
    "webhook.missing": countWebhook("missing"),
    "webhook.limited": (fields) => countWebhook(fields["status"] === 413 ? "too_large" : "limited")(fields),
    "webhook.unavailable": countWebhook("unavailable"),
    "webhook.processed": (fields) => {
      processed.inc({ state: textOf(fields["state"]) });
      held.inc(Number(fields["held"] ?? 0));
      for (const [kind, count] of Object.entries(fields["kept"] ?? {})) kept.inc({ kind }, Number(count));
    },
  };
}

function countAttempts(registry: Registry): Counts {
  const registers = [registry];
  const attempts = new Counter({
    name: "bridge_attempts_total",
    help: "Attempts at deliveries by kind, whom they called (a provider, highlevel, endpoint; unknown for nobody) and outcome: delivered, or the reason of the failure",
    labelNames: ["kind", "provider", "outcome"],
    registers,
  });
  const deliveries = new Counter({
    name: "bridge_deliveries_total",
    help: "Deliveries that were finished, by kind and state: delivered, dead, opted_out (dead, as the person wants no more)",
    labelNames: ["kind", "state"],
    registers,
  });
  const attemptSeconds = new Histogram({
    name: "bridge_attempt_seconds",
    help: "How long attempts took",
    labelNames: ["kind"],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  for (const kind of deliveryKinds) {
    for (const state of ["delivered", "dead", "opted_out"]) deliveries.inc({ kind, state }, 0);
    for (const provider of calledBy(kind)) attempts.inc({ kind, provider, outcome: "delivered" }, 0);
  }
  return {
    "delivery.attempted": (fields) => {
      const [kind, state] = [textOf(fields["kind"]), textOf(fields["state"])];
      attempts.inc({ kind, provider: textOf(fields["provider"]), outcome: textOf(fields["outcome"]) });
      attemptSeconds.observe({ kind }, Number(fields["durationMs"]) / 1000);
      const end = fields["outcome"] === "opted_out" ? "opted_out" : state;
      if (state !== "pending") deliveries.inc({ kind, state: end });
    },
  };
}

/** Whom deliveries of a kind call. */
function calledBy(kind: DeliveryKind): string[] {
  if (kind === "send-outbound") return providerNames;
  if (kind === "fetch-mail") return providerNames.filter((name) => adapterOf(name)?.completion);
  return [kind === "post-event" ? "endpoint" : "highlevel"];
}

const textOf = (value: unknown) => (typeof value === "string" ? value : "unknown");
