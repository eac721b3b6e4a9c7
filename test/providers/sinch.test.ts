import { describe, expect, test } from "vitest";
import { basic } from "../../src/providers/kit/proofs.ts";
import { sinch } from "../../src/providers/sms/sinch.ts";
import { signer } from "../fixtures/sinch/sign.ts";
import { outboundMessage, readFixtures, readSendFixtures } from "../support/fixtures.ts";

const url = "https://bridge.example.com/webhooks/1";

// Its SDK cannot be imported without seven packages beside it; this is what its own test has it accept:
// https://github.com/sinch/sinch-sdk-node/blob/main/packages/sdk-client/tests/utils/authorization.helper.test.ts
test("accepts the signature of Sinch's own test, and none over anything else", async () => {
  const body =
    '{"app_id":"","accepted_time":"2021-10-18T17:49:13.813615Z","project_id":"e2df3a34-a71b-4448-9db5-a8d2baad28e4","contact_create_notification":{"contact":{"id":"01FJA8B466Y0R2GNXD78MD9SM1","channel_identities":[{"channel":"SMS","identity":"48123456789","app_id":""}],"display_name":"New Test Contact","email":"new.contact@email.com","external_id":"","metadata":"","language":"EN_US"}},"message_metadata":""}';
  const headers = {
    "x-sinch-webhook-signature": "6bpJoRmFoXVjfJIVglMoJzYXxnoxRujzR4k2GOXewOE=",
    "x-sinch-webhook-signature-nonce": "01FJA8B4A7BM43YGWSG9GBV067",
    "x-sinch-webhook-signature-timestamp": "1634579353",
  };
  const webhook = { url, headers, body: Buffer.from(body), receivedAt: new Date(1634579353_000) };
  const credentials = { callbackProof: "hmac" as const, callbackSecret: "foo_secret1234" };
  expect(await sinch.verify(webhook, credentials)).toBe(true);
  for (const name of ["x-sinch-webhook-signature-nonce", "x-sinch-webhook-signature-timestamp"] as const) {
    const changed = { ...headers, [name]: headers[name].replace(/.$/, "0") };
    expect(await sinch.verify({ ...webhook, headers: changed }, credentials), name).toBe(false);
  }
  expect(await sinch.verify({ ...webhook, body: Buffer.from(`${body} `) }, credentials)).toBe(false);
});

describe("where callbacks come by Basic", () => {
  const credentials = { callbackProof: "basic" as const, callbackSecret: "p@ss:w/rd of ours" };
  const [first] = readFixtures("sinch");
  if (!first) throw new Error("there are no fixtures");
  const signed = signer.sign(first.fixture.request, { url, at: new Date() });

  test("the pasted URL opens the door, and nothing else does", async () => {
    const { username, password } = new URL(sinch.webhookUrl?.(url, credentials) ?? "");
    const headers = basic(decodeURIComponent(username), decodeURIComponent(password));
    expect(await sinch.verify({ ...signed, headers }, credentials)).toBe(true);
    expect(await sinch.verify({ ...signed, headers: basic("sinch", "another") }, credentials)).toBe(false);
    expect(await sinch.verify({ ...signed, headers: {} }, credentials)).toBe(false);
  });

  test("a signature by the password is none, and a password is no signature", async () => {
    const byHmac = { ...credentials, callbackProof: "hmac" as const };
    const webhook = signer.sign(first.fixture.request, { url, at: new Date(), credentials: byHmac });
    expect(await sinch.verify(webhook, byHmac)).toBe(true);
    expect(await sinch.verify(webhook, credentials)).toBe(false);
    const { authorization } = basic("sinch", credentials.callbackSecret);
    expect(await sinch.verify({ ...signed, headers: { authorization } }, byHmac)).toBe(false);
    expect(sinch.webhookUrl?.(url, byHmac)).toBe(url);
  });
});

test("of several files one goes along, and the others as links", async () => {
  const fixture = readSendFixtures("sinch").find(({ name }) => name === "media")?.fixture;
  if (!fixture) return expect.unreachable();
  const message = outboundMessage(fixture);
  const [file] = message.attachments;
  if (!file) return expect.unreachable();
  const attachments = [file, { ...file, url: "https://files.example.com/menu.pdf" }];
  let sent: unknown;
  const credentials = sinch.credentials.parse(signer.sendCredentials);
  await sinch.send({ ...message, attachments }, credentials, async ({ body }) => {
    sent = body;
    return { ...fixture.answer, headers: {} };
  });
  expect(sent).toMatchObject({ body: { url: file.url, message: "Look\nhttps://files.example.com/menu.pdf" } });
});
