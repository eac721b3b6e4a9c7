import { createPublicKey } from "node:crypto";
import { z } from "zod";
import { ConfigError } from "./errors.ts";
import { publishedKeys } from "./highlevel/public-keys.ts";
import type { HighlevelKeys } from "./highlevel/webhook.ts";

const wholeNumber = (min: number, max: number, unit: string) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number of ${unit}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max} ${unit}`);

const httpUrl = z
  .url({ protocol: /^https?$/, error: "must be a URL that begins with https:// or http://" })
  .transform((url) => url.replace(/\/+$/, ""));

const encryptionKeys = z.string().transform((text, context) => {
  const keys = text.split(",").map((key) => Buffer.from(key.trim(), "base64"));
  if (keys.some((key) => key.length !== 32)) {
    context.addIssue(
      "each key must be 32 bytes in base64, keys separated by commas; make one by: openssl rand -base64 32",
    );
  }
  return keys;
});

/** One; or two, the new one and the one that goes, while whoever has it changes over. */
const tokens = (minLength: number) =>
  z.string().transform((text, context) => {
    const list = text.split(",").map((token) => token.trim());
    if (list.some((token) => token.length < minLength))
      context.addIssue(`must have at least ${minLength} characters; make one by: openssl rand -hex 32`);
    if (list.length > 2) context.addIssue("must be one, or two separated by a comma while it is rotated");
    return list;
  });

const hosts = z
  .string()
  .transform((text) => text.split(",").map((host) => host.trim()))
  .refine((list) => list.every((host) => /^[^\s/]+:\d+$/.test(host)), "each must be host:port, as in localhost:4010");

const origins = z
  .string()
  .transform((text) => text.split(",").map((origin) => origin.trim()))
  .refine(
    (list) =>
      list.every((origin) => /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin),
    "each must be an origin, as in https://app.example.com",
  );

/** As in the W3C's baggage: https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables */
const keyValues = z.string().transform((text, context) => {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  try {
    return Object.fromEntries(pairs.map(readPair));
  } catch {
    context.addIssue("must be key=value, several separated by commas, special characters as in URLs");
    return z.NEVER;
  }
});

function readPair(pair: string): [string, string] {
  const [, key = "", value = ""] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
  if (key === "") throw new Error("no key");
  return [decodeURIComponent(key), decodeURIComponent(value)];
}

/** SPKI in base64, as between the lines of a PEM file; `none` for no key. */
const publicKeys = (type: "ed25519" | "rsa") =>
  z.string().transform((text, context) => {
    if (text === "none") return [];
    try {
      const keys = text
        .split(",")
        .map((key) => createPublicKey({ key: Buffer.from(key.trim(), "base64"), format: "der", type: "spki" }));
      if (keys.every((key) => key.asymmetricKeyType === type)) return keys;
    } catch {
      // Said below.
    }
    context.addIssue(`must be ${type} public keys (SPKI) in base64, separated by commas, or none`);
    return [];
  });

const settings = z.object({
  PUBLIC_URL: httpUrl.describe("The address under which providers reach the bridge; some sign it"),
  ADMIN_API_KEY: tokens(32).describe(
    "The bearer token of the admin route; two, separated by a comma, while it is rotated",
  ),
  PORT: wholeNumber(0, 65535, "(a port)").prefault("3000").describe("Where the server listens"),
  HOST: z.string().min(1).default("0.0.0.0").describe("The interface on which the server listens"),
  RUN: z
    .enum(["all", "web", "worker"], "must be all, web or worker")
    .default("all")
    .describe(
      "What the process does: web answers requests, worker delivers, all does both; web and worker need DATABASE_URL",
    ),
  MAX_CONNECTIONS: wholeNumber(10, 100_000, "connections")
    .prefault("5000")
    .describe("Connections from outside at once; further ones are closed"),
  WEBHOOKS_PER_MINUTE_PER_MAPPING: wholeNumber(0, 100_000_000, "webhooks")
    .prefault("6000")
    .describe("What one process takes for one webhook URL; what is over it is answered 429; 0 for no limit"),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: "must be a URL that begins with postgres://" })
    .optional()
    .describe("PostgreSQL; without it the embedded database in DATA_DIR is used"),
  DATABASE_POOL_SIZE: wholeNumber(2, 200, "connections").prefault("10").describe("Connections to PostgreSQL"),
  DATA_DIR: z.string().min(1).default("./data").describe("The embedded database's directory, for one process alone"),
  ENCRYPTION_KEYS: encryptionKeys
    .optional()
    .describe("Keys that seal tokens and credentials: the first seals, all open; required with DATABASE_URL"),
  HIGHLEVEL_URL: httpUrl.prefault("https://services.leadconnectorhq.com").describe("HighLevel's API"),
  HIGHLEVEL_TIMEOUT_SECONDS: wholeNumber(1, 300, "seconds")
    .prefault("30")
    .describe("The longest that one attempt may take"),
  HIGHLEVEL_REQUESTS_PER_10_SECONDS: wholeNumber(0, 1_000_000, "requests")
    .prefault("80")
    .describe("Of HighLevel's 100 for one location, what all processes together use; 0 for no limit of our own"),
  HIGHLEVEL_REQUESTS_PER_DAY: wholeNumber(1, 1_000_000_000, "requests")
    .prefault("180000")
    .describe("Of HighLevel's 200,000 for one location, what all processes together use"),
  HIGHLEVEL_CLIENT_ID: z
    .string()
    .regex(/^[^-\s]+-\S+$/, "must look like <app id>-<suffix>: copy it from the app's client keys")
    .optional()
    .describe("The marketplace app's client id; without it the one that is entered at the console counts"),
  HIGHLEVEL_CLIENT_SECRET: z.string().optional().describe("The marketplace app's client secret"),
  HIGHLEVEL_SHARED_SECRET: z
    .string()
    .min(16, "must be the shared secret as HighLevel made it: it is longer")
    .optional()
    .describe("The marketplace app's shared secret, by which HighLevel tells the console's pages inside it who looks"),
  HIGHLEVEL_AUTHORIZE_URL: httpUrl
    .prefault("https://marketplace.gohighlevel.com/v2/oauth/chooselocation")
    .describe("Where a location or agency is chosen to install the app; the app's own link fits too"),
  HIGHLEVEL_SCOPES: z
    .string()
    .default(
      "conversations.readonly conversations.write conversations/message.readonly conversations/message.write " +
        "contacts.readonly contacts.write oauth.readonly oauth.write",
    )
    .describe("What the app asks for when it is installed, separated by spaces"),
  HIGHLEVEL_APP_ORIGINS: origins
    .prefault("https://app.gohighlevel.com,https://app.leadconnectorhq.com")
    .describe(
      "Whose pages may show the console inside them: HighLevel's, and an agency's own domain; several by commas. The first is where messages link to",
    ),
  DELIVERY_CONCURRENCY: wholeNumber(1, 1000, "conversations")
    .prefault("64")
    .describe("Conversations delivered to at once"),
  HIGHLEVEL_PUBLIC_KEYS: publicKeys("ed25519")
    .prefault(publishedKeys.ed25519)
    .describe("What HighLevel signs with: the Ed25519 keys of X-GHL-Signature"),
  HIGHLEVEL_LEGACY_PUBLIC_KEYS: publicKeys("rsa")
    .prefault(publishedKeys.rsa)
    .describe("The RSA keys of the older X-WH-Signature, taken for app events only; none to refuse it"),
  RETRY_HOURS: wholeNumber(1, 720, "hours").prefault("36").describe("How long a delivery is retried before it is dead"),
  SEND_RETRY_HOURS: wholeNumber(1, 720, "hours")
    .prefault("4")
    .describe("How long the bridge tries to send an answer to a person before it has failed"),
  HOLD_SENDS: z
    .enum(["true", "false"], "must be true or false")
    .default("false")
    .describe("true holds all that goes out to people, from the start on: DELETE /admin/hold ends it"),
  SMS_BODY_LIMIT_KB: wholeNumber(1, 100_000, "kB").prefault("1000").describe("The largest webhook of an SMS provider"),
  EMAIL_BODY_LIMIT_KB: wholeNumber(1, 100_000, "kB")
    .prefault("50000")
    .describe(
      "How much of an email provider's webhook is kept; one of up to twice as much is taken in, and posted without its end. Postmark's hold 35 MB of files, in base64 47 MB",
    ),
  BODY_MEMORY_MB: wholeNumber(2, 100_000, "MB")
    .prefault("128")
    .describe(
      "What webhooks may take that are being read at one time, half of it for one webhook URL; more is answered 503",
    ),
  ATTACHMENT_LIMIT_KB: wholeNumber(1, 100_000, "kB")
    .prefault("5000")
    .describe(
      "The largest file that is uploaded to HighLevel, which takes no larger one; a larger one is named in the text",
    ),
  EMAIL_ATTACHMENTS_LIMIT_KB: wholeNumber(1, 100_000, "kB")
    .prefault("10000")
    .describe("How much an email to a person may carry in files; what is over it goes as links"),
  ALLOWED_PRIVATE_HOSTS: hosts
    .optional()
    .describe("Where files may be fetched from although the address is not public: host:port, several by commas"),
  PROVIDERS_DIR: z
    .string()
    .min(1)
    .optional()
    .describe("A directory with documents of declared providers, *.json; a wrong one stops the start"),
  PROVIDERS_URL: httpUrl
    .optional()
    .describe(
      "In place of https:// for all calls to providers, to try against stand-ins: https://api.twilio.com/x becomes {PROVIDERS_URL}/api.twilio.com/x",
    ),
  RETENTION_DAYS: wholeNumber(1, 3650, "days").prefault("30").describe("How long bodies and attempts are kept"),
  DEAD_RETENTION_DAYS: wholeNumber(1, 3650, "days")
    .prefault("180")
    .describe("How long dead deliveries and failed webhooks wait for somebody before they are discarded"),
  SHUTDOWN_SECONDS: wholeNumber(1, 600, "seconds")
    .prefault("25")
    .describe("How long a stop waits for what is under way"),
  METRICS_TOKEN: tokens(16)
    .optional()
    .describe(
      "The bearer token of GET /metrics, or two, separated by a comma, while it is rotated; without it there are no metrics",
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl
    .optional()
    .describe("An OpenTelemetry collector that takes OTLP over HTTP; without it there are no traces"),
  OTEL_EXPORTER_OTLP_HEADERS: keyValues
    .prefault("")
    .describe("Headers for the collector: key=value, several by commas"),
  OTEL_SERVICE_NAME: z.string().min(1).default("conversation-bridge").describe("What traces call the bridge"),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0(\.\d+)?|1(\.0+)?)$/, "must be a number from 0 to 1")
    .transform(Number)
    .prefault("1")
    .describe("How much of all traces is sent, from 0 to 1"),
  LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("The least level that is logged"),
});

type Settings = z.infer<typeof settings>;

export interface OauthConfig {
  /** The app's id, a dash, and a suffix; absent, as its secrets, where they are entered at the console or there is no app. */
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  sharedSecret?: string | undefined;
  authorizeUrl: string;
  /** Separated by spaces. */
  scopes: string;
}

export interface Config {
  publicUrl: string;
  /** One or two. */
  adminApiKeys: string[];
  port: number;
  host: string;
  /** What this process does: answer requests, work off what is stored, or both. */
  run: Settings["RUN"];
  /** Connections at once, and webhooks of one mapping a minute; 0 for any number of these. */
  incoming: { connections: number; webhooksPerMinute: number };
  /** What bodies may take that are being read, verified and stored. */
  bodyMemoryBytes: number;
  database: { url: string; poolSize: number } | { dataDir: string };
  /** Absent with the embedded database when it keeps a key of its own. */
  encryptionKeys: Buffer[] | undefined;
  highlevelUrl: string;
  /** Whose pages may show the console inside them. */
  appOrigins: string[];
  highlevelTimeoutSeconds: number;
  /** For each location, over all processes together; 0 for any number. */
  highlevelRequests: { per10Seconds: number; perDay: number };
  oauth: OauthConfig;
  deliveryConcurrency: number;
  highlevelKeys: HighlevelKeys;
  retryHours: number;
  sendRetryHours: number;
  /** Begin with nothing going out to people. */
  holdSends: boolean;
  bodyLimitBytes: { sms: number; email: number };
  attachmentLimitBytes: number;
  emailAttachmentsLimitBytes: number;
  allowedPrivateHosts: string[];
  /** Where documents of declared providers are. */
  providersDir?: string | undefined;
  providersUrl: string | undefined;
  retentionDays: number;
  deadRetentionDays: number;
  shutdownSeconds: number;
  /** Absent when there are to be no metrics. */
  metricsTokens?: string[] | undefined;
  /** Absent when nothing is to be traced. */
  traces?: { endpoint: string; headers: Record<string, string>; serviceName: string; ratio: number } | undefined;
  logLevel: Settings["LOG_LEVEL"];
  /** Of a trial: where the sandbox's pages are that stands around it. */
  sandboxUrl?: string | undefined;
  /** Each setting as this process has it, by its name; of secrets, whether they are set. */
  shown?: Record<string, string> | undefined;
}

/** Every setting with its sentence, for docs/settings.md and its test. */
export const settingDescriptions: Record<string, string> = Object.fromEntries(
  Object.entries(settings.shape).map(([name, schema]) => [name, schema.description ?? ""]),
);

/**
 * Reads the settings from the environment; throws a ConfigError that names each wrong one and what would fit. With nothing
 * said of who may come and from where, and no HOST that others reach, the embedded database is for this machine, and
 * `adminApiKeys` is empty: the key is made.
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.entries(environment).filter(
    ([name, value]) => name in settings.shape && value !== "" && value !== undefined,
  );
  const { HOST = "127.0.0.1" } = Object.fromEntries(given);
  const isForHere =
    ["127.0.0.1", "localhost", "::1"].includes(HOST) &&
    !given.some(([name]) => ["PUBLIC_URL", "ADMIN_API_KEY", "DATABASE_URL"].includes(name));
  const { PORT = "3000" } = environment;
  const here = isForHere ? { PUBLIC_URL: `http://127.0.0.1:${PORT || 3000}`, HOST: "127.0.0.1" } : {};
  const schema = isForHere ? settings.partial({ ADMIN_API_KEY: true }) : settings;
  const parsed = schema.safeParse({ ...here, ...Object.fromEntries(given) });
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      const isMissing = !given.some(([givenName]) => givenName === name);
      return `${name} ${isMissing ? `is not set. ${settingDescriptions[name]}.` : `${issue.message}.`}`;
    });
    throw new ConfigError(lines.join("\n"));
  }
  const value: Settings = { ...parsed.data, ADMIN_API_KEY: parsed.data.ADMIN_API_KEY ?? [] };
  return {
    publicUrl: value.PUBLIC_URL,
    adminApiKeys: value.ADMIN_API_KEY,
    port: value.PORT,
    host: value.HOST,
    run: value.RUN,
    incoming: { connections: value.MAX_CONNECTIONS, webhooksPerMinute: value.WEBHOOKS_PER_MINUTE_PER_MAPPING },
    bodyMemoryBytes: readBodyMemory(value),
    database: readDatabase(value),
    encryptionKeys: value.ENCRYPTION_KEYS,
    highlevelUrl: value.HIGHLEVEL_URL,
    appOrigins: value.HIGHLEVEL_APP_ORIGINS,
    highlevelTimeoutSeconds: value.HIGHLEVEL_TIMEOUT_SECONDS,
    highlevelRequests: {
      per10Seconds: value.HIGHLEVEL_REQUESTS_PER_10_SECONDS,
      perDay: value.HIGHLEVEL_REQUESTS_PER_DAY,
    },
    oauth: readOauth(value),
    deliveryConcurrency: value.DELIVERY_CONCURRENCY,
    highlevelKeys: { ed25519: value.HIGHLEVEL_PUBLIC_KEYS, rsa: value.HIGHLEVEL_LEGACY_PUBLIC_KEYS },
    retryHours: value.RETRY_HOURS,
    sendRetryHours: value.SEND_RETRY_HOURS,
    holdSends: value.HOLD_SENDS === "true",
    bodyLimitBytes: { sms: value.SMS_BODY_LIMIT_KB * 1000, email: value.EMAIL_BODY_LIMIT_KB * 1000 },
    attachmentLimitBytes: value.ATTACHMENT_LIMIT_KB * 1000,
    emailAttachmentsLimitBytes: value.EMAIL_ATTACHMENTS_LIMIT_KB * 1000,
    allowedPrivateHosts: value.ALLOWED_PRIVATE_HOSTS ?? [],
    providersDir: value.PROVIDERS_DIR,
    providersUrl: value.PROVIDERS_URL,
    retentionDays: value.RETENTION_DAYS,
    deadRetentionDays: value.DEAD_RETENTION_DAYS,
    shutdownSeconds: value.SHUTDOWN_SECONDS,
    metricsTokens: value.METRICS_TOKEN,
    traces: value.OTEL_EXPORTER_OTLP_ENDPOINT
      ? {
          endpoint: value.OTEL_EXPORTER_OTLP_ENDPOINT,
          headers: value.OTEL_EXPORTER_OTLP_HEADERS,
          serviceName: value.OTEL_SERVICE_NAME,
          ratio: value.OTEL_TRACES_SAMPLER_ARG,
        }
      : undefined,
    logLevel: value.LOG_LEVEL,
    shown: showSettings(new Map(given)),
  };
}

const secretSettings = new Set([
  ...[
    "ADMIN_API_KEY",
    "ENCRYPTION_KEYS",
    "HIGHLEVEL_CLIENT_SECRET",
    "HIGHLEVEL_SHARED_SECRET",
    "METRICS_TOKEN",
    "OTEL_EXPORTER_OTLP_HEADERS",
  ],
]);

function showSettings(given: ReadonlyMap<string, string | undefined>): Record<string, string> {
  const show = (name: string, schema: z.ZodType): string => {
    const text = given.get(name);
    if (secretSettings.has(name)) return text === undefined ? "not set" : "set";
    // A URL may hold a user and a password, or a token.
    if (text !== undefined) return URL.canParse(text) ? withoutSecrets(new URL(text)) : text;
    const byDefault = schema.safeParse(undefined).data;
    return byDefault === undefined ? "not set" : `${byDefault} (by default)`;
  };
  return Object.fromEntries(Object.entries(settings.shape).map(([name, schema]) => [name, show(name, schema)]));
}

const withoutSecrets = ({ protocol, host, pathname }: URL) => `${protocol}//${host}${pathname}`;

/** One mapping may fill half of it: less would never let the largest mail in. */
function readBodyMemory({ BODY_MEMORY_MB, EMAIL_BODY_LIMIT_KB }: Settings): number {
  const bytes = BODY_MEMORY_MB * 1_000_000;
  if (bytes >= 2 * EMAIL_BODY_LIMIT_KB * 1000) return bytes;
  throw new ConfigError(
    `BODY_MEMORY_MB is ${BODY_MEMORY_MB}, less than twice EMAIL_BODY_LIMIT_KB: the largest mail could never be read. ` +
      `Set it to ${Math.ceil((2 * EMAIL_BODY_LIMIT_KB) / 1000)} or more.`,
  );
}

function readDatabase(value: Settings): Config["database"] {
  if (value.DATABASE_URL && value.ENCRYPTION_KEYS) {
    return { url: value.DATABASE_URL, poolSize: value.DATABASE_POOL_SIZE };
  }
  if (value.DATABASE_URL) {
    throw new ConfigError(
      "ENCRYPTION_KEYS is not set, and DATABASE_URL is: tokens and credentials in a shared database must be sealed " +
        "with a key that lies elsewhere. Make one by: openssl rand -base64 32",
    );
  }
  if (value.RUN !== "all") {
    throw new ConfigError(
      `RUN is ${value.RUN}, and DATABASE_URL is not set: the embedded database is for one process, which does it all. ` +
        "Set DATABASE_URL, or RUN=all.",
    );
  }
  return { dataDir: value.DATA_DIR };
}

function readOauth(value: Settings): OauthConfig {
  const { HIGHLEVEL_CLIENT_ID: clientId, HIGHLEVEL_CLIENT_SECRET: clientSecret } = value;
  const {
    HIGHLEVEL_SHARED_SECRET: sharedSecret,
    HIGHLEVEL_AUTHORIZE_URL: authorizeUrl,
    HIGHLEVEL_SCOPES: scopes,
  } = value;
  if (clientId && clientSecret) return { clientId, clientSecret, sharedSecret, authorizeUrl, scopes };
  if (!clientId && !clientSecret && !sharedSecret) return { authorizeUrl, scopes };
  const missing = clientId ? "HIGHLEVEL_CLIENT_SECRET" : "HIGHLEVEL_CLIENT_ID";
  throw new ConfigError(`${missing} is not set: the app's client id and secret are given both, or neither.`);
}
