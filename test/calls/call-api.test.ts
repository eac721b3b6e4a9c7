import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { type ApiRequest, callStandIns, createCallApi } from "../../src/calls/call-api.ts";
import { Failure } from "../../src/errors.ts";
import { readForm } from "../../src/formats/form.ts";
import { until } from "../support/until.ts";

const callApi = createCallApi({ timeoutSeconds: 50, maxSockets: 4 });
/** For what never comes. */
const impatient = createCallApi({ timeoutSeconds: 0.3, maxSockets: 4 });
let server: Server | undefined;

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function failureOf(url: string, call = callApi): Promise<Failure> {
  return call({ method: "POST", url, headers: {}, body: { a: 1 } }).then(
    () => expect.unreachable("the call should have failed"),
    (error: Failure) => error,
  );
}

afterEach(() => {
  callApi.close();
  impatient.close();
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
    [{}, "application/json, text/plain, */*"],
    [{ Accept: "application/vnd.api+json" }, "application/vnd.api+json"],
  ])("says what it reads, unless the caller says it: %j", async (headers, accept) => {
    const url = await serve((req, res) => res.end(JSON.stringify(req.headers.accept)));
    for (const method of ["GET", "POST"] as const) {
      expect((await callApi({ method, url, headers })).body).toBe(accept);
    }
  });

  async function echoOf(request: Pick<ApiRequest, "body"> & { contentType?: string }) {
    let got: { headers: Record<string, string | string[] | undefined>; body: Buffer } | undefined;
    const url = await serve(async (req, res) => {
      got = { headers: req.headers, body: await buffer(req) };
      res.end("{}");
    });
    const { contentType } = request;
    const headers: Record<string, string> = contentType ? { "content-type": contentType } : {};
    await callApi({ method: "POST", url, headers, body: request.body });
    if (!got) throw new Error("nothing arrived");
    return { type: String(got.headers["content-type"]), length: got.headers["content-length"], body: got.body };
  }

  test.each([
    ["application/json", ' {"a": 1}\n'],
    ["application/json", "not JSON"],
    ["text/plain; charset=utf-8", "ü\r\n"],
    ["application/octet-stream", Buffer.from([0, 255, 10, 32])],
    ["application/json", Buffer.from('{"a":1} ')],
  ])("sends a text or bytes as %s byte for byte", async (contentType, body) => {
    const echo = await echoOf({ contentType, body });
    expect(echo.type).toBe(contentType);
    expect(echo.body).toEqual(Buffer.from(body as string));
  });

  test("sends URLSearchParams as a form, each pair in its place", async () => {
    const body = new URLSearchParams([
      ["MediaUrl", "https://x.example/a b"],
      ["To", "+15005550006"],
      ["MediaUrl", "ü"],
    ]);
    const echo = await echoOf({ body });
    expect(echo.type).toMatch(/^application\/x-www-form-urlencoded/);
    expect([...new URLSearchParams(echo.body.toString())]).toEqual([...body]);
  });

  test("sends FormData as multipart, with its files", async () => {
    const form = new FormData();
    form.append("to", "ann@example.org");
    form.append("to", "bob@example.org");
    form.append("attachment", new Blob([Buffer.from([1, 2, 255])], { type: "application/pdf" }), "ö.pdf");
    const echo = await echoOf({ body: form });
    const fields = await readForm(echo.type, echo.body);
    expect(fields).toMatchObject([
      { name: "to", content: Buffer.from("ann@example.org") },
      { name: "to", content: Buffer.from("bob@example.org") },
      { name: "attachment", filename: "ö.pdf", contentType: "application/pdf", content: Buffer.from([1, 2, 255]) },
    ]);
  });

  test("sends a stream as it comes, with the length that the headers say or without one", async () => {
    const contentType = "application/octet-stream";
    const echo = await echoOf({
      contentType,
      body: Readable.from([Buffer.alloc(20_000_000, 1)], { objectMode: false }),
    });
    expect(echo).toMatchObject({ type: contentType, length: undefined });
    expect(echo.body).toHaveLength(20_000_000);
  });

  test("gives the failure that broke a stream while it was sent", async () => {
    const url = await serve((req) => req.resume());
    const gone = new Failure("unreachable", "the source is away");
    async function* broken() {
      yield Buffer.from("half");
      throw gone;
    }
    const body = Readable.from(broken(), { objectMode: false });
    await expect(callApi({ method: "POST", url, headers: {}, body })).rejects.toBe(gone);
  });

  test("ends a stream, and gives its connection back, when the answer comes before all is sent", async () => {
    const url = await serve((_req, res) => res.writeHead(413).end("{}"));
    for (let round = 0; round < 6; round++) {
      let isEnded = false;
      async function* endless() {
        try {
          for (;;) {
            yield Buffer.alloc(10_000);
            await sleep(1);
          }
        } finally {
          isEnded = true;
        }
      }
      const body = Readable.from(endless(), { objectMode: false });
      await expect(callApi({ method: "POST", url, headers: {}, body })).rejects.toMatchObject({ status: 413 });
      await until(
        () => isEnded,
        (is) => is,
      );
    }
    await until(
      () => new Promise((resolve) => server?.getConnections((_error, count) => resolve(count))),
      (count) => count === 0,
    );
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

  test("reads Retry-After in seconds, and as a time", async () => {
    let value = "17";
    const url = await serve((_req, res) => res.writeHead(429, { "Retry-After": value }).end());
    expect((await failureOf(url)).retryAfterSeconds).toBe(17);
    const inAnHour = Math.floor(Date.now() / 1000) * 1000 + 3_600_000;
    value = new Date(inAnHour).toUTCString();
    const secondsBefore = (inAnHour - Date.now()) / 1000;
    const { retryAfterSeconds } = await failureOf(url);
    expect(retryAfterSeconds).toBeLessThanOrEqual(secondsBefore);
    expect(retryAfterSeconds).toBeGreaterThanOrEqual((inAnHour - Date.now()) / 1000);
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
    expect((await failureOf(await serve(() => {}), impatient)).reason).toBe("outcome_unknown");
    const reset = await serve((req) => req.socket.destroy());
    expect((await failureOf(reset)).reason).toBe("outcome_unknown");
    const half = await serve((req, res) => {
      res.writeHead(200, { "Content-Length": "100" }).write('{"messageId":');
      setTimeout(() => req.socket.destroy(), 20);
    });
    expect((await failureOf(half)).reason).toBe("outcome_unknown");
  });
});

describe("callStandIns", () => {
  const call = async ({ url }: { url: string }) => url;

  test("leads calls to providers to their stand-ins", async () => {
    const callProvider = callStandIns(call, "http://localhost:4011/stand-ins");
    expect(await callProvider({ url: "https://api.twilio.com/x?to=https://y.example" })).toBe(
      "http://localhost:4011/stand-ins/api.twilio.com/x?to=https://y.example",
    );
  });

  test("leaves them as they are where there are none", async () => {
    expect(await callStandIns(call, undefined)({ url: "https://api.twilio.com/x" })).toBe("https://api.twilio.com/x");
  });
});
