import { createServer, type Server } from "node:net";
import { buffer } from "node:stream/consumers";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, afterEach, describe, expect, inject, test } from "vitest";
import { createCallApi } from "../../src/calls/call-api.ts";
import { retryAfterSeconds } from "../../src/calls/failures.ts";
import { createFetchFile } from "../../src/calls/fetch-file.ts";
import { callLimits } from "../../src/calls/limits.ts";
import { parseAnswer } from "../../src/calls/parse-answer.ts";
import { Failure } from "../../src/errors.ts";
import { anyCharacter } from "../fuzz/mutations.ts";

const call = createCallApi({ timeoutSeconds: 20, maxSockets: 8 });
const hasty = createCallApi({ timeoutSeconds: 0.5, maxSockets: 8 });
const fetchFile = createFetchFile(call.open);
let server: Server | undefined;
afterEach(() => void server?.close());
afterAll(() => {
  call.close();
  hasty.close();
});

type Write = (text: string | Buffer) => boolean;

/** A server that is not held back by any rule of HTTP. Each call of `next` may write more, until it gives `true`. */
async function serve(next: (write: Write) => boolean): Promise<string> {
  server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      const timer = setInterval(() => {
        if (socket.destroyed || next((text) => socket.write(text))) clearInterval(timer);
      }, 1);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const address = server?.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
}

function once(head: string, body: string | Buffer = ""): Promise<string> {
  return serve((write) => {
    write(`HTTP/1.1 ${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`);
    write(body);
    return true;
  });
}

/** First the head, then the piece, again and again. */
function drip(head: string, piece: string): (write: Write) => boolean {
  let isBegun = false;
  return (write) => {
    write(isBegun ? piece : head);
    isBegun = true;
    return false;
  };
}

const zeros = Buffer.alloc(50_000_000);
const bombs = {
  gzip: gzipSync(zeros),
  br: brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
};

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => expect.unreachable("it should have failed"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
}
const post = (url: string, door = call) => door({ method: "POST", url, headers: {}, body: { a: 1 } });
const options = () => ({ limitBytes: 1000, signal: AbortSignal.timeout(10_000) });

describe("an answer that never ends", () => {
  test.each<[string, (write: Write) => boolean]>([
    ["nothing", () => true],
    ["a header that drips", drip("HTTP/1.1 200 OK\r\nX: ", "x")],
    ["interim answers", drip("", "HTTP/1.1 100 Continue\r\n\r\n")],
    ["a body that drips", drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")],
  ])("by %s is given up after the time of a call, however alive it seems", async (_what, next) => {
    const beganMs = performance.now();
    expect(await failureOf(post(await serve(next), hasty))).toMatchObject({
      reason: "outcome_unknown",
      message: "the request left, but no whole answer came (ETIMEDOUT)",
    });
    expect(performance.now() - beganMs).toBeGreaterThan(450);
  });

  test("by headers is given up at their limit", async () => {
    const url = await serve(drip("HTTP/1.1 200 OK\r\n", `X-${"a".repeat(100)}: b\r\n`.repeat(10)));
    expect(await failureOf(post(url))).toMatchObject({ message: expect.stringContaining("HPE_HEADER_OVERFLOW") });
  });

  test("by a file that drips is given up when its signal fires", async () => {
    const url = await serve(drip("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x"));
    const { stream } = await fetchFile(url, { limitBytes: 1_000_000, signal: AbortSignal.timeout(1000) });
    expect((await failureOf(buffer(stream))).reason).toBe("unreachable");
  });
});

describe("an answer that is too much", () => {
  const { maxAnswerBytes } = callLimits;

  test("is one of a byte too many, and not one of the very size", async () => {
    const body = (bytes: number) => Buffer.concat([Buffer.from('"'), Buffer.alloc(bytes - 2, "x"), Buffer.from('"')]);
    const answer = await post(await once("200 OK", body(maxAnswerBytes)));
    expect(answer.body).toHaveLength(maxAnswerBytes - 2);
    server?.close();
    expect(await failureOf(post(await once("200 OK", body(maxAnswerBytes + 1))))).toMatchObject({
      reason: "invalid_answer",
      message: "the answer is larger than 10 MB",
    });
  });

  test.each(Object.entries(bombs))("is one that is packed small by %s", async (encoding, bomb) => {
    const failure = await failureOf(post(await once(`200 OK\r\nContent-Encoding: ${encoding}`, bomb)));
    expect(failure.reason).toBe("invalid_answer");
  });

  test("is a refusal of many words: its status is enough", async () => {
    const body = JSON.stringify({ message: "x".repeat(callLimits.maxRefusalLength) });
    const failure = await failureOf(post(await once("422 Unprocessable", body)));
    expect(failure).toMatchObject({ reason: "rejected", message: "HTTP 422", answer: undefined });
  });

  test("is JSON of a depth of 10,000, which is read, or named without its words", async () => {
    const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
    expect((await post(await once("200 OK", deep))).body).toBeInstanceOf(Array);
    server?.close();
    const failure = await failureOf(post(await once("400 Bad Request", `{"message":${deep},"traceId":${deep}}`)));
    expect(failure.message).toBe("HTTP 400");
    server?.close();
    const escaped = `${'{"a":'.repeat(10_000)}"\\u0000"${"}".repeat(10_000)}`;
    expect((await post(await once("200 OK", escaped))).status).toBe(200);
  });
});

describe("another side's words", () => {
  test.each([
    [{ message: { toString: 1, valueOf: 1 } }, "HTTP 400"],
    [{ message: [{}, null, "a", [["b"]], 7, ""], canonicalCode: {}, traceId: [] }, "HTTP 400: a · 7"],
    [{ message: "a\r\nb\u2028c\u0000d\u001b[31me" }, "HTTP 400: a b cd [31me"],
    [{ message: "x".repeat(2000) }, `HTTP 400: ${"x".repeat(500)}`],
    [{ message: `${"x".repeat(499)}😀` }, `HTTP 400: ${"x".repeat(499)}\ufffd`],
    [{ message: "\ud800" }, "HTTP 400: \ufffd"],
    [null, "HTTP 400"],
    [[], "HTTP 400"],
  ])("become one short line: %j", async (body, message) => {
    expect((await failureOf(post(await once("400 Bad Request", JSON.stringify(body))))).message).toBe(message);
  });

  test.each([
    ['{"a\\u0000b":"\\u0000"}', { ab: "" }],
    ['["\\ud83d\\ude00","\\ud83d","\\ude00","\\uDE00\\uD83D"]', ["😀", "\ufffd", "\ufffd", "\ufffd\ufffd"]],
    ['["\\\\u0000","\\\\\\u0000","\\\\ud800"]', ["\\u0000", "\\", "\\ud800"]],
    ["a\0b\ud800", "ab\ufffd"],
    ['"\ud83d"', "\ufffd"],
    ["\\u0000", "\\u0000"],
  ])("are kept but for what cannot be: %j", (text, kept) => {
    expect(parseAnswer(text)).toEqual(kept);
  });

  test("can be kept in a database, whatever they are", () => {
    const bodies = fc.oneof(
      fc.json({ stringUnit: anyCharacter }),
      fc.string({ unit: anyCharacter }),
      fc.string({ unit: fc.constantFrom("\\", "u", "0", "d", "8", '"', "{", "}", ":", "\0", "\ud83d", "\ude00") }),
    );
    fc.assert(
      fc.property(bodies, (body) => {
        const kept = JSON.stringify(parseAnswer(body)).replaceAll("\\\\", "");
        expect(kept).not.toMatch(/\\u0000|\\u[dD][89abAB]/);
      }),
      { numRuns: inject("fuzzRuns") },
    );
  });
});

describe("a Retry-After", () => {
  const hours = callLimits.maxRetryAfterSeconds;

  test.each([
    ["0", 0],
    ["17", 17],
    [String(hours + 1), hours],
    ["31536000000000", hours],
    ["9".repeat(400), hours],
    [new Date("22008-01-01").toUTCString(), hours],
    [new Date("9999-12-31").toUTCString(), hours],
    ["-5", undefined],
    ["1.5", undefined],
    ["NaN", undefined],
    ["Infinity", undefined],
    ["0x10", undefined],
    ["1e9", undefined],
    ["", undefined],
    ["soon", undefined],
    ["5, 6", undefined],
    ["Thu, 01 Jan 1970 00:00:00 GMT", undefined],
    ["22008", hours],
    ["Sun, 99 Xyz 2090 99:99:99 GMT", undefined],
  ])("of %s is %s seconds", (value, seconds) => {
    expect(retryAfterSeconds(value)).toBe(seconds);
  });

  test("is a time of some hours or none, whatever it says", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.bigInt().map(String), fc.date().map(String)), (value) => {
        const seconds = retryAfterSeconds(value);
        return seconds === undefined || (seconds >= 0 && seconds <= hours);
      }),
      { numRuns: inject("fuzzRuns") },
    );
  });
});

describe("a file", () => {
  test.each(["__proto__", "constructor", "toString", "utf-8", "aws-chunked", "identity", "zstd", "gzip, gzip", ""])(
    "that is said to be encoded as %j is taken as it comes",
    async (encoding) => {
      const url = await once(`200 OK\r\nContent-Encoding: ${encoding}`, "bytes");
      const { stream } = await fetchFile(url, options());
      expect(String(await buffer(stream))).toBe("bytes");
    },
  );

  test.each(Object.entries(bombs))(
    "that is packed small by %s is not unpacked beyond its limit",
    async (name, bomb) => {
      const { stream } = await fetchFile(await once(`200 OK\r\nContent-Encoding: ${name}`, bomb), {
        ...options(),
        limitBytes: 1_000_000,
      });
      expect(await failureOf(buffer(stream))).toMatchObject({ code: "too_large" });
    },
  );

  test("that is no such thing as its encoding is not to be had now", async () => {
    const { stream } = await fetchFile(await once("200 OK\r\nContent-Encoding: gzip", "bytes"), options());
    expect((await failureOf(buffer(stream))).reason).toBe("unreachable");
  });

  test.each([
    "file:///etc/passwd",
    "ftp://a.example/",
    "gopher://a.example/",
    "data:,x",
    "javascript:1",
    "blob:x",
    "x:",
  ])("is not looked for at %s, where a redirect leads", async (location) => {
    const failure = await failureOf(fetchFile(await once(`302 Found\r\nLocation: ${location}`), options()));
    expect(failure.reason).toBe("misconfigured");
  });

  test.each(["http://", "http://[", "http://a:99999/", "//"])("is not at %s", async (location) => {
    const failure = await failureOf(fetchFile(await once(`302 Found\r\nLocation: ${location}`), options()));
    expect(failure.reason).toBe("rejected");
  });

  test("is given up after five redirects, of ten thousand too, and by a short line for a long host", async () => {
    let requests = 0;
    const url = await once("302 Found\r\nLocation: /again");
    server?.on("connection", () => requests++);
    expect((await failureOf(fetchFile(url, options()))).reason).toBe("rejected");
    expect(requests).toBe(6);
    const failure = await failureOf(fetchFile(`ftp://${"a".repeat(10_000)}/`, options()));
    expect(failure.message.length).toBeLessThan(300);
  });

  test("has neither name nor type by a header that is a book", async () => {
    const long = "a".repeat(5000);
    const url = await once(
      `200 OK\r\nContent-Type: image/${long}\r\nContent-Disposition: inline; filename=${long}`,
      "x",
    );
    const { stream, name, contentType } = await fetchFile(url, options());
    expect({ name, contentType }).toEqual({ name: undefined, contentType: undefined });
    stream.destroy();
  });
});

describe("credentials", () => {
  const allowedHosts = ["api.example.com/messages/:id/files/:id", ".storage.example.com"];
  const headers = { Authorization: "Basic secret" };

  test.each([
    ["https://api.example.com/messages/1/files/2", true],
    ["https://api.example.com/messages/1/files/2?x=y", true],
    ["https://eu.storage.example.com/anything", true],
    ["https://api.example.com/messages/1", false],
    ["https://api.example.com/messages/1/files/2/", false],
    ["https://api.example.com/messages/1/files/", false],
    ["https://api.example.com/messages/1/files/../../keys", false],
    ["https://api.example.com/messages/1/files/%2e%2e", false],
    ["https://api.example.com/messages/1/files/..%2f..%2fkeys", false],
    ["https://api.example.com/messages/1/files/..%5Ckeys", false],
    ["https://api.example.com//messages/1/files/2", false],
    ["https://api.example.com/keys", false],
    ["https://api.example.com/", false],
  ])("go to paths of files alone: %s", async (url, isAsked) => {
    const asked: unknown[] = [];
    const fetching = createFetchFile(async (request) => {
      asked.push(request.headers["Authorization"]);
      throw new Failure("unreachable", "away");
    })(url, { ...options(), headers, allowedHosts });
    expect((await failureOf(fetching)).reason).toBe(isAsked ? "unreachable" : "misconfigured");
    expect(asked).toEqual(isAsked ? ["Basic secret"] : []);
  });
});
