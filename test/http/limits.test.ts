import { EventEmitter } from "node:events";
import type { RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import axios from "axios";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLimitedServer, createShares } from "../../src/http/limits.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { loadProviders } from "../support/load.ts";
import { publicUrl } from "../support/location.ts";
import { until } from "../support/until.ts";

const [twilio, telnyx] = loadProviders;
if (!twilio || !telnyx) throw new Error("no providers");

describe("a mapping that posts without end", () => {
  let bridge: TestBridge;

  beforeEach(async () => {
    bridge = await startTestBridge({ config: { incoming: { connections: 1000, webhooksPerMinute: 60 } } });
  });
  afterEach(() => bridge.stop());

  test("is answered 429 with Retry-After, its bodies unread, and keeps nobody else from posting", async () => {
    const [busy, quiet] = [await bridge.addMapping(twilio.mapping), await bridge.addMapping(telnyx.mapping)];
    const started = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, number) => bridge.post(twilio.webhook(busy, 1, number))),
    );
    const refused = answers.filter(({ status }) => status === 429);
    // Ten in ten seconds; on a slow machine other windows begin meanwhile.
    const windows = 1 + Math.ceil((performance.now() - started) / 10_000);
    expect(refused.length).toBeGreaterThanOrEqual(30 - 10 * windows);
    expect(refused.length).toBeLessThanOrEqual(20);
    expect(Number(refused[0]?.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    expect(Number(refused[0]?.headers["retry-after"])).toBeLessThanOrEqual(10);
    expect((await bridge.post(telnyx.webhook(quiet, 1, 1))).status).toBe(200);
    // What HighLevel posts for the same mapping is counted apart.
    const asked = { url: `${publicUrl}/webhooks/highlevel/${busy}`, headers: {}, body: Buffer.from("{}") };
    expect((await bridge.post({ ...asked, receivedAt: new Date() })).status).toBe(401);
  });

  test("by what nobody has signed uses up nothing: the genuine ones that follow are all taken", async () => {
    const busy = await bridge.addMapping(twilio.mapping);
    const forged = (number: number) => {
      const { headers, ...rest } = twilio.webhook(busy, 1, number);
      return bridge.post({ ...rest, headers: { ...headers, "x-twilio-signature": "AAAA" } });
    };
    const refused = await Promise.all(Array.from({ length: 30 }, (_, number) => forged(number)));
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([401]));
    const genuine = await Promise.all([31, 32, 33].map((number) => bridge.post(twilio.webhook(busy, 1, number))));
    expect(genuine.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test("under other writings of its id is the same mapping", async () => {
    const busy = await bridge.addMapping(telnyx.mapping);
    const written = (number: number) => {
      const id = number % 2 === 0 ? busy.toUpperCase() : busy;
      return bridge.post(telnyx.webhook(id, 1, number));
    };
    const answers = await Promise.all(Array.from({ length: 30 }, (_, number) => written(number)));
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(10);
  });
});

describe("addresses that try ids", () => {
  let bridge: TestBridge;
  beforeEach(async () => {
    bridge = await startTestBridge();
  });
  afterEach(() => bridge.stop());
  const nobody = (each: number) => `00000000-0000-4000-8000-${String(each).padStart(12, "0")}`;

  test("are answered 429 after a while, and keep out nobody, not even a mapping that has never posted", async () => {
    const known = await bridge.addMapping(telnyx.mapping);
    await bridge.restart();
    const ask = (_: unknown, each: number) => bridge.post(telnyx.webhook(nobody(each), 1, 1));
    const statuses = (await Promise.all(Array.from({ length: 300 }, ask))).map(({ status }) => status);
    expect(statuses.filter((status) => status === 404).length).toBeGreaterThanOrEqual(100);
    expect(new Set(statuses)).toEqual(new Set([404, 429]));
    expect((await bridge.post(telnyx.webhook(known, 1, 2))).status).toBe(200);
    // Once a minute, and not for each id.
    const told = bridge.logLines.filter(({ event, level }) => event === "webhook.limited" && level === "warn");
    expect(told.length).toBeGreaterThanOrEqual(1);
    expect(told.length).toBeLessThan(10);
  });

  test("keep out no mapping that was added meanwhile by another process", async () => {
    const ask = (_: unknown, each: number) => bridge.post(telnyx.webhook(nobody(each), 1, 1));
    await Promise.all(Array.from({ length: 300 }, ask));
    const added = await bridge.addMapping(telnyx.mapping);
    expect((await bridge.post(telnyx.webhook(added, 1, 1))).status).toBe(200);
  });
});

describe("the server", () => {
  let sockets: Socket[];
  let url: string;
  let server: ReturnType<typeof createLimitedServer>;

  const start = async (limits: Partial<Parameters<typeof createLimitedServer>[1]>) => {
    const answer: RequestListener = (req, res) => void req.resume().on("end", () => res.end("ok"));
    server = createLimitedServer(answer, { connections: 1000, checkSeconds: 0.1, ...limits });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    sockets = [];
  };
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });

  /** A connection, what came back on it, and whether it was closed. */
  function open() {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    const state = { socket, received: "", isClosed: false };
    socket.on("data", (chunk) => {
      state.received += String(chunk);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      state.isClosed = true;
    });
    sockets.push(socket);
    return state;
  }
  async function drip(socket: Socket, text: string): Promise<void> {
    for (const letter of text) {
      if (socket.destroyed) return;
      socket.write(letter);
      await sleep(100);
    }
  }
  const untilClosed = (all: ReturnType<typeof open>[]) =>
    until(
      () => all.filter(({ isClosed }) => !isClosed).length,
      (left) => left === 0,
    );

  test("does not wait for those who say nothing, or send their headers letter by letter; others are served meanwhile", async () => {
    await start({ headersSeconds: 2, requestSeconds: 3 });
    const silent = Array.from({ length: 100 }, open);
    const slow = Array.from({ length: 100 }, open);
    for (const { socket } of slow) void drip(socket, `POST / HTTP/1.1\r\nHost: x\r\n${"X-A: b\r\n".repeat(20)}`);
    await sleep(200);
    expect((await axios.get(url)).data).toBe("ok");
    await untilClosed([...silent, ...slow]);
    expect(slow[0]?.received).toMatch(/^HTTP\/1.1 408 /);
  });

  test("does not wait for a body that comes letter by letter", async () => {
    await start({ headersSeconds: 2, requestSeconds: 3 });
    const slow = open();
    slow.socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    void drip(slow.socket, "x".repeat(1000));
    await untilClosed([slow]);
    expect(slow.received).toMatch(/^HTTP\/1.1 408 /);
  });

  test("refuses headers of more than 16 kB, and connections beyond the limit", async () => {
    await start({ connections: 3 });
    const large = open();
    large.socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX-A: ${"b".repeat(17_000)}\r\n\r\n`);
    await untilClosed([large]);
    expect(large.received).toMatch(/^HTTP\/1.1 431 /);

    const held = [open(), open(), open()];
    await until(
      () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))),
      (count) => count === 3,
    );
    const fourth = open();
    await untilClosed([fourth]);
    expect(held.map(({ isClosed }) => isClosed)).toEqual([false, false, false]);
  });

  test("closes what one address opens beyond its share, and nothing of a proxy's", () => {
    const share = createShares(2);
    const from = (remoteAddress: string) => {
      const socket = Object.assign(new EventEmitter(), { remoteAddress, isClosed: false, destroy: () => socket });
      socket.destroy = () => Object.assign(socket, { isClosed: true });
      share(socket as unknown as Socket);
      return socket;
    };
    const [first, , third] = [from("203.0.113.7"), from("203.0.113.7"), from("203.0.113.7")];
    expect([first?.isClosed, third?.isClosed]).toEqual([false, true]);
    expect(from("203.0.113.8").isClosed).toBe(false);
    first?.emit("close");
    expect(from("203.0.113.7").isClosed, "there is room again").toBe(false);
    expect(from("203.0.113.7").isClosed).toBe(true);
    const many = ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1::3", "2001:db8:0:2::1"].map(from);
    expect(many.map(({ isClosed }) => isClosed)).toEqual([false, false, true, false]);
    for (const address of ["127.0.0.1", "::1", "10.1.2.3", "172.17.0.2", "::ffff:172.17.0.2", "fd00::1"]) {
      const proxy = Array.from({ length: 5 }, () => from(address).isClosed);
      expect(proxy, address).toEqual(Array(5).fill(false));
    }
  });
});
