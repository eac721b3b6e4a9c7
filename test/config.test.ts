import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readConfig, settingDescriptions } from "../src/config.ts";

const enough = { PUBLIC_URL: "https://bridge.example.com/", ADMIN_API_KEY: "k".repeat(32) };
const key = Buffer.alloc(32, 7).toString("base64");

describe("readConfig", () => {
  test("ADMIN_API_KEY and METRICS_TOKEN take two values while they are rotated", () => {
    const [first, second] = ["a".repeat(32), "b".repeat(32)];
    const tokens = { ADMIN_API_KEY: `${first}, ${second}`, METRICS_TOKEN: `${second},${first}` };
    expect(readConfig({ ...enough, ...tokens })).toMatchObject({
      adminApiKeys: [first, second],
      metricsTokens: [second, first],
    });
    for (const wrong of [`${first},`, `${first},${second},${"c".repeat(32)}`, `${first},short`])
      expect(() => readConfig({ ...enough, ADMIN_API_KEY: wrong }), wrong).toThrow("ADMIN_API_KEY must");
  });

  test("needs no more than the public URL and an admin key", () => {
    expect(readConfig(enough)).toMatchObject({
      publicUrl: "https://bridge.example.com",
      port: 3000,
      database: { dataDir: "./data" },
      highlevelUrl: "https://services.leadconnectorhq.com",
      retryHours: 36,
      bodyLimitBytes: { sms: 1_000_000, email: 50_000_000 },
    });
  });

  test("has no default for secrets: each setting that is missing is named, all at once", () => {
    const DATABASE_URL = "postgres://db.example/bridge";
    expect(() => readConfig({ DATABASE_URL })).toThrow(/PUBLIC_URL is not set.*\nADMIN_API_KEY is not set/);
    expect(() => readConfig({ PUBLIC_URL: enough.PUBLIC_URL })).toThrow(/^ADMIN_API_KEY is not set/);
    expect(() => readConfig({ ADMIN_API_KEY: enough.ADMIN_API_KEY })).toThrow(/^PUBLIC_URL is not set/);
  });

  test("is for this machine alone where nothing is said of who may come and from where", () => {
    const here = { publicUrl: "http://127.0.0.1:3000", host: "127.0.0.1", adminApiKeys: [] };
    expect(readConfig({})).toMatchObject(here);
    expect(readConfig({ PUBLIC_URL: "", PORT: "3010" })).toMatchObject({ ...here, publicUrl: "http://127.0.0.1:3010" });
    expect(readConfig({ HOST: "::1" })).toMatchObject({ ...here, host: "::1" });
    for (const HOST of ["0.0.0.0", "::", "bridge.example.com"])
      expect(() => readConfig({ HOST }), HOST).toThrow(/PUBLIC_URL is not set.*\nADMIN_API_KEY is not set/);
  });

  test("traces nothing without an endpoint, and reads the collector's headers as OpenTelemetry writes them", () => {
    expect(readConfig(enough)).toMatchObject({ traces: undefined, metricsTokens: undefined });
    const endpoint = "http://localhost:4318/";
    const OTEL_EXPORTER_OTLP_HEADERS = "api-key=a%20b, x-tenant = 7";
    const { traces } = readConfig({ ...enough, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS });
    expect(traces).toEqual({
      endpoint: "http://localhost:4318",
      headers: { "api-key": "a b", "x-tenant": "7" },
      serviceName: "conversation-bridge",
      ratio: 1,
    });
  });

  test("takes an empty setting for one that is not set", () => {
    expect(readConfig({ ...enough, DATABASE_URL: "", PORT: "" }).port).toBe(3000);
  });

  test.each([
    ["PORT", "http", "must be a whole number of (a port)"],
    ["RETRY_HOURS", "0", "must be from 1 to 720 hours"],
    ["PUBLIC_URL", "bridge.example.com", "must be a URL that begins with https:// or http://"],
    ["DATABASE_URL", "mysql://localhost/x", "must be a URL that begins with postgres://"],
    ["ADMIN_API_KEY", "short", "must have at least 32 characters"],
    ["ENCRYPTION_KEYS", "abc", "each key must be 32 bytes in base64"],
    ["ALLOWED_PRIVATE_HOSTS", "http://localhost:4010", "each must be host:port, as in localhost:4010"],
    ["METRICS_TOKEN", "short", "must have at least 16 characters"],
    ["OTEL_EXPORTER_OTLP_HEADERS", "key", "must be key=value"],
    ["OTEL_TRACES_SAMPLER_ARG", "2", "must be a number from 0 to 1"],
    ["LOG_LEVEL", "loud", "Invalid option"],
    ["RUN", "everything", "must be all, web or worker"],
    ["HIGHLEVEL_CLIENT_ID", "nodash", "must look like <app id>-<suffix>"],
  ])("says what is wrong with %s=%s", (name, value, sentence) => {
    expect(() => readConfig({ ...enough, [name]: value })).toThrow(`${name} ${sentence}`);
  });

  test("does not seal a shared database with a key that lies inside of it", () => {
    const DATABASE_URL = "postgres://bridge@localhost/bridge";
    expect(() => readConfig({ ...enough, DATABASE_URL })).toThrow(/ENCRYPTION_KEYS is not set/);
    const config = readConfig({ ...enough, DATABASE_URL, ENCRYPTION_KEYS: `${key},${key}` });
    expect(config.encryptionKeys).toHaveLength(2);
  });
});

test("web and worker processes meet in PostgreSQL: the embedded database works with all alone", () => {
  expect(readConfig(enough).run).toBe("all");
  for (const RUN of ["web", "worker"]) {
    expect(() => readConfig({ ...enough, RUN })).toThrow(`RUN is ${RUN}, and DATABASE_URL is not set`);
    const shared = { DATABASE_URL: "postgres://bridge@localhost/bridge", ENCRYPTION_KEYS: key };
    expect(readConfig({ ...enough, ...shared, RUN }).run).toBe(RUN);
  }
});

describe("the marketplace app", () => {
  test("is connected by its client id and secret, and asks for what the bridge needs", () => {
    expect(readConfig(enough).oauth.clientId).toBeUndefined();
    const config = readConfig({ ...enough, HIGHLEVEL_CLIENT_ID: "app-suffix", HIGHLEVEL_CLIENT_SECRET: "secret" });
    expect(config.oauth).toMatchObject({
      clientId: "app-suffix",
      authorizeUrl: "https://marketplace.gohighlevel.com/v2/oauth/chooselocation",
    });
    expect(config.oauth.scopes.split(" ")).toContain("conversations/message.write");
  });

  test("is given whole or not at all", () => {
    expect(() => readConfig({ ...enough, HIGHLEVEL_CLIENT_ID: "app-suffix" })).toThrow(
      /HIGHLEVEL_CLIENT_SECRET is not/,
    );
    expect(() => readConfig({ ...enough, HIGHLEVEL_CLIENT_SECRET: "s" })).toThrow(/HIGHLEVEL_CLIENT_ID is not/);
  });
});

test("docs/settings.md lists every setting, with the sentence that the bridge itself says of it", () => {
  const page = readFileSync(new URL("../docs/settings.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `([A-Z0-9_]+)` *\|[^|]*\| (.*?) *\|$/gm)].map(([, name, sentence]) => [
    name,
    sentence,
  ]);
  expect(Object.fromEntries(rows)).toEqual(settingDescriptions);
});
