import { createServer, type RequestListener, type Server } from "node:http";
import { BlockList, isIPv6, type Socket } from "node:net";
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

/** Tries to sign in that fail, from one address. */
export interface TryLimit {
  /** Throws a 429 when too many have failed. */
  requireRoom(address: string | undefined): Promise<void>;
  countFailed(address: string | undefined): Promise<void>;
}

const maxTriesPerWindow = 20;

export function createTryLimit(): TryLimit {
  const tries = new RateLimiterMemory({ points: maxTriesPerWindow, duration: windowSeconds });
  return {
    async requireRoom(address = "") {
      const spent = await tries.get(networkOf(address));
      if (spent && spent.remainingPoints <= 0) throw new Problem(429, "too many keys that open nothing: wait a minute");
    },
    async countFailed(address = "") {
      await tries.consume(networkOf(address)).catch(() => undefined);
    },
  };
}

/** What is counted as one sender. Of IPv6, whose addresses are given away by the billion, the first half. */
export function networkOf(address: string): string {
  return address.includes(":") && !address.includes(".") ? address.split(":").slice(0, 4).join(":") : address;
}

function tooMany({ msBeforeNext }: RateLimiterRes): Problem {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
  return new Problem(429, "too many requests: nothing was stored, send it again later", {
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
 * earlier and within 16 kB, or its connection is closed with a 408 or 431. Connections beyond the limit are closed at once,
 * and so are those of one address beyond a quarter of it, unless that is of a network of one's own, where the proxy is.
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
  server.on("connection", createShares(Math.ceil(connections * partOfAddress)));
  return server;
}

const partOfAddress = 0.25;
const own = new BlockList();
for (const [network, prefix] of [
  ["127.0.0.0", 8],
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["100.64.0.0", 10],
] as const) {
  own.addSubnet(network, prefix);
}
own.addAddress("::1", "ipv6");
own.addSubnet("fc00::", 7, "ipv6");
own.addSubnet("fe80::", 10, "ipv6");

const isOwn = (address: string) => own.check(address, isIPv6(address) ? "ipv6" : "ipv4");

/** What lets each address hold so many connections. */
export function createShares(
  max: number,
  isFree = isOwn,
): (socket: Pick<Socket, "remoteAddress" | "destroy" | "once">) => void {
  const held = new Map<string, number>();
  return (socket) => {
    const { remoteAddress = "" } = socket;
    if (remoteAddress === "" || isFree(remoteAddress)) return;
    const network = networkOf(remoteAddress);
    const count = (held.get(network) ?? 0) + 1;
    if (count > max) return void socket.destroy();
    held.set(network, count);
    socket.once("close", () => {
      const left = (held.get(network) ?? 1) - 1;
      if (left === 0) held.delete(network);
      else held.set(network, left);
    });
  };
}
