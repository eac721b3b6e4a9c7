import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { createCallApi } from "../../src/calls/call-api.ts";
import { idleLimits } from "../../src/calls/limits.ts";
import type { Failure } from "../../src/errors.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function door(): ReturnType<typeof createCallApi> {
  const call = createCallApi({ timeoutSeconds: 15, maxSockets: 500 });
  ends.push(call.close);
  return call;
}

async function serve(listener: RequestListener, keepAliveMs = 60_000): Promise<{ url: string; server: Server }> {
  const server = createServer({ keepAliveTimeout: keepAliveMs }, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

const post = (call: ReturnType<typeof door>, url: string, id: string) =>
  call({ method: "POST", url, headers: {}, body: { id } });

describe("a kept connection", () => {
  /** How long each server keeps idle connections, and whether it says so. */
  const servers = [1, 2, 3].flatMap((seconds) => [
    { seconds, saysSo: true },
    { seconds, saysSo: false },
  ]);
  const perServer = 20;

  test("loses no message, and sends none twice, in the moment in which the other side closes it", async () => {
    const received = new Map<string, number>();
    const call = door();
    const runs = servers.map(async ({ seconds, saysSo }) => {
      const { url } = await serve((req, res) => {
        req.setEncoding("utf8").on("data", (text) => {
          const { id } = JSON.parse(text);
          received.set(id, (received.get(id) ?? 0) + 1);
          // Told in one's own words, Node leaves the hint out.
          if (!saysSo) res.setHeader("Connection", "keep-alive");
          res.end("{}");
        });
      }, seconds * 1000);
      const messages = Array.from({ length: perServer }, (_, index) => index);
      const name = `${seconds} ${saysSo}`;
      await Promise.all(messages.map((index) => post(call, url, `first ${name} ${index}`)));
      // One each millisecond, before, at and after the moment.
      const sends = messages.map(async (index) => {
        await sleep(seconds * 1000 - perServer / 2 + index);
        await post(call, url, `second ${name} ${index}`);
      });
      return Promise.allSettled(sends);
    });
    const outcomes = (await Promise.all(runs)).flat();
    expect(outcomes.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(outcomes).toHaveLength(servers.length * perServer);
    expect(received.size).toBe(servers.length * perServer * 2);
    expect([...received].filter(([, times]) => times !== 1)).toEqual([]);
  });

  /** A server in a thread that closes idle connections after so long, and does not say so; and what it got, by id. */
  async function serveImpatient(closesAfterMs: number) {
    const source = `
      const { parentPort } = require("node:worker_threads");
      const received = {};
      let connections = 0;
      const server = require("node:http").createServer({ keepAliveTimeout: 0 }, (req, res) => {
        clearTimeout(req.socket.impatience);
        let body = "";
        req.on("data", (chunk) => (body += chunk)).on("end", () => {
          const { id } = JSON.parse(body);
          received[id] = (received[id] ?? 0) + 1;
          res.setHeader("Connection", "keep-alive").end("{}");
          req.socket.impatience = setTimeout(() => req.socket.destroy(), ${closesAfterMs});
        });
      });
      server.on("connection", () => connections++);
      parentPort.on("message", (word) => {
        if (word === "close") server.closeIdleConnections();
        parentPort.postMessage({ received, connections });
      });
      server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));`;
    const worker = new Worker(source, { eval: true });
    ends.push(() => worker.terminate());
    const next = <Told>() => new Promise<Told>((resolve) => worker.once("message", resolve));
    const url = `http://127.0.0.1:${await next<number>()}/`;
    return {
      url,
      told: (word: "tell" | "close" = "tell") => {
        const told = next<{ received: Record<string, number>; connections: number }>();
        worker.postMessage(word);
        return told;
      },
    };
  }

  test("of a server that closes after 50 ms, and says nothing, loses none of 200 messages either", async () => {
    const { url, told } = await serveImpatient(50);
    const call = door();
    const sends = Array.from({ length: 200 }, async (_, index) => {
      await post(call, url, `first ${index}`);
      await sleep(40 + index / 10);
      await post(call, url, `second ${index}`);
    });
    expect((await Promise.allSettled(sends)).filter(({ status }) => status === "rejected")).toEqual([]);
    const times = Object.values((await told()).received);
    expect(times).toHaveLength(400);
    expect(times.filter((count) => count !== 1)).toEqual([]);
  });

  test("without a word on how long is used once one was seen to stay open, until one was seen to be closed", async () => {
    const patient = await serveImpatient(60_000);
    const call = door();
    const connectionsOf = async (calls: number) => {
      const { connections: before } = await patient.told();
      for (let index = 0; index < calls; index++) await post(call, patient.url, `${before} ${index}`);
      return (await patient.told()).connections - before;
    };
    // The first is left idle, and every call opens another one.
    expect(await connectionsOf(3)).toBe(3);
    await sleep(idleLimits.silentMs * 1.5);
    // The pace of a machine decides whether a connection has been idle for too long: seldom for all of ten.
    expect(await connectionsOf(10)).toBeLessThan(10);
    await patient.told("close");
    await sleep(100);
    expect(await connectionsOf(3)).toBe(3);
  });

  const saidAndKept: [header: string | undefined, idleMs: number][] = [
    ["timeout=5", 4000],
    ["max=100, Timeout=3", 2000],
    ["timeout=86400", idleLimits.maxMs],
    ["timeout=1", 0],
    ["timeout=0", 0],
    ["timeout=99999999999999999999", idleLimits.maxMs],
    ["timeout=-5", idleLimits.silentMs],
    ["max=5", idleLimits.silentMs],
    [undefined, idleLimits.silentMs],
  ];

  test("is kept as long as the server says, less a second, and never for long where it says nothing", async () => {
    await Promise.all(saidAndKept.map(([header, idleMs]) => expectKept(header, idleMs)));
  });

  async function expectKept(header: string | undefined, idleMs: number): Promise<void> {
    const { url, server } = await serve((_req, res) => {
      res.setHeader("Connection", "keep-alive");
      if (header !== undefined) res.setHeader("Keep-Alive", header);
      res.end("{}");
    });
    let closedAtMs: number | undefined;
    server.on("connection", (socket) => socket.on("close", () => (closedAtMs = performance.now())));
    await post(door(), url, "1");
    const answeredAtMs = performance.now();
    const watchedMs = Math.min(idleMs, 2000);
    await expect
      .poll(() => closedAtMs ?? performance.now() - answeredAtMs > watchedMs, { timeout: 15_000 })
      .toBeTruthy();
    // However late it comes about, it is never early, and it does come about.
    expect((closedAtMs ?? Number.POSITIVE_INFINITY) - answeredAtMs, `${header}`).toBeGreaterThan(idleMs - 100);
    if (idleMs < 2500) await expect.poll(() => closedAtMs, { timeout: 15_000, message: `${header}` }).toBeDefined();
  }

  test("serves the next call, and one that takes longer than an idle connection is kept", async () => {
    let connections = 0;
    const { url, server } = await serve(async (req, res) => {
      req.resume();
      if (req.url === "/slow") await sleep(idleLimits.silentMs * 2);
      res.setHeader("Keep-Alive", "timeout=2").setHeader("Connection", "keep-alive").end("{}");
    });
    server.on("connection", () => connections++);
    const call = door();
    await post(call, url, "1");
    await post(call, `${url}slow`, "2");
    await post(call, url, "3");
    expect(connections).toBe(1);
  });

  test("that the other side closed while the process was held up is not used", async () => {
    const source = `
      const { parentPort } = require("node:worker_threads");
      const server = require("node:http").createServer({ keepAliveTimeout: 60000 }, (req, res) => {
        res.setHeader("Keep-Alive", "timeout=60").setHeader("Connection", "keep-alive").end("{}");
        if (req.url === "/first") res.on("finish", () => setTimeout(() => req.socket.destroy(), 20));
      });
      server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));`;
    const worker = new Worker(source, { eval: true });
    ends.push(() => worker.terminate());
    const url = `http://127.0.0.1:${await new Promise((resolve) => worker.once("message", resolve))}`;
    const call = door();
    for (let round = 0; round < 5; round++) {
      await post(call, `${url}/first`, "1");
      const until = performance.now() + 200;
      while (performance.now() < until);
      await post(call, `${url}/second`, "2");
    }
  });
});

describe("whether a request left", () => {
  const reasonOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "answered",
      (error: Failure) => error.reason,
    );

  async function serveTcp(listener: (socket: Socket) => void): Promise<string> {
    const server = createTcpServer(listener);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ends.push(() => server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  test("is certain where TLS never came about, whatever kept it from it", async () => {
    const call = createCallApi({ timeoutSeconds: 0.5, maxSockets: 4 });
    ends.push(call.close);
    const silent = await serveTcp((socket) => ends.push(() => socket.destroy()));
    const closing = await serveTcp((socket) => socket.end());
    const resetting = await serveTcp((socket) => socket.once("data", () => socket.resetAndDestroy()));
    for (const place of [silent, closing, resetting]) {
      expect(await reasonOf(post(call, `https://${place}`, "1"))).toBe("unreachable");
    }
  });

  test("is certain where the caller gave up before the call: nothing of it is ever sent", async () => {
    const arrived: string[] = [];
    const { url } = await serve((req, res) => {
      arrived.push(req.url ?? "");
      res.end("{}");
    });
    const call = door();
    const signal = AbortSignal.abort();
    expect(await reasonOf(call({ method: "POST", url: `${url}new`, headers: {}, body: { a: 1 }, signal }))).toBe(
      "unreachable",
    );
    await call({ method: "POST", url: `${url}kept`, headers: {} });
    expect(await reasonOf(call({ method: "POST", url: `${url}given-up`, headers: {}, body: { a: 1 }, signal }))).toBe(
      "unreachable",
    );
    await call({ method: "POST", url: `${url}after`, headers: {} });
    expect(arrived).toEqual(["/kept", "/after"]);
  });

  test("is not known once a connection stood: a kept one that breaks may have been read from", async () => {
    let count = 0;
    const { url } = await serve((req, res) => {
      if (++count === 1) res.setHeader("Connection", "keep-alive").end("{}");
      else req.socket.resetAndDestroy();
    });
    const call = door();
    await post(call, url, "1");
    expect(await reasonOf(post(call, url, "2"))).toBe("outcome_unknown");
    expect(await reasonOf(post(call, url, "3"))).toBe("outcome_unknown");
    const half = await serveTcp((socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Len")));
    expect(await reasonOf(post(call, `http://${half}`, "4"))).toBe("outcome_unknown");
  });
});
