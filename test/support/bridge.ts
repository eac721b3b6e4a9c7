import { createPublicKey, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axios from "axios";
import { inject } from "vitest";
import type { Config } from "../../src/config.ts";
import { Failure } from "../../src/errors.ts";
import { createLog } from "../../src/log.ts";
import type { WebhookRequest } from "../../src/model.ts";
import { type SandboxOptions, startSandbox } from "../../src/sandbox/sandbox.ts";
import type { Tuning } from "../../src/start-bridge/tuning.ts";
import { type Bridge, startBridge } from "../../src/start-bridge.ts";
import { copyEmbedded, copyMigrated } from "./database.ts";
import { requireFit } from "./fits-document.ts";
import { emailProviderId, locationId, publicUrl, smsProviderId, token } from "./location.ts";
import { until } from "./until.ts";

/** For what a bridge looks for now and then, however idle it is. That takes a third of a processor. */
export const restless = { pollSeconds: 0.05 };

export const adminApiKey = "test-admin-key-of-more-than-32-characters";

export interface TestBridge {
  url: string;
  sandbox: Awaited<ReturnType<typeof startSandbox>>["sandbox"];
  /** Where the sandbox listens. */
  sandboxUrl: string;
  logLines: Record<string, unknown>[];
  /** A call to the admin route; nothing is checked when it is registered. Never throws for a status. */
  admin(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<Answer>;
  /** A call to the send route. */
  send(body: unknown, headers?: Record<string, string>, query?: string): Promise<Answer>;
  /** What the send route tells of a message. */
  sent(id: number): Promise<Answer>;
  /** Registers a mapping and gives its id. */
  addMapping(mapping: Record<string, unknown>): Promise<string>;
  /** Posts a signed webhook, as the provider would. */
  post(request: WebhookRequest): Promise<Answer>;
  /** What the process prints as it starts. */
  started: () => Pick<Bridge, "ownKey" | "signInLink">;
  restart(change?: Partial<Config>): Promise<void>;
  /** Ends the bridge alone, until it is restarted. */
  halt(): Promise<void>;
  stop(): Promise<void>;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely.
  body: any;
}

/**
 * A bridge with a sandbox behind it and one location registered: on a PostgreSQL database of its own, on that of
 * `databaseUrl`, or on the embedded one.
 */
export async function startTestBridge(
  options: {
    databaseUrl?: string;
    isEmbedded?: boolean;
    config?: Partial<Config>;
    tuning?: Partial<Tuning>;
    sandbox?: SandboxOptions;
    isTrial?: boolean;
  } = {},
): Promise<TestBridge> {
  const {
    url: highlevelUrl,
    sandbox,
    stop: stopSandbox,
  } = await startSandbox({ rateLimit: undefined, ...options.sandbox });
  sandbox.putLocation({
    id: locationId,
    token,
    providers: [
      { id: smsProviderId, channel: "sms", extra: true },
      { id: emailProviderId, channel: "email", extra: true },
      { id: "provider-sms-default", channel: "sms", extra: false },
    ],
  });
  const dataDir = mkdtempSync(join(tmpdir(), "bridge-test-"));
  if (options.isEmbedded) copyEmbedded(inject, dataDir);
  const isOwn = !options.databaseUrl && !options.isEmbedded;
  const own = isOwn ? await copyMigrated(inject) : undefined;
  const url = options.databaseUrl ?? own?.url;
  const logLines: Record<string, unknown>[] = [];
  const log = createLog("debug", { write: (line) => void logLines.push(JSON.parse(line)) });
  let config: Config = {
    publicUrl,
    adminApiKeys: [adminApiKey],
    port: 0,
    host: "127.0.0.1",
    run: "all",
    incoming: { connections: 5000, webhooksPerMinute: 0 },
    database: url ? { url, poolSize: 10 } : { dataDir },
    encryptionKeys: [randomBytes(32)],
    highlevelUrl,
    appOrigins: ["https://app.gohighlevel.com"],
    oauth: { authorizeUrl: "https://marketplace.example.com/choose", scopes: "conversations.write" },
    highlevelTimeoutSeconds: 5,
    highlevelRequests: { per10Seconds: 0, perDay: 180_000 },
    deliveryConcurrency: 16,
    highlevelKeys: { ed25519: [publicKeyOf(sandbox.publicKey)], rsa: [] },
    retryHours: 36,
    sendRetryHours: 4,
    holdSends: false,
    bodyLimitBytes: { sms: 100_000, email: 1_000_000 },
    bodyMemoryBytes: 128_000_000,
    attachmentLimitBytes: 5_000_000,
    emailAttachmentsLimitBytes: 10_000_000,
    allowedPrivateHosts: [new URL(highlevelUrl).host],
    providersUrl: undefined,
    retentionDays: 30,
    deadRetentionDays: 180,
    shutdownSeconds: 10,
    logLevel: "debug",
    ...options.config,
  };
  const tuning = {
    ...{ pollSeconds: 0.5, firstDelaySeconds: 0.02, visibleAfterSeconds: 0 },
    // Where stand-ins are, they serve certificates, too.
    ...(config.providersUrl === undefined ? { fetchCertificate } : {}),
    ...options.tuning,
  };
  let bridge = await startBridge(config, log, tuning, { isTrial: options.isTrial ?? false });
  let isRunning = true;

  const call = async (
    method: string,
    path: string,
    headers: Record<string, string>,
    data: unknown,
  ): Promise<Answer> => {
    const answer = await axios.request({
      method,
      url: `${bridge.url}${path}`,
      headers,
      data,
      validateStatus: () => true,
      transitional: { silentJSONParsing: true },
      maxBodyLength: Number.POSITIVE_INFINITY,
    });
    const { status, data: body } = answer;
    const shown = { status, headers: answer.headers as Record<string, string>, body };
    requireFit(method, path, shown);
    return shown;
  };
  const test: TestBridge = {
    get url() {
      return bridge.url;
    },
    sandbox,
    sandboxUrl: highlevelUrl,
    logLines,
    admin: (method, path, body) =>
      call(method, `/admin${unchecked(method, path)}`, { authorization: `Bearer ${adminApiKey}` }, body),
    send: (body, headers = {}, query = "") =>
      call("POST", `/v1/messages${query}`, { authorization: `Bearer ${adminApiKey}`, ...headers }, body),
    sent: (id) => call("GET", `/v1/messages/${id}`, { authorization: `Bearer ${adminApiKey}` }, undefined),
    async addMapping(mapping) {
      const answer = await test.admin("POST", "/mappings", {
        locationId,
        conversationProviderId: smsProviderId,
        ...mapping,
      });
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      return answer.body.id;
    },
    post: ({ url, headers, body }) => call("POST", url.slice(publicUrl.length), headers, body),
    started: () => bridge,
    async restart(change = {}) {
      await test.halt();
      config = { ...config, ...change };
      bridge = await startBridge(config, log, tuning);
      isRunning = true;
    },
    async halt() {
      if (isRunning) await bridge.stop();
      isRunning = false;
    },
    async stop() {
      await test.halt();
      await stopSandbox();
      await own?.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  await test.admin("PUT", `/locations/${locationId}`, { name: "Test", token });
  return test;
}

/** What is registered is checked at once, unless it is said not to be: there is no provider to ask. */
export const unchecked = (method: string, path: string) =>
  /^(POST \/(mappings|accounts)|PATCH \/(mappings|accounts)\/[\da-f-]{36})$/.test(`${method} ${path}`)
    ? `${path}?check=false`
    : path;

/** Loads what there is of providers only for a test that needs it. */
async function fetchCertificate(url: string): Promise<string> {
  const { certificates } = await import("./certificates.ts");
  const pem = certificates.get(url);
  if (pem === undefined) throw new Failure("unreachable", `no fixture has a certificate at ${url}`);
  return pem;
}

const publicKeyOf = (spki: string) =>
  createPublicKey({ key: Buffer.from(spki, "base64"), format: "der", type: "spki" });

/** Waits until HighLevel has so many messages, and gives them in the order in which they were accepted. */
export async function untilPosted(bridge: TestBridge, count: number, seconds?: number) {
  return until(
    () => bridge.sandbox.messages(),
    (messages) => messages.length >= count,
    seconds,
  );
}
