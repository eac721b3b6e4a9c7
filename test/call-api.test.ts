import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createCallApi } from "../src/call-api.ts";
import type { Failure } from "../src/errors.ts";

const callApi = createCallApi({ timeoutSeconds: 0.3, maxSockets: 4 });
let server: Server | undefined;

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function failureOf(url: string): Promise<Failure> {
  return callApi({ method: "POST", url, headers: {}, body: { a: 1 } }).then(
    () => expect.unreachable("the call should have failed"),
    (error: Failure) => error,
  );
}

afterEach(() => {
  callApi.close();
  server?.closeAllConnections();
  server?.close();
});

describe("callApi", () => {
  test("sends JSON and gives back status, headers and the parsed answer", async () => {
    const url = await serve((req, res) => {
      req.setEncoding("utf8").on("data", (text) => {
        res.setHeader("X-Echo", String(req.headers["content-type"]));
        res.end(`{"got":${text}}`);
      });
    });
    const answer = await callApi({ method: "POST", url, headers: {}, query: { a: "b c" }, body: { x: "ü" } });
    expect(answer).toMatchObject({ status: 200, body: { got: { x: "ü" } }, headers: { "x-echo": "application/json" } });
  });

  test.each([
    [400, "rejected"],
    [401, "unauthorized"],
    [404, "rejected"],
    [408, "unavailable"],
    [422, "rejected"],
    [425, "unavailable"],
    [429, "throttled"],
    [500, "server_error"],
    [501, "server_error"],
    [502, "unavailable"],
    [503, "unavailable"],
    [504, "unavailable"],
    [302, "rejected"],
  ])("calls an HTTP %i %s", async (status, reason) => {
    const url = await serve((_req, res) => res.writeHead(status, { Location: "http://127.0.0.1:1/" }).end("<html>"));
    expect(await failureOf(url)).toMatchObject({ reason, status });
  });

  test("keeps the other side's words and its trace id for the operator", async () => {
    const url = await serve((_req, res) =>
      res.writeHead(422).end('{"message":["type is wrong","id is missing"],"canonicalCode":"X_1","traceId":"t-9"}'),
    );
    expect((await failureOf(url)).message).toBe("HTTP 422: type is wrong · id is missing · X_1 · traceId t-9");
  });

  test.each([
    ["17", 17],
    [new Date(Date.now() + 60_000).toUTCString(), 60],
  ])("reads Retry-After %s", async (value, seconds) => {
    const url = await serve((_req, res) => res.writeHead(429, { "Retry-After": value }).end());
    const { retryAfterSeconds } = await failureOf(url);
    expect(Math.abs((retryAfterSeconds ?? 0) - seconds)).toBeLessThan(2);
  });

  test("knows that a request never left when nobody listens or the name does not exist", async () => {
    const url = await serve(() => {});
    await new Promise((resolve) => server?.close(resolve));
    expect((await failureOf(url)).reason).toBe("unreachable");
    expect((await failureOf("http://does-not-exist.invalid/")).reason).toBe("unreachable");
  });

  test("knows that a request never left when the TLS handshake fails", async () => {
    const url = await serve((_req, res) => res.end());
    expect((await failureOf(url.replace("http:", "https:"))).reason).toBe("unreachable");
  });

  test("does not know the outcome when no answer comes in time, or half of one", async () => {
    expect((await failureOf(await serve(() => {}))).reason).toBe("outcome_unknown");
    const reset = await serve((req) => req.socket.destroy());
    expect((await failureOf(reset)).reason).toBe("outcome_unknown");
    const half = await serve((req, res) => {
      res.writeHead(200, { "Content-Length": "100" }).write('{"messageId":');
      setTimeout(() => req.socket.destroy(), 20);
    });
    expect((await failureOf(half)).reason).toBe("outcome_unknown");
  });
});
