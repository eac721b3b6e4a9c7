import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { readConfig, settingDescriptions } from "../../src/config.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const service = z.object({
  image: z.string(),
  build: z.string().optional(),
  environment: z.record(z.string(), z.string()),
  depends_on: z.record(z.string(), z.object({ condition: z.literal("service_healthy") })).optional(),
  deploy: z.object({ replicas: z.number() }).optional(),
  volumes: z.array(z.string()).optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  mem_limit: z.string(),
  pids_limit: z.number(),
  cap_drop: z.array(z.string()),
  security_opt: z.array(z.string()),
  read_only: z.boolean().optional(),
});
const compose = z
  .object({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) })
  .parse(parse(read("compose.yaml"), { merge: true }));
const { web, worker, postgres, proxy } = compose.services;

/** As `docker compose` does it: `${NAME:?message}` is what the file .env says, or an error. */
function interpolate(text: string, values: Record<string, string>): string {
  return text.replaceAll(/\$\{(\w+):\?[^}]*\}/g, (_, name: string) => {
    const value = values[name];
    if (!value) throw new Error(`${name} is not set`);
    return value;
  });
}

test("compose.yaml: two processes answer and two deliver, on one PostgreSQL, with settings that the bridge takes", () => {
  const secrets = {
    PUBLIC_URL: "https://bridge.example.com",
    ADMIN_API_KEY: "k".repeat(32),
    ENCRYPTION_KEYS: Buffer.alloc(32, 7).toString("base64"),
    POSTGRES_PASSWORD: "p".repeat(32),
  };
  for (const [run, each] of Object.entries({ web, worker })) {
    expect(each?.deploy?.replicas).toBe(2);
    expect(each?.build).toBe(".");
    expect(Object.keys(each?.depends_on ?? {})).toEqual(["postgres"]);
    const environment = Object.entries(each?.environment ?? {}).map(([name, value]) => {
      expect(Object.keys(settingDescriptions)).toContain(name);
      return [name, interpolate(value, secrets)];
    });
    const config = readConfig(Object.fromEntries(environment));
    expect(config).toMatchObject({ run, port: 3000, publicUrl: secrets.PUBLIC_URL });
    expect(config.database).toMatchObject({
      url: `postgres://bridge:${secrets.POSTGRES_PASSWORD}@postgres:5432/bridge`,
    });
  }
  expect(postgres?.volumes).toEqual(["postgres:/var/lib/postgresql/data"]);
  expect(postgres?.healthcheck?.test).toContain("pg_isready");
  expect(Object.keys(compose.volumes)).toEqual(["postgres", "certificates"]);
});

test("compose.yaml: no service may take all of the machine's memory or more rights than it needs", () => {
  for (const [name, each] of Object.entries(compose.services)) {
    expect(each.mem_limit, name).toMatch(/^\d+[mg]$/);
    expect(each.pids_limit, name).toBeGreaterThan(0);
    expect(each.cap_drop, name).toEqual(["ALL"]);
    expect(each.security_opt, name).toEqual(["no-new-privileges:true"]);
  }
  for (const each of [web, worker, proxy]) expect(each?.read_only).toBe(true);
});

test("compose.yaml has no secret of its own: each comes from .env, and is required", () => {
  const names = ["ADMIN_API_KEY", "ENCRYPTION_KEYS", "POSTGRES_PASSWORD"];
  const text = read("compose.yaml");
  for (const name of names) {
    for (const [, after] of text.matchAll(new RegExp(`\\$\\{${name}(.*?)\\}`, "g"))) expect(after).toMatch(/^:\?/);
    expect(read(".env.example")).toMatch(new RegExp(`^#?${name}=$`, "m"));
  }
  expect(postgres?.environment["POSTGRES_PASSWORD"]).toContain("POSTGRES_PASSWORD:?");
  expect(read(".dockerignore").split("\n")).toContain(".env*");
});

test("what the Dockerfile copies is let in by .dockerignore", () => {
  const rules = read(".dockerignore").trim().split("\n");
  const isIn = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
  const isIgnored = (path: string) =>
    rules.findLast((rule) => isIn(path, rule.replace("!", "")))?.startsWith("!") === false;
  const copied = [...read("Dockerfile").matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = ""]) =>
    paths.split(" "),
  );
  expect(copied).toContain("tools/make-database.mjs");
  expect(isIgnored("tools/dev.ts")).toBe(true);
  expect(copied.filter(isIgnored)).toEqual([]);
});

test("the proxy serves PUBLIC_URL from the port of the web processes, and keeps health to itself", () => {
  const caddyfile = read("ops/Caddyfile");
  expect(proxy?.volumes).toContain("./ops/Caddyfile:/etc/caddy/Caddyfile:ro");
  expect(Object.keys(proxy?.environment ?? {})).toEqual(["PUBLIC_URL"]);
  expect(caddyfile).toMatch(/^\{\$PUBLIC_URL\} \{$/m);
  expect(caddyfile).toMatch(/name web\n\s+port 3000\n/);
  for (const path of ["/livez", "/readyz", "/metrics"]) {
    expect(caddyfile).toMatch(new RegExp(`@inside path .*${path} ${path}/\\*`));
  }
  expect(read("Dockerfile")).toContain('CMD ["node", "dist/main.js"]');
});
