import { createServer, type RequestListener, type Server } from "node:http";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { Problem } from "./problem.ts";

/** So many webhooks of each mapping, so that one which posts without end leaves room for the others. */
export interface WebhookLimit {
  /**
   * Throws a 429 for an id that nothing is known of, when too many of those turned out to be nobody's: who guesses must not
   * keep the database busy. An id that was found once is always looked up.
   */
  admitLookup(id: string): Promise<void>;
  /** Counts what was found, or that nothing was. Throws a 429 when it is too much; `via` are counted apart. */
  count(id: string, via: "provider" | "highlevel", isFound: boolean): Promise<void>;
}

/** Shorter than the minute of the setting, so that nobody waits long who was too fast. */
const windowSeconds = 10;
const strangersPerWindow = 200;
const strangers = "strangers";

/** For one process, which counts for itself. With 0 a mapping may post as much as it likes. */
export function createWebhookLimit(perMinute: number): WebhookLimit {
  const points = Math.ceil((perMinute * windowSeconds) / 60);
  const known = perMinute > 0 ? new RateLimiterMemory({ points, duration: windowSeconds }) : undefined;
  const unknown = new RateLimiterMemory({ points: strangersPerWindow, duration: windowSeconds });
  const found = new Set<string>();

  return {
    async admitLookup(id) {
      if (found.has(id)) return;
      const spent = await unknown.get(strangers);
      if (spent && spent.remainingPoints <= 0) throw tooMany(spent);
    },
    async count(id, via, isFound) {
      if (isFound) found.add(id);
      await (isFound ? known?.consume(`${via} ${id}`) : unknown.consume(strangers))?.catch((error: unknown) => {
        throw error instanceof RateLimiterRes ? tooMany(error) : error;
      });
    },
  };
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
