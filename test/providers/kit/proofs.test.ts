import { describe, expect, test } from "vitest";
import { basic, basicAuth, challenge, type Proof, token, withBasic } from "../../../src/providers/kit/proofs.ts";
import { requestOf } from "./request.ts";

const unneeded = () => expect.unreachable();
const judge = <Given>(proof: Proof<Given>, headers: Record<string, string>, given: Given, url = "") =>
  proof.check(requestOf("{}", { headers, url }), given, unneeded);

describe("Basic", () => {
  const proof = basicAuth({ pair: ({ user, password }: { user: string; password: string }) => [user, password] });
  const given = { user: "ann", password: "p@ss:w/rd" };

  test("is taken as it is sent for a URL that holds it", () => {
    const { username, password, host } = new URL(withBasic("https://x.example/w", given.user, given.password));
    expect(host).toBe("x.example");
    const headers = basic(decodeURIComponent(username), decodeURIComponent(password));
    expect(judge(proof, headers, given)).toBe(true);
  });

  test.each([{}, { authorization: "" }, basic("ann", "other"), { authorization: "Basic" }])(
    "fails closed: %j",
    (headers) => expect(judge(proof, headers, given)).toBe(false),
  );

  test("of an empty password lets nobody in", () => {
    expect(judge(proof, basic("ann", ""), { user: "ann", password: "" })).toBe(false);
  });
});

describe("a token", () => {
  const key = (given: string) => given;

  test("is taken from a header, or from the query", () => {
    expect(judge(token({ header: "x-token", key }), { "x-token": "t" }, "t")).toBe(true);
    expect(judge(token({ header: "authorization", prefix: "Bearer ", key }), { authorization: "Bearer t" }, "t")).toBe(
      true,
    );
    expect(judge(token({ query: "token", key }), {}, "t&", "https://x.example/w?a=b&token=t%26")).toBe(true);
  });

  test("fails closed", () => {
    expect(judge(token({ header: "x-token", key }), {}, "t")).toBe(false);
    expect(judge(token({ header: "x-token", key }), { "x-token": "" }, "")).toBe(false);
    expect(judge(token({ header: "authorization", prefix: "Bearer ", key }), { authorization: "t" }, "t")).toBe(false);
    expect(judge(token({ query: "token", key }), { token: "t" }, "t", "https://x.example/w#token=t")).toBe(false);
  });
});

describe("a challenge", () => {
  const { answer } = challenge({
    mode: ["hub.mode", "subscribe"],
    ...{ token: "hub.verify_token", challenge: "hub.challenge", key: (given: string) => given },
  });
  const right = "/webhooks/1?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=of-our-choice";

  test("is said back to who has the secret", () => expect(answer(right, "of-our-choice")).toBe("1158201444"));

  test.each([
    "",
    right.replace("subscribe", "unsubscribe"),
    right.replace("choice", "choicE"),
    right.replace("1158201444", ""),
    right.replace("1158201444", "%3Cscript%3E"),
    right.replace("1158201444", "1".repeat(129)),
    right.replace("&hub.verify_token=of-our-choice", ""),
  ])("is not said back when anything else is asked: %s", (url) => expect(answer(url, "of-our-choice")).toBeUndefined());

  test("of an empty secret is said back to nobody", () => {
    expect(answer(right.replace("of-our-choice", ""), "")).toBeUndefined();
  });
});
