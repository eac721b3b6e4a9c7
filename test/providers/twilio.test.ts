import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { twilio } from "../../src/providers/sms/twilio.ts";
import { signer } from "../fixtures/twilio/sign.ts";

describe("Twilio's signature", () => {
  const at = new Date();
  const credentials = { accountSid: `AC${"0".repeat(32)}`, authToken: "12345" };
  const request = (url: string, body: string, signature: string) => ({
    url,
    headers: { "content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature },
    body: Buffer.from(body),
    receivedAt: at,
  });

  test("is the one that Twilio publishes as an example", async () => {
    const fields = { Digits: "1234", To: "+18005551212", From: "+14158675310", Caller: "+14158675310" };
    const body = new URLSearchParams({ ...fields, CallSid: "CA1234567890ABCDE" }).toString();
    const url = "https://example.com/myapp.php?foo=1&bar=2";
    expect(await twilio.verify(request(url, body, "L/OH5YylLD5NRKLltdqwSvS0BnU="), credentials)).toBe(true);
    expect(await twilio.verify(request(`${url}3`, body, "L/OH5YylLD5NRKLltdqwSvS0BnU="), credentials)).toBe(false);
  });

  test("covers a query, and other scripts in UTF-8", async () => {
    const accountSid = "AC00000000000000000000000000000001";
    const account = {
      AccountSid: accountSid,
      MessageSid: "SM00000000000000000000000000000001",
    };
    const fields = { ...account, Body: "Hi é & = 😀", From: "+15005550006", NumMedia: "0", To: "+15005550009" };
    const url = "https://bridge.example/hooks/twilio?line=1";
    const genuine = request(url, new URLSearchParams(fields).toString(), "qziVSdhMvrhMN8y3mXbp+By1lSw=");
    expect(await twilio.verify(genuine, { accountSid, authToken: "tok_test" })).toBe(true);
  });

  test.each([
    ["https://bridge.example.com/webhooks/1", "https://bridge.example.com:443/webhooks/1"],
    ["http://bridge.example.com?a=b:80", "http://bridge.example.com:80?a=b:80"],
  ])("is accepted for %s with its default port and without it", async (without, withPort) => {
    const sample = { contentType: "application/x-www-form-urlencoded", body: { MessageSid: `SM${"1".repeat(32)}` } };
    for (const [configured, signed] of [
      [without, withPort],
      [withPort, without],
      [without, without],
    ] as const) {
      const genuine = signer.sign(sample, { url: signed, at, credentials });
      expect(await twilio.verify({ ...genuine, url: configured }, credentials)).toBe(true);
    }
    const elsewhere = signer.sign(sample, { url: "https://bridge.example.com:8443/webhooks/1", at, credentials });
    expect(await twilio.verify({ ...elsewhere, url: without }, credentials)).toBe(false);
  });

  test("of a form does not hold for the same letters cut into other fields", async () => {
    const url = "https://bridge.example.com/webhooks/1";
    const sid = `SM${"a".repeat(32)}`;
    const written = "hiFrom+15005550001FromAx";
    const genuine = {
      ...{ AccountSid: credentials.accountSid, Body: written, From: "+15005550006", MessageSid: sid },
      ...{ NumMedia: "0", SmsSid: sid, To: "+15005550009" },
    };
    const signedText = (fields: object) => Object.entries(fields).flat().join("");
    const signature = createHmac("sha1", credentials.authToken)
      .update(url + signedText(genuine))
      .digest("base64");
    const isTaken = (fields: object) =>
      twilio.verify(request(url, new URLSearchParams({ ...fields }).toString(), signature), credentials);
    expect(await isTaken(genuine)).toBe(true);
    const { NumMedia: _count, SmsSid: _sid, MessageSid: _id, ...rest } = genuine;
    const cut = {
      "another id": { ...rest, MessageSid: `${sid}NumMedia0`, SmsSid: sid, To: genuine.To },
      "another id, and none beside it": { ...rest, MessageSid: `${sid}NumMedia0SmsSid${sid}`, To: genuine.To },
      "a shorter id": { ...rest, MessageSid: sid.slice(0, -1), aNumMedia: "0", SmsSid: sid, To: genuine.To },
      "another sender": { ...genuine, Body: "hi", From: "+15005550001", FromA: "xFrom+15005550006" },
      "another sender, and a name that holds the real one's": {
        ...{ ...genuine, Body: "hi", From: "+15005550001" },
        FromAxFrom: "+15005550006",
      },
      "an odd name": { ...genuine, Body: "", [`${written}From`]: "+15005550006", From: undefined },
    };
    for (const [what, fields] of Object.entries(cut)) {
      const given = JSON.parse(JSON.stringify(fields)) as object;
      expect(await isTaken(given), what).toBe(false);
    }
  });

  test("of a text does not hold for a call", async () => {
    const url = "https://bridge.example.com/webhooks/1";
    const head = { AccountSid: credentials.accountSid };
    const tail = { From: "+15005550006", MessageSid: `SM${"a".repeat(32)}`, To: "+15005550009" };
    const signed = Object.entries({ ...head, Body: "hiCallSidCA1CallStatuscompleted", ...tail }).flat();
    const signature = createHmac("sha1", credentials.authToken)
      .update(url + signed.join(""))
      .digest("base64");
    const call = { ...head, Body: "hi", CallSid: "CA1", CallStatus: "completed", ...tail };
    const body = new URLSearchParams(call).toString();
    expect(await twilio.verify(request(url, body, signature), credentials)).toBe(false);
  });

  test("of a form with a repeated field, or of another account, holds for nothing", async () => {
    const url = "https://bridge.example.com/webhooks/1";
    for (const [body, text] of [
      ["Body=b&Tag=z&Tag=a", "BodybTagaTagz"],
      [`AccountSid=AC${"1".repeat(32)}&Body=b`, `AccountSidAC${"1".repeat(32)}Bodyb`],
    ] as const) {
      const signature = createHmac("sha1", "12345")
        .update(url + text)
        .digest("base64");
      expect(await twilio.verify(request(url, body, signature), credentials)).toBe(false);
    }
  });

  test("of a JSON body does not hold for another body", async () => {
    const sample = { contentType: "application/json", body: { MessageSid: `SM${"1".repeat(32)}` } };
    const genuine = signer.sign(sample, { url: "https://bridge.example.com/webhooks/1", at });
    expect(await twilio.verify(genuine, signer.credentials as never)).toBe(true);
    const withoutHash = { ...genuine, url: "https://bridge.example.com/webhooks/1" };
    expect(await twilio.verify(withoutHash, signer.credentials as never)).toBe(false);
  });
});

test("a Messaging Service is taken by its SID and by nothing else", () => {
  const given = signer.credentials as object;
  for (const wrong of ["", "MG1", `SM${"0".repeat(32)}`, "+15005550006", null]) {
    expect(twilio.credentials.safeParse({ ...given, messagingServiceSid: wrong }).success).toBe(false);
  }
  const messagingServiceSid = `MG${"0".repeat(32)}`;
  expect(twilio.credentials.safeParse({ ...given, messagingServiceSid }).success).toBe(true);
});

test("media are asked for at Twilio's API, with the account's credentials", () => {
  const { hosts, headers } = twilio.media ?? { hosts: [], headers: () => ({}) };
  expect(hosts).toEqual([".twilio.com"]);
  const { authorization } = headers({ accountSid: "AC1", authToken: "ü" }) as Record<string, string>;
  expect(Buffer.from(String(authorization?.slice(6)), "base64").toString()).toBe("AC1:ü");
});
