import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import { createSparse } from "../concurrency/sparse.ts";
import { Failure } from "../errors.ts";
import { describeError, type Log } from "../log.ts";
import type { DeliveryKind } from "../model.ts";
import { createTraceIds, type TraceIds } from "./trace-ids.ts";

export interface TraceConfig {
  /** The collector's address, to which `/v1/traces` is added. */
  endpoint: string;
  headers: Record<string, string>;
  serviceName: string;
  /** How much of all traces is sent, from 0 to 1. */
  ratio: number;
}

/** Runs one attempt within a span of its own. */
export type TraceAttempt = <Outcome extends { result: { status?: number | undefined } } | { failure: Failure }>(
  about: TracedAttempt,
  run: () => Promise<Outcome>,
) => Promise<Outcome>;

interface TracedAttempt {
  delivery: { id: number };
  /** Undefined for an event that is not about one, which is not traced. */
  message: { id: number; webhookId: number | null; mappingId: string | null } | undefined;
  kind: DeliveryKind;
  locationId: string;
}

/**
 * Traces for OpenTelemetry, sent by OTLP over HTTP: from a webhook to what HighLevel or a provider answered, in one trace
 * however many processes took part. Nothing is stored or passed on for it: every process derives the ids of a trace and of
 * its first span from the webhook's id, or from the message's where no webhook brought it. Spans carry ids, outcomes and
 * hosts; no bodies, addresses or secrets. A collector that is away costs nothing but its spans.
 */
export interface Traces {
  /** Makes spans of the lines `webhook.accepted` and `webhook.processed`, and passes every line on. */
  traceEvents(log: Log): Log;
  traceAttempt: TraceAttempt;
  /** Calls made during an attempt get spans below its own. A path is shown only where paths hold nothing but ids. */
  traceCalls<Request extends TracedRequest, Answer extends { status: number }>(
    call: (request: Request) => Promise<Answer>,
    paths: "shown" | "hidden",
  ): (request: Request) => Promise<Answer>;
  /** Sends what has not been sent yet. Never rejects. */
  stop(): Promise<void>;
}

interface TracedRequest {
  url: string;
  method?: string;
}

/** Shorter than what a stop of the bridge waits for its last spans. */
const exportSeconds = 4;
/** Spans; what is over it while the collector lags is dropped. */
const maxQueueSize = 8192;

/** `namespace` tells one installation's webhooks from another's that sends to the same collector. */
export function createTraces(config: TraceConfig, namespace: string, log: Log): Traces {
  const ids = createTraceIds(namespace, config.ratio);
  const { endpoint, headers } = config;
  const exporter = new OTLPTraceExporter({
    url: `${endpoint}/v1/traces`,
    headers,
    timeoutMillis: exportSeconds * 1000,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": config.serviceName }),
    idGenerator: ids,
    spanProcessors: [new BatchSpanProcessor({ exporter: tellingTrouble(exporter, log), maxQueueSize })],
  });
  const tracer = provider.getTracer("conversation-bridge");
  const current = new AsyncLocalStorage<Span>();
  return {
    traceEvents: (next) => {
      const spans = spansOfEvents(tracer, ids);
      return (level, event, fields) => {
        next(level, event, fields);
        if (fields) spans[event]?.(fields);
      };
    },
    traceAttempt: (about, run) => {
      const span = startAttempt(tracer, ids, about);
      if (!span) return run();
      return ending(span, async () => {
        const outcome = await current.run(span, run);
        if ("failure" in outcome) noteFailure(span, outcome.failure);
        return outcome;
      });
    },
    traceCalls: (call, paths) => async (request) => {
      const parent = current.getStore();
      if (!parent) return call(request);
      const span = startCall(tracer, parent.spanContext(), request, paths);
      return ending(span, async () => {
        const answer = await call(request);
        span.setAttribute("http.response.status_code", answer.status);
        return answer;
      });
    },
    stop: () => provider.shutdown().catch(() => undefined),
  };
}

const quietSeconds = 60;

/** One line a minute while spans cannot be sent: nothing else would show that the endpoint is wrong. */
function tellingTrouble(exporter: SpanExporter, log: Log): SpanExporter {
  const isFirst = createSparse(quietSeconds);
  return {
    export(spans, onDone) {
      exporter.export(spans, (result) => {
        if (result.error && isFirst("traces.not_sent")) {
          log("warn", "traces.not_sent", { spans: spans.length, ...describeError(result.error) });
        }
        onDone(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

type Fields = Record<string, unknown>;

/** Spans that have ended when their line is logged, `durationMs` after they began. */
function spansOfEvents(tracer: Tracer, ids: TraceIds): Record<string, (fields: Fields) => void> {
  const begin = ({ durationMs }: Fields) => new Date(Date.now() - Number(durationMs));
  return {
    "webhook.accepted": (fields) => {
      const root = ids.rootOf("webhook", fields["webhookId"]);
      if (!root) return;
      const options = { root: true, kind: SpanKind.SERVER, attributes: idsAmong(fields), startTime: begin(fields) };
      ids.using(root, () => tracer.startSpan("webhook.receive", options)).end();
    },
    "webhook.processed": (fields) => {
      const root = ids.rootOf("webhook", fields["webhookId"]);
      if (!root) return;
      const options = { attributes: idsAmong(fields), startTime: begin(fields) };
      const span = startBelow(tracer, root, "webhook.process", options);
      if (fields["state"] === "failed") span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

function startAttempt(tracer: Tracer, ids: TraceIds, about: TracedAttempt): Span | undefined {
  const { delivery, message, kind, locationId } = about;
  if (!message) return undefined;
  const { id: messageId, webhookId, mappingId } = message;
  const root = webhookId === null ? ids.rootOf("message", messageId) : ids.rootOf("webhook", webhookId);
  if (!root) return undefined;
  const attributes = idsAmong({ deliveryId: delivery.id, messageId, webhookId, mappingId, locationId, kind });
  if (webhookId !== null) return startBelow(tracer, root, "delivery.attempt", { attributes });
  const { traceId } = root;
  return ids.using({ traceId }, () => tracer.startSpan("delivery.attempt", { root: true, attributes }));
}

function startCall(
  tracer: Tracer,
  parent: SpanContext,
  { url, method = "GET" }: TracedRequest,
  paths: "shown" | "hidden",
): Span {
  const { hostname, pathname } = URL.canParse(url) ? new URL(url) : { hostname: "unknown", pathname: "" };
  const attributes = {
    "http.request.method": method,
    "server.address": hostname,
    ...(paths === "shown" ? { "url.path": pathname } : {}),
  };
  return startBelow(tracer, parent, `${method} ${hostname}`, { kind: SpanKind.CLIENT, attributes });
}

function startBelow(tracer: Tracer, parent: SpanContext, name: string, options: SpanOptions): Span {
  return tracer.startSpan(name, options, trace.setSpanContext(ROOT_CONTEXT, parent));
}

async function ending<Result>(span: Span, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    noteFailure(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** The reason alone: messages are the other side's words. */
function noteFailure(span: Span, error: unknown): void {
  const isFailure = error instanceof Failure;
  const reason = isFailure ? error.reason : error instanceof Error && error.name;
  span.setAttribute("error.type", reason || "unknown");
  if (isFailure && error.status !== undefined) span.setAttribute("http.response.status_code", error.status);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

const attributeNames = new Set([
  "webhookId",
  "mappingId",
  "locationId",
  "messageId",
  "deliveryId",
  "provider",
  "kind",
  "state",
]);

function idsAmong(fields: Fields): Attributes {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) =>
      attributeNames.has(name) && (typeof value === "string" || typeof value === "number")
        ? [[`bridge.${name}`, value]]
        : [],
    ),
  );
}
