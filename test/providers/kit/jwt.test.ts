import { createHash, createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { jwt } from "../../../src/providers/kit/jwt.ts";
import { at, requestOf } from "./request.ts";

const now = at.getTime() / 1000;
const segment = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const sha256 = (content: string) => createHash("sha256").update(content).digest("hex");
const url = "https://bridge.example.com/webhooks/1";

function tokenOf(claims: unknown, { head = { alg: "HS256", typ: "JWT" } as unknown, secret = "secret" } = {}): string {
  const signed = `${segment(head)}.${segment(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

describe("a JSON Web Token", () => {
  const proof = jwt({
    header: "authorization",
    prefix: "Bearer ",
    key: (given: string) => given,
    payloadHash: "payload_hash",
  });
  const claims = { iat: now, payload_hash: sha256("{}") };
  const isTaken = (token: string, body = "{}", given = "secret") =>
    proof.check(requestOf(body, { headers: { authorization: `Bearer ${token}` } }), given, () => expect.unreachable());

  test("proves the body that it holds the hash of", () => {
    expect(isTaken(tokenOf(claims))).toBe(true);
    expect(isTaken(tokenOf(claims), "{} ")).toBe(false);
    expect(isTaken(tokenOf(claims), "{}", "other")).toBe(false);
    expect(isTaken(tokenOf(claims, { secret: "" }), "{}", "")).toBe(false);
  });

  test("without a hash, or without a time, proves nothing", () => {
    expect(isTaken(tokenOf({ iat: now }))).toBe(false);
    expect(isTaken(tokenOf({ payload_hash: claims.payload_hash }))).toBe(false);
  });

  test.each([
    [{ iat: now - 299 }, true],
    [{ iat: now - 301 }, false],
    [{ iat: now + 301 }, false],
    [{ iat: now - 9999, exp: now + 1 }, true],
    [{ iat: now, exp: now - 6 }, false],
    [{ nbf: now, exp: now + 60 }, true],
    [{ nbf: now + 6, exp: now + 60 }, false],
    [{ iat: "now" }, false],
  ])("is taken in its time alone: %j %s", (times, expected) => {
    expect(isTaken(tokenOf({ ...claims, iat: undefined, ...times }))).toBe(expected);
  });

  test.each([
    ["no algorithm", { alg: "none" }],
    ["another one", { alg: "HS512" }],
    ["a public key's", { alg: "RS256" }],
    ["an inherited name", { alg: "constructor" }],
    ["no head", "x"],
  ])("is of HS256 and nothing else: %s", (_what, head) => {
    expect(isTaken(tokenOf(claims, { head }))).toBe(false);
  });

  test.each(["", "x", "a.b", "a.b.c", `${tokenOf(claims)}.x`, tokenOf(claims).replace(/[^.]+$/, ""), tokenOf("x")])(
    "that is malformed fails closed (%#)",
    (token) => expect(isTaken(token)).toBe(false),
  );

  test("is the one of RFC 7515's first example, as far as its signature", () => {
    const secret = Buffer.from(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
      "base64url",
    );
    const signed =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const mac = createHmac("sha256", secret).update(signed).digest("base64url");
    expect(mac).toBe("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  });

  test("proves the URL, too, where it holds its hash", () => {
    const strict = jwt({
      header: "x-jwt",
      key: (given: string) => given,
      payloadHash: "payload_hash",
      urlHash: "url_hash",
    });
    const judge = (token: string, at: string) =>
      strict.check(requestOf("{}", { headers: { "x-jwt": token }, url: at }), "secret", () => expect.unreachable());
    const token = tokenOf({ ...claims, url_hash: sha256(url) });
    expect([judge(token, url), judge(token, `${url}?a=b`), judge(tokenOf(claims), url)]).toEqual([true, false, false]);
  });
});
