import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { Failure } from "../../src/errors.ts";
import type { Log } from "../../src/log.ts";
import { createTraces, type TraceConfig } from "../../src/observe/trace.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { startTestBridge, untilPosted } from "../support/bridge.ts";
import { locationId, publicUrl, token } from "../support/location.ts";
import { until } from "../support/until.ts";

/** https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
const exported = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(z.unknown()) }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
              parentSpanId: z.string().optional(),
              name: z.string(),
              kind: z.number(),
              startTimeUnixNano: z.string(),
              endTimeUnixNano: z.string(),
              attributes: z.array(
                z.object({
                  key: z.string(),
                  value: z.object({ stringValue: z.string().optional(), intValue: z.number().optional() }),
                }),
              ),
              status: z.object({ code: z.number().optional() }),
            }),
          ),
        }),
      ),
    }),
  ),
});

type Span = Omit<
  z.output<typeof exported>["resourceSpans"][number]["scopeSpans"][number]["spans"][number],
  "attributes"
> & { attributes: Record<string, string | number | undefined> };

/** Stands for an OpenTelemetry collector: takes OTLP over HTTP as JSON. */
async function startCollector() {
  const spans: Span[] = [];
  const requests: { url: string | undefined; headers: Record<string, unknown>; text: string }[] = [];
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    requests.push({ url: req.url, headers: req.headers, text });
    for (const { scopeSpans } of exported.parse(JSON.parse(text)).resourceSpans) {
      for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
        const values = span.attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]);
        spans.push({ ...span, attributes: Object.fromEntries(values) });
      }
    }
    res.setHeader("content-type", "application/json").end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config: TraceConfig = { endpoint, headers: { "x-api-key": "k" }, serviceName: "bridge-test", ratio: 1 };
  return {
    config,
    spans,
    requests,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const about = (webhookId: number | null) => ({
  delivery: { id: 7 },
  message: { id: 8, webhookId, mappingId: "m" },
  kind: "post-inbound" as const,
  locationId: "l",
});
const accepted = { webhookId: 5, mappingId: "m", provider: "twilio", durationMs: 3 };
const silent = () => undefined;

test("a webhook and all that follows from it is one trace, down to the calls to HighLevel", async () => {
  const collector = await startCollector();
  const bridge = await startTestBridge({ config: { traces: collector.config } });
  try {
    const id = await bridge.addMapping({
      provider: "generic-sms",
      address: "+15005550009",
      credentials: genericSms.credentials,
    });
    const data = { id: "m-1", from: "+15005550006", to: "+15005550009", text: "body-of-mine" };
    const sample = { contentType: "application/json", body: { type: "message.received", data } };
    await bridge.post(genericSms.sign(sample, { url: `${publicUrl}/webhooks/${id}`, at: new Date() }));
    await untilPosted(bridge, 1);
    await until(
      () => bridge.admin("GET", "/messages?deliveryState=delivered"),
      ({ body }) => body.items.length === 1,
    );
  } finally {
    await bridge.stop();
    collector.stop();
  }
  const { spans, requests } = collector;
  const named = (name: string) => spans.filter((span) => span.name === name);
  const [receive, process, attempt] = ["webhook.receive", "webhook.process", "delivery.attempt"].map((name) => {
    expect(named(name), name).toHaveLength(1);
    return named(name)[0] as Span;
  });
  const calls = spans.filter((span) => span.kind === 3);
  expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([receive?.traceId]));
  expect(receive?.parentSpanId).toBeUndefined();
  expect([process?.parentSpanId, attempt?.parentSpanId]).toEqual([receive?.spanId, receive?.spanId]);
  expect(calls.map((call) => call.parentSpanId)).toEqual(calls.map(() => attempt?.spanId));
  expect(calls.map((call) => call.attributes["url.path"])).toEqual([
    "/contacts/search/duplicate",
    "/contacts/upsert",
    "/conversations/",
    "/conversations/messages/inbound",
  ]);
  expect(calls.at(-1)).toMatchObject({
    name: "POST 127.0.0.1",
    attributes: { "http.request.method": "POST", "http.response.status_code": 200 },
  });
  expect(attempt?.attributes).toMatchObject({ "bridge.locationId": locationId, "bridge.kind": "post-inbound" });
  for (const { startTimeUnixNano, endTimeUnixNano } of spans) {
    expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true);
  }
  expect(requests[0]).toMatchObject({ url: "/v1/traces", headers: { "x-api-key": "k" } });
  const written = requests.map(({ text }) => text).join("\n");
  expect(written).toContain("bridge-test");
  for (const secret of ["5005550006", "5005550009", "body-of-mine", token, "whsec_"]) {
    expect(written).not.toContain(secret);
  }
}, 40_000);

test("processes that share nothing but the database agree on the trace; other installations have others", async () => {
  const collector = await startCollector();
  const web = createTraces(collector.config, publicUrl, silent);
  const worker = createTraces(collector.config, publicUrl, silent);
  const elsewhere = createTraces(collector.config, "https://another.example.com", silent);
  web.traceEvents(silent)("debug", "webhook.accepted", accepted);
  await worker.traceAttempt(about(5), async () => ({ result: { status: 200 } }));
  await elsewhere.traceAttempt(about(5), async () => ({ result: { status: 200 } }));
  await Promise.all([web, worker, elsewhere].map((each) => each.stop()));
  collector.stop();
  const receive = collector.spans.find((span) => span.name === "webhook.receive");
  const attempts = collector.spans.filter((span) => span.name === "delivery.attempt");
  expect(attempts.filter((span) => span.traceId === receive?.traceId)).toHaveLength(1);
  expect(attempts.filter((span) => span.parentSpanId === receive?.spanId)).toHaveLength(1);
});

test("a failed attempt tells its reason and status, and not the other side's words", async () => {
  const collector = await startCollector();
  const traces = createTraces(collector.config, publicUrl, silent);
  const failure = new Failure("rejected", "HTTP 422: +15005550006 is no number", { status: 422 });
  const call = traces.traceCalls(async (_request: { url: string; method: string }): Promise<{ status: number }> => {
    throw failure;
  }, "hidden");
  await traces.traceAttempt(about(null), async () => {
    await call({ url: "https://api.example.com/secret/path?to=person", method: "POST" }).catch(() => undefined);
    return { failure };
  });
  await expect(call({ url: "https://api.example.com/outside", method: "GET" })).rejects.toBe(failure);
  await traces.stop();
  collector.stop();
  expect(collector.spans.map((span) => span.name)).toEqual(["POST api.example.com", "delivery.attempt"]);
  for (const span of collector.spans) {
    expect(span.status.code).toBe(2);
    expect(span.attributes).toMatchObject({ "error.type": "rejected", "http.response.status_code": 422 });
  }
  expect(collector.spans[0]?.parentSpanId).toBe(collector.spans[1]?.spanId);
  expect(collector.spans[1]?.parentSpanId).toBeUndefined();
  expect(collector.requests.map(({ text }) => text).join()).not.toMatch(/5005550006|secret|person/);
});

test("of a part of all traces, each is sent whole or not at all", async () => {
  const collector = await startCollector();
  const config = { ...collector.config, ratio: 0.5 };
  const [web, worker] = [createTraces(config, publicUrl, silent), createTraces(config, publicUrl, silent)];
  const log = web.traceEvents(silent);
  for (let webhookId = 1; webhookId <= 200; webhookId++) {
    log("debug", "webhook.accepted", { ...accepted, webhookId });
    await worker.traceAttempt(about(webhookId), async () => ({ result: {} }));
  }
  await Promise.all([web.stop(), worker.stop()]);
  collector.stop();
  const tracesOf = (name: string) =>
    new Set(collector.spans.filter((span) => span.name === name).map((span) => span.traceId));
  expect(tracesOf("webhook.receive").size).toBeGreaterThan(50);
  expect(tracesOf("webhook.receive").size).toBeLessThan(150);
  expect(tracesOf("delivery.attempt")).toEqual(tracesOf("webhook.receive"));
});

test("a collector that is away, or never answers, holds nothing up, and is told of", async () => {
  const silentServer = createServer(() => undefined);
  await new Promise<void>((resolve) => silentServer.listen(0, "127.0.0.1", resolve));
  const { port } = silentServer.address() as AddressInfo;
  for (const endpoint of ["http://127.0.0.1:1", `http://127.0.0.1:${port}`]) {
    const events: string[] = [];
    const log: Log = (_level, event) => void events.push(event);
    const traces = createTraces({ endpoint, headers: {}, serviceName: "s", ratio: 1 }, publicUrl, log);
    traces.traceEvents(silent)("debug", "webhook.accepted", accepted);
    expect(await traces.traceAttempt(about(5), async () => ({ result: { status: 201 } }))).toEqual({
      result: { status: 201 },
    });
    const stopped = await Promise.race([traces.stop().then(() => "stopped"), sleep(45_000, "waits")]);
    expect([stopped, events]).toEqual(["stopped", ["traces.not_sent"]]);
  }
  silentServer.closeAllConnections();
  silentServer.close();
}, 40_000);
