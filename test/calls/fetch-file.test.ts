import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { callStandIns, createCallApi } from "../../src/calls/call-api.ts";
import { createFetchFile, createFetchWhole, type FetchFileOptions, isAllowedHost } from "../../src/calls/fetch-file.ts";
import type { Failure } from "../../src/errors.ts";

const options = { timeoutSeconds: 50, maxSockets: 4 };
const guarded = createCallApi({ ...options, guard: "public" });
const free = createCallApi(options);
let server: Server | undefined;

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});
afterAll(() => {
  guarded.close();
  free.close();
});

const given = (more: Partial<FetchFileOptions> = {}): FetchFileOptions => ({
  limitBytes: 1000,
  signal: AbortSignal.timeout(50_000),
  ...more,
});
const fetchFree = createFetchFile(free.open);
const failureOf = (fetching: Promise<unknown>): Promise<Failure> =>
  fetching.then(
    () => expect.unreachable("it should have failed"),
    (error: Failure) => error,
  );

describe("fetchFile", () => {
  test("gives the file as a stream, with what the answer says of it", async () => {
    const url = await serve((_req, res) => {
      res.setHeader("Content-Type", "Image/JPEG; charset=binary");
      res.setHeader("Content-Disposition", `attachment; filename="c.jpg"; filename*=UTF-8''%C3%A7at.jpg`);
      res.end("bytes");
    });
    const { stream, ...facts } = await fetchFree(url, given());
    expect(facts).toEqual({ contentType: "image/jpeg", sizeBytes: 5, name: "çat.jpg" });
    expect((await buffer(stream)).toString()).toBe("bytes");
  });

  test.each([
    ["says how long it is", { "Content-Length": "5000" }, 5000],
    ["does not", {}, undefined],
    ["comes packed", { "Content-Encoding": "gzip" }, undefined],
  ])("cuts a larger one at the limit where that is asked for, also one that %s", async (_how, headers, sizeBytes) => {
    const content = Buffer.from("0123456789".repeat(500));
    const url = await serve((_req, res) => {
      res.writeHead(200, headers);
      res.end("Content-Encoding" in headers ? gzipSync(content) : content);
    });
    const file = await fetchFree(url, given({ isCutAtLimit: true }));
    expect(file.sizeBytes).toBe(sizeBytes);
    expect((await buffer(file.stream)).toString()).toBe(content.toString("latin1", 0, 1001));
    const fetchWhole = createFetchWhole(fetchFree);
    const whole = fetchWhole(url, given({ isCutAtLimit: true }), async (kept, bytes) => [kept.length, bytes]);
    expect(await whole).toEqual([1000, sizeBytes ?? 1001]);
  });

  test.each([
    ["says how long it is", { "Content-Length": "5" }],
    ["does not", {}],
    ["comes packed", { "Content-Encoding": "gzip" }],
  ])("gives one that is within the limit as whole, also one that %s", async (_how, headers) => {
    const url = await serve((_req, res) => {
      res.writeHead(200, headers);
      res.end("Content-Encoding" in headers ? gzipSync("bytes") : "bytes");
    });
    const fetchWhole = createFetchWhole(fetchFree);
    const whole = fetchWhole(url, given({ isCutAtLimit: true }), async (kept, bytes) => [kept.toString(), bytes]);
    expect(await whole).toEqual(["bytes", 5]);
  });

  test("unpacks what comes packed although it was not asked for, and counts what comes out", async () => {
    const url = await serve((req, res) => {
      const isBomb = req.url === "/bomb";
      const packed = gzipSync(isBomb ? Buffer.alloc(10_000_000) : "bytes");
      res.writeHead(200, { "Content-Encoding": "gzip", ...(isBomb ? {} : { "Content-Length": packed.length }) });
      res.end(packed);
    });
    const { stream, sizeBytes } = await fetchFree(url, given());
    expect((await buffer(stream)).toString()).toBe("bytes");
    expect(sizeBytes).toBeUndefined();
    const bomb = await fetchFree(`${url}/bomb`, given());
    expect(await failureOf(buffer(bomb.stream))).toMatchObject({ code: "too_large" });
  });

  test("follows redirects, five of them and no more", async () => {
    const url = await serve((req, res) => {
      const left = Number(req.url?.slice(1));
      if (left === 0) res.end("here");
      else res.writeHead(302, { Location: String(left - 1) }).end();
    });
    expect((await buffer((await fetchFree(`${url}/5`, given())).stream)).toString()).toBe("here");
    expect(await failureOf(fetchFree(`${url}/6`, given()))).toMatchObject({ reason: "rejected" });
  });

  test.each([
    [404, "rejected"],
    [410, "rejected"],
    [403, "rejected"],
    [401, "rejected"],
    [408, "unreachable"],
    [429, "unreachable"],
    [500, "unreachable"],
    [503, "unreachable"],
  ])("takes HTTP %i for %s", async (status, reason) => {
    const url = await serve((_req, res) => res.writeHead(status, { "Retry-After": "7" }).end());
    const failure = await failureOf(fetchFree(url, given()));
    expect(failure).toMatchObject({ reason, status });
    if (reason === "unreachable") expect(failure.retryAfterSeconds).toBe(7);
  });

  test("blames the credentials for a 401 when there were some", async () => {
    const url = await serve((_req, res) => res.writeHead(401).end());
    const failure = await failureOf(fetchFree(url, given({ headers: { Authorization: "Basic x" } })));
    expect(failure.reason).toBe("misconfigured");
  });

  test("refuses a file that says it is too large before it reads any of it", async () => {
    const url = await serve((_req, res) => res.writeHead(200, { "Content-Length": "1001" }).flushHeaders());
    expect(await failureOf(fetchFree(url, given()))).toMatchObject({ reason: "rejected", code: "too_large" });
  });

  test("ends a file that turns out to be too large, and takes one of the very size", async () => {
    let endless = true;
    const url = await serve((_req, res) => {
      const write = () =>
        void (endless ? res.write("x".repeat(100), () => setImmediate(write)) : res.end("x".repeat(1000)));
      write();
    });
    const large = await fetchFree(url, given());
    expect(await failureOf(buffer(large.stream))).toMatchObject({ reason: "rejected", code: "too_large" });
    endless = false;
    expect(await buffer((await fetchFree(url, given())).stream)).toHaveLength(1000);
  });

  test("is unreachable when the file breaks off, stalls or nobody listens", async () => {
    const url = await serve((req, res) => {
      res.writeHead(200, { "Content-Length": "100" }).write("half");
      if (req.url === "/broken") setTimeout(() => req.socket.destroy(), 20);
    });
    const broken = await fetchFree(`${url}/broken`, given());
    expect(await failureOf(buffer(broken.stream))).toMatchObject({ reason: "unreachable" });
    const stall = new AbortController();
    const stalled = await fetchFree(`${url}/stalled`, given({ signal: stall.signal }));
    stall.abort();
    expect(await failureOf(buffer(stalled.stream))).toMatchObject({ reason: "unreachable" });
    expect(await failureOf(fetchFree("http://does-not-exist.invalid/", given()))).toMatchObject({
      reason: "unreachable",
    });
  });
});

describe("a provider's media", () => {
  const seen: Pick<IncomingMessage, "url" | "headers">[] = [];
  const allowedHosts = ["api.twilio.com", ".twiliocdn.com"];
  const headers = { Authorization: "Basic secret" };
  /** Every host is the one server: https://host/path arrives there as /host/path. */
  async function serveHosts(answers: Record<string, string>) {
    seen.length = 0;
    const url = await serve(({ url, headers }, res) => {
      seen.push({ url, headers });
      const location = answers[url ?? ""];
      if (location?.includes("/")) res.writeHead(307, { Location: location }).end();
      else res.end(location);
    });
    return createFetchFile(callStandIns(free.open, url));
  }

  test("is fetched through redirects to the CDN, which never sees the credentials", async () => {
    const fetchMedia = await serveHosts({
      "/api.twilio.com/media": "/moved",
      "/api.twilio.com/moved": "https://media.twiliocdn.com/x?sig=1",
      "/media.twiliocdn.com/x?sig=1": "picture",
    });
    const file = await fetchMedia("https://api.twilio.com/media", given({ headers, allowedHosts }));
    expect((await buffer(file.stream)).toString()).toBe("picture");
    expect(seen.map((each) => each.headers.authorization)).toEqual(["Basic secret", "Basic secret", undefined]);
  });

  test.each([
    ["https://evil.example/x", /evil.example is not among the hosts/],
    ["https://api.twilio.com.evil.example/x", /is not among the hosts/],
    ["https://eviltwiliocdn.com/x", /is not among the hosts/],
    ["https://api.twilio.com:8443/x", /is not among the hosts/],
    ["https://api.twilio.com@evil.example/x", /is not among the hosts/],
    ["http://api.twilio.com/x", /not to be fetched from by http:/],
    ["file:///etc/passwd", /not to be fetched from by file:/],
    ["data:text/plain,x", /not to be fetched from by data:/],
  ])("is not followed to %s", async (location, message) => {
    const fetchMedia = await serveHosts({ "/api.twilio.com/media": location });
    const fetching = fetchMedia("https://api.twilio.com/media", given({ headers, allowedHosts }));
    const failure = await failureOf(fetching);
    expect(failure).toMatchObject({ reason: "misconfigured", message: expect.stringMatching(message) });
    expect(seen).toHaveLength(1);
  });

  test("comes without encryption from an origin that is named so, and redirects to no other", async () => {
    const paths: string[] = [];
    const own = await serve(({ url }, res) => {
      paths.push(url ?? "");
      if (url === "/a") res.end("picture");
      else res.writeHead(307, { Location: "http://elsewhere.example/a" }).end();
    });
    const file = await fetchFree(`${own}/a`, given({ headers, allowedHosts: [own] }));
    expect((await buffer(file.stream)).toString()).toBe("picture");
    const failing = (url: string, ...hosts: string[]) =>
      failureOf(fetchFree(url, given({ headers, allowedHosts: hosts })));
    expect(await failing(`${own}/b`, own)).toMatchObject({ reason: "misconfigured" });
    expect(await failing(`${own}/a`, new URL(own).host)).toMatchObject({ reason: "misconfigured" });
    expect(await failing(`${own}/a`, "http://127.0.0.1:1")).toMatchObject({ reason: "misconfigured" });
    expect(paths).toEqual(["/a", "/b"]);
  });

  test("may come from every host that ends as an entry with a dot", () => {
    expect(isAllowedHost("eu.media.twiliocdn.com", allowedHosts)).toBe(true);
    expect(isAllowedHost("twiliocdn.com", allowedHosts)).toBe(false);
  });
});

describe("a URL that came from outside", () => {
  const fetchPublic = createFetchFile(guarded.open);

  test.each([
    "http://127.0.0.1",
    "http://localhost",
    "http://[::1]",
    "http://[::ffff:127.0.0.1]",
    "http://2130706433",
    "http://0x7f.1",
    "http://0.0.0.0",
    "http://[::]",
  ])("does not lead to this machine: %s", async (host) => {
    let calls = 0;
    const url = await serve((_req, res) => {
      calls++;
      res.end("secret");
    });
    const failure = await failureOf(fetchPublic(`${host}:${new URL(url).port}/x`, given()));
    expect(failure).toMatchObject({ reason: "misconfigured", message: expect.stringContaining("not public") });
    expect(calls).toBe(0);
  });

  test.each([
    "169.254.169.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
  ])("does not lead to %s, over http or https", async (host) => {
    for (const scheme of ["http", "https"]) {
      expect(await failureOf(fetchPublic(`${scheme}://${host}/latest/meta-data`, given()))).toMatchObject({
        reason: "misconfigured",
        message: `${host}:${scheme === "http" ? 80 : 443} resolves to an address that is not public`,
      });
    }
  });

  test("does not lead there by a redirect either", async () => {
    const url = await serve((req, res) =>
      res.writeHead(302, { Location: `http://127.0.0.1:${req.socket.localPort}/` }).end(),
    );
    const host = `localhost:${new URL(url).port}`;
    const door = createCallApi({ ...options, guard: "public", allow: [host] });
    const failure = await failureOf(createFetchFile(door.open)(`http://${host}/`, given()));
    expect(failure).toMatchObject({
      reason: "misconfigured",
      message: expect.stringMatching(/^127\.0\.0\.1:.*not public/),
    });
    door.close();
  });

  test("may lead to a private host that is allowed, whatever proxy the environment names", async () => {
    const url = await serve((_req, res) => res.end("allowed"));
    vi.stubEnv("http_proxy", "http://127.0.0.1:1");
    const door = createCallApi({ ...options, guard: "public", allow: [new URL(url).host] });
    expect((await buffer((await createFetchFile(door.open)(url, given())).stream)).toString()).toBe("allowed");
    vi.unstubAllEnvs();
    door.close();
  });

  test("is guarded in plain calls as well", async () => {
    const failure = await failureOf(guarded({ method: "POST", url: "http://127.0.0.1:1/", headers: {}, body: {} }));
    expect(failure.reason).toBe("misconfigured");
  });
});
