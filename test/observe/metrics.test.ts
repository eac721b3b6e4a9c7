import { readFileSync } from "node:fs";
import express from "express";
import request from "supertest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { metricsRoutes } from "../../src/http/metrics.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { signer as twilio } from "../fixtures/twilio/sign.ts";
import { startTestBridge, type TestBridge, untilPosted } from "../support/bridge.ts";
import { locationId, publicUrl, token } from "../support/location.ts";
import { startPostgres } from "../support/postgres.ts";
import { until } from "../support/until.ts";

const metricsToken = "test-metrics-token";
const person = "+15005550006";
let bridge: TestBridge;
let id: string;

const signed = (mappingId: string, messageId: string) =>
  genericSms.sign(
    {
      contentType: "application/json",
      body: {
        type: "message.received",
        data: { id: messageId, from: person, to: "+15005550009", text: "body-of-mine" },
      },
    },
    { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() },
  );

const scrape = async (url = bridge.url) => {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } });
  return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() };
};

/** The value of a series, as it stands in the text; undefined when it is not there. */
const readSeries = (text: string, series: string) => {
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};

const addMapping = (to: TestBridge) =>
  to.addMapping({ provider: "generic-sms", address: "+15005550009", credentials: genericSms.credentials });

beforeAll(async () => {
  bridge = await startTestBridge({
    config: {
      metricsTokens: [metricsToken],
      highlevelRequests: { per10Seconds: 1000, perDay: 180_000 },
      incoming: { connections: 1000, webhooksPerMinute: 60 },
    },
  });
  id = await addMapping(bridge);
});
afterAll(() => bridge.stop());

describe("GET /metrics", () => {
  test("401 without METRICS_TOKEN's value, also for the admin key; 404 when it is not set", async () => {
    for (const authorization of ["", "Bearer wrong", `Basic ${metricsToken}`]) {
      const answer = await fetch(`${bridge.url}/metrics`, { headers: { authorization } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
    const app = express();
    app.use(metricsRoutes({ metrics: undefined, metricsTokens: undefined }));
    await request(app).get("/metrics").set("authorization", `Bearer ${metricsToken}`).expect(404);
  });

  test("is in Prometheus's text format, with the process's own metrics", async () => {
    const { status, type, text } = await scrape();
    expect(status).toBe(200);
    expect(type).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test("counts webhooks and deliveries as they go", async () => {
    const before = (await scrape()).text;
    await bridge.post(signed(id, "counted-1"));
    await bridge.post({ ...signed(id, "counted-2"), body: Buffer.from("{}") });
    await untilPosted(bridge, 1);
    const after = await until(
      async () => (await scrape()).text,
      (text) => readSeries(text, 'bridge_deliveries_total{kind="post-inbound",state="delivered"}') === 1,
    );
    const rise = (series: string) => (readSeries(after, series) ?? 0) - (readSeries(before, series) ?? 0);
    expect(rise('bridge_webhooks_total{provider="generic-sms",outcome="accepted"}')).toBe(1);
    expect(rise('bridge_webhooks_total{provider="generic-sms",outcome="refused"}')).toBe(1);
    expect(rise('bridge_webhooks_processed_total{state="processed"}')).toBe(1);
    expect(rise('bridge_attempts_total{kind="post-inbound",provider="highlevel",outcome="delivered"}')).toBe(1);
    expect(rise('bridge_attempt_seconds_count{kind="post-inbound"}')).toBe(1);
    expect(rise('bridge_log_lines_total{level="warn",event="webhook.refused"}')).toBe(1);
  });

  test("shows what is dead, what waits, and which locations need somebody, by their reasons", async () => {
    bridge.sandbox.setFaults([{ kind: "status", path: "/conversations/messages/inbound", status: 422, times: 1 }]);
    await bridge.post(signed(id, "dead"));
    await until(
      () => bridge.admin("GET", "/deliveries?state=dead"),
      ({ body }) => body.items.length === 1,
    );
    bridge.sandbox.putLocation({ id: locationId, token: "another", providers: [] });
    await bridge.post(signed(id, "waits"));
    const text = await until(
      async () => (await scrape()).text,
      (each) => readSeries(each, 'bridge_locations_paused{reason="unauthorized"}') === 1,
    );
    expect(readSeries(text, `bridge_location_paused{location="${locationId}",reason="unauthorized"}`)).toBe(1);
    expect(readSeries(text, 'bridge_deliveries_waiting{reason="paused",provider="highlevel"}')).toBe(1);
    expect(readSeries(text, 'bridge_deliveries_dead{reason="rejected"}')).toBe(1);
    expect(readSeries(text, 'bridge_deliveries_pending{kind="post-inbound"}')).toBe(1);
    expect(readSeries(text, 'bridge_oldest_pending_seconds{kind="post-inbound"}')).toBeLessThan(60);
    expect(readSeries(text, "bridge_behind_seconds")).toBe(0);
    expect(readSeries(text, "bridge_webhooks_waiting")).toBe(0);
    const allowed = readSeries(text, "bridge_highlevel_requests_allowed") ?? 0;
    expect(readSeries(text, `bridge_highlevel_requests_left{location="${locationId}"}`)).toBeLessThan(allowed);
  });

  test("counts what a mapping's limit keeps out", async () => {
    const address = "+15005550010";
    const flooded = await bridge.addMapping({ provider: "twilio", address, credentials: twilio.credentials });
    const url = `${publicUrl}/webhooks/${flooded}`;
    const contentType = "application/x-www-form-urlencoded";
    const requests = Array.from({ length: 15 }, (_, number) => {
      const body = { MessageSid: `flood-${number}`, From: "+15005550006", To: address, Body: "Hello" };
      return bridge.post(twilio.sign({ contentType, body }, { url, at: new Date() }));
    });
    const statuses = (await Promise.all(requests)).map(({ status }) => status);
    const { text } = await scrape();
    const counted = (outcome: string) =>
      readSeries(text, `bridge_webhooks_total{provider="twilio",outcome="${outcome}"}`);
    expect(statuses).toContain(429);
    expect(counted("limited")).toBe(statuses.filter((status) => status === 429).length);
    expect(counted("accepted")).toBe(statuses.filter((status) => status === 200).length);
  });

  test("answers without the database, and says that it is away and the worker stands still", async () => {
    const postgres = await startPostgres();
    const away = await startTestBridge({ databaseUrl: postgres.url, config: { metricsTokens: [metricsToken] } });
    try {
      const mappingId = await addMapping(away);
      expect(readSeries((await scrape(away.url)).text, "bridge_database_up")).toBe(1);
      await postgres.stopImmediately();
      expect((await away.post(signed(mappingId, "refused"))).status).toBe(503);
      const text = await until(
        async () => (await scrape(away.url)).text,
        (each) =>
          readSeries(each, "bridge_database_up") === 0 && (readSeries(each, "bridge_worker_turn_age_seconds") ?? 0) > 2,
      );
      // Of which provider a mapping is, is known only while it is remembered.
      expect(text).toMatch(/^bridge_webhooks_total\{provider="(generic-sms|unknown)",outcome="unavailable"\} 1$/m);
      expect(text).not.toContain("bridge_deliveries_dead");
    } finally {
      await away.stop();
      await postgres.stop();
    }
  }, 60_000);

  test("holds no bodies, addresses or secrets", async () => {
    const { text } = await scrape();
    for (const secret of [person, "5005550009", "body-of-mine", token, metricsToken, "whsec_"]) {
      expect(text).not.toContain(secret);
    }
  });
});

describe("ops", () => {
  const read = (name: string) => readFileSync(new URL(`../../ops/${name}`, import.meta.url), "utf8");
  const metricsIn = (expression: string) => expression.match(/\b(bridge|nodejs|process)_[a-z0-9_]+/g) ?? [];
  const exposed = async () => {
    const { text } = await scrape();
    return new Set(
      [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name, type]) =>
        type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    );
  };

  test("every metric of the dashboard is one that the bridge shows, and every panel can be placed", async () => {
    const known = await exposed();
    const dashboard = JSON.parse(read("grafana-dashboard.json"));
    expect(dashboard).toMatchObject({
      title: expect.any(String),
      uid: expect.any(String),
      schemaVersion: 39,
      id: null,
    });
    expect(dashboard.__inputs).toMatchObject([{ name: "DS_PROMETHEUS", type: "datasource", pluginId: "prometheus" }]);
    const ids = dashboard.panels.map((panel: { id: number }) => panel.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const panel of dashboard.panels) {
      const { x, y, w, h } = panel.gridPos;
      expect([x + w <= 24, y >= 0, h > 0]).toEqual([true, true, true]);
      if (panel.type === "row") continue;
      expect(panel.datasource).toEqual({ type: "prometheus", uid: expect.stringMatching(/^\$\{DS_PROMETHEUS\}$/) });
      for (const { expr } of panel.targets) {
        expect(metricsIn(expr)).not.toEqual([]);
        for (const name of metricsIn(expr)) expect(known, panel.title).toContain(name);
      }
    }
  });

  test("every metric of the alerts is one that the bridge shows, and every alert says what to do", async () => {
    const known = await exposed();
    const { groups } = parse(read("alerts.yaml"));
    const rules = groups.flatMap((group: { rules: unknown[] }) => group.rules);
    const names = rules.map((rule: { alert: string }) => rule.alert);
    expect(names).toEqual(
      expect.arrayContaining(["BridgeDatabaseAway", "BridgeDeadLetters", "BridgeLocationNeedsReauthorization"]),
    );
    for (const { alert, expr, labels, annotations } of rules) {
      expect(metricsIn(expr)).not.toEqual([]);
      for (const name of metricsIn(expr)) expect(known, alert).toContain(name);
      expect(labels.severity).toMatch(/^(page|ticket)$/);
      expect(annotations).toEqual({ summary: expect.any(String), description: expect.any(String) });
    }
  });
});
