import { Readable } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import type { ApiRequest, CallApi } from "../../../src/calls/call-api.ts";
import type { FetchFileOptions } from "../../../src/calls/fetch-file.ts";
import { createTokens, fetchWithTokens, withTokens } from "../../../src/calls/oauth/with-tokens.ts";
import { Failure, type FailureReason } from "../../../src/errors.ts";

const grant = { url: "https://id.example.com/token", clientId: "ann", clientSecret: "s:cret" };
const request = { method: "POST" as const, url: "https://api.example.com/send", headers: { "x-a": "1" }, grant };

/** Gives t1, t2 and so on, each for an hour, and takes what `isTaken` says. */
function serve({ isTaken = () => true, ...given }: { isTaken?(token: string): boolean; token?: () => unknown } = {}) {
  const seen: ApiRequest[] = [];
  let count = 0;
  const next = given.token ?? (() => ({ access_token: `t${++count}`, expires_in: 3600 }));
  const callApi: CallApi = async (asked) => {
    seen.push(asked);
    if (asked.url === grant.url) return { status: 200, headers: {}, body: await next() };
    const token = asked.headers["authorization"]?.replace("Bearer ", "") ?? "";
    if (!isTaken(token)) throw new Failure("unauthorized", "HTTP 401", { status: 401 });
    return { status: 200, headers: {}, body: token };
  };
  return { seen, call: withTokens(createTokens(callApi), callApi), callApi };
}
const tokensAsked = (seen: ApiRequest[]) => seen.filter(({ url }) => url === grant.url).length;

describe("a call by an access token", () => {
  test("fetches one by the client's credentials, and goes out without them", async () => {
    const { seen, call } = serve();
    expect(await call(request)).toMatchObject({ body: "t1" });
    const [asked, sent] = seen;
    expect(asked).toMatchObject({ method: "POST", headers: { authorization: `Basic ${btoa("ann:s:cret")}` } });
    expect(String(asked?.body)).toBe("grant_type=client_credentials");
    expect(sent).toEqual({ method: "POST", url: request.url, headers: { "x-a": "1", authorization: "Bearer t1" } });
  });

  test("keeps it until a minute before it ends, for all who call at once and after", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const { seen, call } = serve();
    await Promise.all([call(request), call(request)]);
    vi.advanceTimersByTime(3_500_000);
    await call(request);
    expect(tokensAsked(seen)).toBe(1);
    vi.advanceTimersByTime(50_000);
    expect(await call(request)).toMatchObject({ body: "t2" });
    vi.useRealTimers();
  });

  test.each([
    ["3599", 3_500],
    [undefined, 200],
    [null, 200],
    ["soon", 200],
    ["", 200],
  ])("keeps one that lasts for %j seconds for %i", async (expires_in, seconds) => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const { seen, call } = serve({ token: () => ({ access_token: "t", expires_in }) });
    await call(request);
    vi.advanceTimersByTime(seconds * 1000);
    await call(request);
    expect(tokensAsked(seen)).toBe(1);
    vi.advanceTimersByTime(100_000);
    await call(request);
    expect(tokensAsked(seen)).toBe(2);
    vi.useRealTimers();
  });

  test("has one of its own for other credentials", async () => {
    const { seen, call } = serve();
    await call(request);
    await call({ ...request, grant: { ...grant, clientSecret: "another" } });
    expect(tokensAsked(seen)).toBe(2);
  });

  test("takes another token where the kept one is refused, and tries no third time", async () => {
    const { call } = serve({ isTaken: (token) => token === "t2" });
    expect(await call(request)).toMatchObject({ body: "t2" });
    const never = serve({ isTaken: () => false });
    await expect(never.call(request)).rejects.toMatchObject({ status: 401 });
    expect(tokensAsked(never.seen)).toBe(2);
  });

  test.each<[FailureReason, number | undefined, FailureReason]>([
    ["unauthorized", 401, "misconfigured"],
    ["rejected", 400, "misconfigured"],
    ["throttled", 429, "throttled"],
    ["outcome_unknown", undefined, "unreachable"],
    ["unreachable", 503, "unreachable"],
  ])("never looks sent where the token is not to be had: %s %s is %s", async (reason, status, expected) => {
    let isAway = true;
    const { seen, call } = serve({
      token: () => {
        if (isAway) throw new Failure(reason, "no", { status });
        return { access_token: "t", expires_in: 60 };
      },
    });
    await expect(call(request)).rejects.toMatchObject({ reason: expected });
    expect(seen).toHaveLength(1);
    isAway = false;
    expect(await call(request), "and a failure is not kept").toMatchObject({ body: "t" });
  });

  test.each([undefined, null, "x", {}, { access_token: 7 }, { access_token: "a b" }, { access_token: "" }])(
    "fails where the answer holds none: %j",
    async (answer) => {
      const { call } = serve({ token: () => answer });
      await expect(call(request)).rejects.toMatchObject({ reason: "unreachable" });
    },
  );

  test("without a grant asks for nothing", async () => {
    const { seen, call } = serve();
    await call({ method: "GET", url: request.url, headers: {} });
    expect(tokensAsked(seen)).toBe(0);
  });
});

test("a file is fetched by a token as well", async () => {
  const { callApi } = serve();
  const seen: FetchFileOptions[] = [];
  const fetchFile = fetchWithTokens(createTokens(callApi), async (_url, options) => {
    seen.push(options);
    return { stream: Readable.from([]), contentType: undefined, sizeBytes: undefined, name: undefined };
  });
  const { signal } = new AbortController();
  await fetchFile("https://api.example.com/file", { headers: {}, grant, limitBytes: 9, signal });
  expect(seen).toEqual([{ headers: { authorization: "Bearer t1" }, limitBytes: 9, signal }]);
});
