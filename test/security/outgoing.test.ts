import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createCallApi } from "../../src/calls/call-api.ts";
import { createFetchFile } from "../../src/calls/fetch-file.ts";
import type { Failure } from "../../src/errors.ts";
import { signer as genericEmail } from "../fixtures/generic-email/sign.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge, untilPosted } from "../support/bridge.ts";
import { emailProviderId, locationId, publicUrl, smsProviderId, token } from "../support/location.ts";
import { until } from "../support/until.ts";

/** What stands within, and must never be asked. */
let within: Server;
let asked: string[] = [];
let port = 0;
/** What stands outside, as far as the bridge is told, and redirects. */
let outside: Server;
let redirectTo = "";
let outsideUrl = "";

const listen = (server: Server) =>
  new Promise<number>((resolve) => server.listen(0, () => resolve((server.address() as AddressInfo).port)));
beforeAll(async () => {
  within = createServer((req, res) => {
    asked.push(req.url ?? "");
    res.end("secret");
  });
  port = await listen(within);
  outside = createServer((_req, res) => res.writeHead(302, { Location: redirectTo }).end());
  outsideUrl = `http://127.0.0.1:${await listen(outside)}`;
});
afterAll(() => {
  for (const server of [within, outside]) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach(() => {
  asked = [];
});

const failureOf = (work: Promise<unknown>): Promise<Failure> =>
  work.then(
    () => expect.unreachable("it should have failed"),
    (error: Failure) => error,
  );

/** Loopback, private, link-local, shared, reserved, multicast and metadata addresses, in every writing that URLs allow. */
const hosts = [
  ..."127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 017700000001 0177.0.0.1 0.0.0.0 0 127.255.255.254".split(
    " ",
  ),
  ..."localhost LOCALHOST 127.0.0.1. %31%32%37.0.0.1 127。0。0。1 １２７.0.0.1 ①②⑦.0.0.1".split(" "),
  ..."user@127.0.0.1 example.com:80@127.0.0.1 example.com%2f@127.0.0.1".split(" "),
  ..."[::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:1]".split(" "),
  ..."[64:ff9b::7f00:1] [2002:7f00:1::] [fe80::1] [fc00::1] [fd00:ec2::254] [ff02::1] [2001:db8::1]".split(" "),
  ..."10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 198.18.0.1 192.0.2.1 224.0.0.1 255.255.255.255".split(
    " ",
  ),
  ..."169.254.169.254 2852039166 0xa9fea9fe 169.254.170.2 100.100.100.200 192.0.0.192 168.63.129.16".split(" "),
];

/** A name that some resolvers do not know, and a form of address that no machine has a way to any more. */
const nowhere = ["localhost.", "[::127.0.0.1]"];

describe("an address that is not public", () => {
  const guarded = createCallApi({ timeoutSeconds: 3, maxSockets: 4, guard: "public", allow: [] });
  afterAll(() => guarded.close());
  const options = () => ({ limitBytes: 1000, signal: AbortSignal.timeout(3000) });

  test.each(hosts)("%s is not called, and nothing fetched from it", async (host) => {
    const url = `http://${host}:${port}/x`;
    const called = await failureOf(guarded({ method: "POST", url, headers: {}, body: { a: 1 } }));
    expect(called).toMatchObject({ reason: "misconfigured", message: expect.stringContaining("not public") });
    const fetched = await failureOf(createFetchFile(guarded.open)(url, options()));
    expect(fetched.reason).toBe("misconfigured");
    expect((await failureOf(guarded({ method: "GET", url: url.replace("http:", "https:"), headers: {} }))).reason).toBe(
      "misconfigured",
    );
    expect(asked).toEqual([]);
  });

  test.each(nowhere)("%s leads nowhere", async (host) => {
    // Where the machine's network swallows it, it ends by the time that is allowed.
    await failureOf(guarded({ method: "GET", url: `http://${host}:${port}/x`, headers: {} }));
    expect(asked).toEqual([]);
  });

  test("is not called under this machine's name either: what counts is what a name resolves to", async () => {
    const failure = await failureOf(guarded({ method: "GET", url: `http://${hostname()}:${port}/x`, headers: {} }));
    expect(["misconfigured", "unreachable"]).toContain(failure.reason);
    expect(asked).toEqual([]);
  });

  test.each([
    "file:///etc/passwd",
    "ftp://127.0.0.1/x",
    "data:text/plain,x",
    "gopher://127.0.0.1",
    "//127.0.0.1/x",
    "blob:x",
  ])("%s is not fetched: only http and https are", async (url) => {
    const failure = await failureOf(createFetchFile(guarded.open)(url, options()));
    expect(["misconfigured", "rejected"]).toContain(failure.reason);
  });

  test.each(hosts)("%s is not fetched from when a public server redirects there", async (host) => {
    redirectTo = `http://${host.replace(/[^ -~]/gu, encodeURIComponent)}:${port}/x`;
    const door = createCallApi({
      timeoutSeconds: 3,
      maxSockets: 4,
      guard: "public",
      allow: [new URL(outsideUrl).host],
    });
    const failure = await failureOf(createFetchFile(door.open)(outsideUrl, options()));
    expect(failure.reason).toBe("misconfigured");
    const answer = await failureOf(door({ method: "POST", url: outsideUrl, headers: {}, body: {} }));
    expect(answer.status).toBe(302);
    door.close();
    expect(asked).toEqual([]);
  });
});

describe("the bridge as a whole", () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await startTestBridge();
  });
  afterAll(() => bridge.stop());
  const providers = (deliveryUrl: string) => [
    { id: smsProviderId, channel: "sms" as const, extra: true, deliveryUrl },
    { id: emailProviderId, channel: "email" as const, extra: true, deliveryUrl },
  ];
  const dead = (mappingId: string) => () =>
    bridge.admin("GET", `/deliveries?mappingId=${mappingId}&state=dead`).then(({ body }) => body.items);

  test("does not post to an integrator's sendUrl within", async () => {
    const mappingId = await bridge.addMapping({
      provider: "generic-sms",
      address: "+15005550009",
      credentials: { ...(genericSms.credentials as object), sendUrl: `https://localhost:${port}/send` },
    });
    bridge.sandbox.putLocation({
      id: locationId,
      token,
      providers: providers(`${bridge.url}/webhooks/highlevel/${mappingId}`),
    });
    const contact = bridge.sandbox.addContact({ locationId, phone: "+15005550006" });
    bridge.sandbox.sendAsAgent(contact.id, { providerId: smsProviderId, message: "hi" });
    const [delivery] = await until(dead(mappingId), (items) => items.length > 0);
    expect(delivery).toMatchObject({ reason: "misconfigured", detail: expect.stringContaining("not public") });
    expect(asked).toEqual([]);
  });

  test("does not fetch an agent's attachment from within, nor what a person's email links to", async () => {
    const mappingId = await bridge.addMapping({
      provider: "generic-email",
      address: "support@example.com",
      conversationProviderId: emailProviderId,
      credentials: { ...(genericEmail.credentials as object), sendUrl: "https://mail.example.net/send" },
    });
    bridge.sandbox.putLocation({
      id: locationId,
      token,
      providers: providers(`${bridge.url}/webhooks/highlevel/${mappingId}`),
    });
    const contact = bridge.sandbox.addContact({ locationId, email: "a@example.org" });
    const attachments = [`http://127.0.0.1:${port}/agent.pdf`];
    bridge.sandbox.sendAsAgent(contact.id, {
      providerId: emailProviderId,
      html: "<p>x</p>",
      subject: "x",
      attachments,
    });
    const [delivery] = await until(dead(mappingId), (items) => items.length > 0);
    expect(delivery).toMatchObject({ reason: "misconfigured" });

    const data = {
      id: "mail-1",
      from: "a@example.org",
      to: "support@example.com",
      html: `<img src="http://127.0.0.1:${port}/pixel.png">`,
      attachments: [{ url: `http://127.0.0.1:${port}/person.pdf`, name: "person.pdf" }],
    };
    const body = { type: "message.received", data };
    const url = `${publicUrl}/webhooks/${mappingId}`;
    const before = bridge.sandbox.messages().length;
    await bridge.post(genericEmail.sign({ contentType: "application/json", body }, { url, at: new Date() }));
    await untilPosted(bridge, before + 1);
    expect(asked).toEqual([]);
  });
});
