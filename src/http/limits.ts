import { createServer, type RequestListener, type Server } from "node:http";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { WebhookSource } from "../model.ts";
import { Problem } from "./problem.ts";

/** So many webhooks of each mapping, so that one which posts without end leaves room for the others. */
export interface WebhookLimit {
  /** Throws a 429 when the mapping has posted too much; what is posted `via` HighLevel is counted apart. */
  requireRoom(mappingId: string, via: WebhookSource): Promise<void>;
  /** Counts one that has verified: nobody else's requests use up what a mapping may post. Throws a 429 when it is too much. */
  count(mappingId: string, via: WebhookSource): Promise<void>;
  /** Counts a request to an id that does not exist. Throws a 429 when too many came from this address. */
  countStranger(address: string | undefined): Promise<void>;
}

/** Shorter than the minute of the setting, so that a provider that was too fast does not wait for long. */
const windowSeconds = 10;
/** Requests to ids that do not exist, from one address. */
const maxStrangersPerWindow = 100;

/** For one process, which counts for itself. With 0 a mapping may post as much as it likes. */
export function createWebhookLimit(perMinute: number): WebhookLimit {
  const points = Math.ceil((perMinute * windowSeconds) / 60);
  const known = perMinute > 0 ? new RateLimiterMemory({ points, duration: windowSeconds }) : undefined;
  const strangers = new RateLimiterMemory({ points: maxStrangersPerWindow, duration: windowSeconds });
  const count = async (limiter: RateLimiterMemory | undefined, key: string) => {
    await limiter?.consume(key).catch((error: unknown) => {
      throw error instanceof RateLimiterRes ? tooMany(error) : error;
    });
  };
  return {
    async requireRoom(mappingId, via) {
      const spent = await known?.get(`${via} ${mappingId}`);
      if (spent && spent.remainingPoints <= 0) throw tooMany(spent);
    },
    count: (mappingId, via) => count(known, `${via} ${mappingId}`),
    countStranger: (address = "") => count(strangers, networkOf(address)),
  };
}

/** What is counted as one sender. Of IPv6, whose addresses are given away by the billion, the first half. */
export function networkOf(address: string): string {
  return address.includes(":") && !address.includes(".") ? address.split(":").slice(0, 4).join(":") : address;
}

function tooMany({ msBeforeNext }: RateLimiterRes): Problem {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
  return new Problem(429, "too many webhooks: nothing was stored, send it again later", {
    headers: { "Retry-After": String(seconds) },
  });
}

/** What a client may take its time for, in seconds. */
const patience = { headersSeconds: 15, requestSeconds: 60, checkSeconds: 2 };
/** Longer than that of the usual proxies (60 seconds), so that no proxy sends into a connection that we are closing. */
const keepAliveSeconds = 75;
const maxHeaders = 200;

/**
 * A server that slow and greedy clients cannot fill: a request must have come whole within a minute, its headers much
 * earlier and within 16 kB, or its connection is closed with a 408 or 431. Connections beyond the limit are closed at once.
 */
export function createLimitedServer(
  listener: RequestListener,
  limits: { connections: number } & Partial<typeof patience>,
): Server {
  const { connections, headersSeconds, requestSeconds, checkSeconds } = { ...patience, ...limits };
  const server = createServer(
    {
      headersTimeout: headersSeconds * 1000,
      requestTimeout: requestSeconds * 1000,
      connectionsCheckingInterval: checkSeconds * 1000,
      keepAliveTimeout: keepAliveSeconds * 1000,
      maxHeaderSize: 16_384,
    },
    listener,
  );
  server.maxHeadersCount = maxHeaders;
  server.maxConnections = connections;
  return server;
}
