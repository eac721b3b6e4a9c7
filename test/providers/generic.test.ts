import { describe, expect, test } from "vitest";
import type { ApiRequest } from "../../src/calls/call-api.ts";
import { ParseError } from "../../src/errors.ts";
import type { OutboundMessage } from "../../src/model.ts";
import { genericEmail, genericSms } from "../../src/providers/generic.ts";
import { signer } from "../fixtures/generic-sms/sign.ts";

test("says in a few words what is wrong, however much is", () => {
  const data = { id: "m-1", from: "+15005550006", to: "+15005550009", attachments: Array(10_000).fill(7) };
  const body = Buffer.from(JSON.stringify({ type: "message.received", data }));
  const parse = async () => genericSms.parse({ url: "", headers: {}, body, receivedAt: new Date() });
  return expect(parse()).rejects.toSatisfy((error: Error) => error instanceof ParseError && error.message.length < 500);
});

const parseData = async (type: string, data: object) => {
  const body = Buffer.from(JSON.stringify({ type, data: { id: "m-1", ...data } }));
  return genericSms.parse({ url: "", headers: {}, body, receivedAt: new Date() });
};

describe("a chat's ids", () => {
  const say = (from: string, to = "id:page-1") => parseData("message.received", { from, to, text: "Hello" });

  test.each([
    "id:ü-漢字",
    "id:Ann from Bonn",
    "id:+15005550006",
    "id:ann@example.org",
    `id:${"a".repeat(200)}`,
    "id:😀",
  ])("may be of any script, and look like something else: %s", async (id) => {
    expect(await say(id)).toMatchObject([{ from: id, to: ["id:page-1"] }]);
  });

  test.each(["id:", "id: ", "id: u-1", "id:u\n1", "id:u\u200b1", `id:${"a".repeat(201)}`])(
    "are none in %j, and the reason says so",
    async (id) => {
      await expect(say(id)).rejects.toThrow("data.from: is no id of up to 200 visible characters");
    },
  );

  test("are not what a number that cannot be read is told to be", async () => {
    await expect(say("none@", "+15005550009")).rejects.toThrow(
      "data.from: is not a phone number, a short code or a sender's name",
    );
  });
});

describe("a call", () => {
  const end = (data: object) =>
    parseData("call.ended", { from: "+15005550006", to: "+15005550009", status: "completed", ...data });

  test.each(["anonymous", "", null, "sip:ann@example.com", "client:ann"])(
    "of a caller without a number, %j, is ignored",
    async (from) => {
      expect(await end({ from })).toMatchObject([{ kind: "ignored", reason: expect.stringContaining("withholds") }]);
    },
  );

  test("by WhatsApp is one of the number", async () => {
    expect(await end({ from: "whatsapp:+15005550006" })).toMatchObject([{ from: "+15005550006" }]);
  });

  test.each(["OUTBOUND", "outgoing", 1])(
    "that went in no known direction, %j, is not taken for one of a person",
    async (direction) => {
      await expect(end({ direction })).rejects.toThrow("data.direction: ");
    },
  );

  test.each([
    [84.4, 84.4],
    ["84", 84],
    [-5, undefined],
    [1e300, undefined],
    ["long", undefined],
    [null, undefined],
  ])("that lasted %j has %j seconds", async (durationSeconds, seconds) => {
    const [event] = await end({ durationSeconds });
    expect((event as { call: { durationSeconds?: number } }).call.durationSeconds).toBe(seconds);
  });
});

describe("receipts", () => {
  const parse = async (data: unknown) => {
    const body = Buffer.from(JSON.stringify({ type: "message.status", data }));
    return genericSms.parse({ url: "", headers: {}, body, receivedAt: new Date() });
  };

  test.each([
    [{ status: "sent" }, "data: needs an id or a reference"],
    [{ status: "sent", reference: "m-1" }, "data.reference: is not one that the bridge gave"],
    [{ status: "sent", reference: 42 }, "data.reference: Invalid input: expected string, received number"],
    [{ reference: "42" }, "data.status: Invalid input: expected string, received undefined"],
  ])("that name no message or no status are refused: %j", async (data, message) => {
    await expect(parse(data)).rejects.toThrow(message);
  });
});

describe("sending", () => {
  const publicKey = "whpk_6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";
  const sendUrl = "https://sms.example.net/send";
  const message: OutboundMessage = {
    ...{ reference: "42", from: "+15005550009", to: "+15005550006", text: "Hello" },
    ...{ cc: [], bcc: [], attachments: [], references: [], receiptUrl: "https://bridge.example.com/webhooks/1" },
  };

  test("needs a secret that can sign: a public key cannot", async () => {
    const sending = genericSms.send(message, { secret: publicKey, sendUrl }, () => expect.unreachable());
    await expect(sending).rejects.toMatchObject({
      reason: "misconfigured",
      message: expect.stringContaining("sendSecret"),
    });
  });

  test("again has the same webhook-id, so that the message is sent once", async () => {
    const requests: ApiRequest[] = [];
    const callApi = async (request: ApiRequest) => {
      requests.push(request);
      return { status: 204, headers: {}, body: "" };
    };
    for (const _attempt of [1, 2])
      await genericSms.send(message, signer.sendCredentials as { secret: string }, callApi);
    expect(requests.map(({ headers }) => headers["webhook-id"])).toEqual(["msg_42", "msg_42"]);
    expect(requests[0]?.body, "bytes, which nothing on the way encodes anew").toBeInstanceOf(Buffer);
  });

  test("goes to https and http URLs, signed with a secret", () => {
    const fits = (more: object) =>
      genericSms.credentials.safeParse({ ...(signer.credentials as object), ...more }).success;
    expect(fits({ sendUrl: "http://gateway:8080/sms?line=1" })).toBe(true);
    for (const wrong of ["ftp://a.example/x", "sms.example.net/send", "//sms.example.net", "javascript:1", "https://"])
      expect(fits({ sendUrl: wrong }), wrong).toBe(false);
    for (const wrong of ["", "whsec_c2hvcnQ=", publicKey, "secret"])
      expect(fits({ sendUrl, sendSecret: wrong }), wrong).toBe(false);
  });
});

describe("Standard Webhooks", () => {
  const request = (headers: Record<string, string>, body: string, at: number) => ({
    url: "https://bridge.example.com",
    headers,
    body: Buffer.from(body),
    receivedAt: new Date(at * 1000),
  });

  test("accepts the specification's own example", async () => {
    const headers = {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    const credentials = { secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" };
    const genuine = request(headers, '{"test": 2432232314}', 1614265330);
    expect(await genericSms.verify(genuine, credentials)).toBe(true);
  });

  test("covers other scripts in UTF-8", async () => {
    const body = '{"data":{"event_type":"message.received","id":"e1","payload":{"id":"m1","text":"hi é"}}}';
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": "1767225600",
      "webhook-signature": "v1,UYXf/TvLEy//u0KcSmPMnDjFmi5+h0p0jNK/N5yK2Xo=",
    };
    const secret = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    expect(await genericSms.verify(request(headers, body, 1767225600), { secret })).toBe(true);
  });

  test("accepts Ed25519 (v1a), and never lets the sender choose the algorithm", async () => {
    const body = '{"data":{"event_type":"message.received","id":"e1","payload":{"id":"m1","text":"hi é"}}}';
    const signature = "v1a,QDOGNRpBMKxyP8ffeLzhCPEScsVx+uHZlp95E+VKD0dZHQuM3lrqkdhg3R2PjlN22TnKMv6sVchcbuGJleg9Dw==";
    const headers = { "webhook-id": "msg_1", "webhook-timestamp": "1767225600", "webhook-signature": signature };
    const secret = "whpk_6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=";
    expect(await genericSms.verify(request(headers, body, 1767225600), { secret })).toBe(true);
    expect(await genericSms.verify(request(headers, `${body} `, 1767225600), { secret })).toBe(false);
    expect(await genericSms.verify(request(headers, body, 1767225600), signer.credentials as never)).toBe(false);
  });

  test("accepts any of several signatures, as during a rotation, and skips versions that it does not know", async () => {
    const genuine = signer.sign(
      { contentType: "application/json", body: { type: "x" } },
      { url: "https://bridge.example.com", at: new Date() },
    );
    const own = genuine.headers["webhook-signature"];
    const headers = { ...genuine.headers, "webhook-signature": `v9,abc v1,bm90IG1pbmU= ${own}` };
    expect(await genericSms.verify({ ...genuine, headers }, signer.credentials as never)).toBe(true);
    const without = { ...genuine.headers, "webhook-signature": "v9,abc v1,bm90IG1pbmU=" };
    expect(await genericSms.verify({ ...genuine, headers: without }, signer.credentials as never)).toBe(false);
  });

  test.each(["whsec_", "whsec_c2hvcnQ=", "secret", `whsec_${Buffer.alloc(65).toString("base64")}`, "whpk_c2hvcnQ="])(
    "takes no weak or malformed secret such as %s",
    (secret) => {
      expect(genericSms.credentials.safeParse({ secret }).success).toBe(false);
    },
  );
});

test("a whole email's files are opened; those of an email in fields have URLs", async () => {
  const mime = [
    "From: ann@example.org",
    "Content-Type: multipart/mixed; boundary=b",
    "",
    "--b",
    "Content-Type: text/plain; name=a.txt",
    "Content-Disposition: attachment; filename=a.txt",
    "Content-Transfer-Encoding: base64",
    "",
    Buffer.from("Grüße").toString("base64"),
    "--b--",
  ].join("\r\n");
  const open = (data: unknown) =>
    genericEmail.openFiles?.({
      ...{ url: "", headers: {}, receivedAt: new Date() },
      body: Buffer.from(JSON.stringify({ type: "message.received", data })),
    });
  expect(await open({ mime })).toEqual([Buffer.from("Grüße")]);
  expect(await open({ mimeBase64: Buffer.from(mime).toString("base64") })).toEqual([Buffer.from("Grüße")]);
  expect(await open({ attachments: [{ url: "https://files.example.com/1" }] })).toEqual([undefined]);
  expect(await open({ status: "sent" })).toEqual([]);
});
