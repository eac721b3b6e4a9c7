import { createHash } from "node:crypto";
import { ROOT_CONTEXT, type Span, type SpanContext, TraceFlags } from "@opentelemetry/api";
import { RandomIdGenerator, SamplingDecision, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";

/** The ids of traces and spans: those of a trace's first span follow from what it is about, alike in all processes. */
export interface TraceIds {
  generateTraceId(): string;
  generateSpanId(): string;
  /** The first span of a trace; undefined when the trace is not one of those that are sent: so all processes decide alike. */
  rootOf(what: "webhook" | "message", id: unknown): SpanContext | undefined;
  /** The span that `start` starts gets these ids, and random ones for what is not given. */
  using(ids: { traceId: string; spanId?: string }, start: () => Span): Span;
}

/** `namespace` tells installations apart; `ratio` is how much of all traces is sent. */
export function createTraceIds(namespace: string, ratio: number): TraceIds {
  const sampler = new TraceIdRatioBasedSampler(ratio);
  const random = new RandomIdGenerator();
  let given: { traceId?: string; spanId?: string } = {};
  return {
    generateTraceId: () => given.traceId ?? random.generateTraceId(),
    generateSpanId: () => given.spanId ?? random.generateSpanId(),
    rootOf(what, id) {
      const digest = createHash("sha256").update(`${namespace} ${what} ${id}`).digest("hex");
      const [traceId, spanId] = [digest.slice(0, 32), digest.slice(32, 48)];
      if (sampler.shouldSample(ROOT_CONTEXT, traceId).decision !== SamplingDecision.RECORD_AND_SAMPLED)
        return undefined;
      return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
    },
    using(ids, start) {
      given = ids;
      const span = start();
      given = {};
      return span;
    },
  };
}
