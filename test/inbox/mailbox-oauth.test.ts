import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { restless, startTestBridge, type TestBridge, untilPosted } from "../support/bridge.ts";
import { emailProviderId, locationId, token as locationToken, publicUrl } from "../support/location.ts";
import { type CuttingProxy, startCuttingProxy } from "../support/mail/cutting-proxy.ts";
import { imapServers, type TestImap } from "../support/mail/imap-server.ts";
import { login, startSmtp, type TestSmtp } from "../support/mail/smtp-server.ts";
import { tlsOfLocalhost } from "../support/mail/tls.ts";
import { until } from "../support/until.ts";

/** Gives tokens as https://www.rfc-editor.org/rfc/rfc6749#section-6 has it; the mail servers of the tests take `a-token`. */
let tokens: Server;
let asked: Record<string, string>[] = [];
let isRefusing = false;
let token = "a-token";
let server: TestImap;
let proxy: CuttingProxy;
let smtp: TestSmtp;
let bridge: TestBridge;

beforeAll(async () => {
  tokens = createServer(async (req, res) => {
    asked.push(Object.fromEntries(new URLSearchParams(await text(req))));
    const answer = isRefusing
      ? { error: "invalid_grant", error_description: "Token has been expired or revoked." }
      : { access_token: token, expires_in: 3600, token_type: "Bearer" };
    res.writeHead(isRefusing ? 400 : 200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }).listen(0, "127.0.0.1");
  const [{ start } = expect.unreachable("no server")] = imapServers;
  [server, smtp] = await Promise.all([start(), startSmtp()]);
  proxy = await startCuttingProxy(server.port);
  bridge = await startTestBridge({ tuning: { ...restless, mailCa: tlsOfLocalhost.cert } });
  const ports = [proxy.port, smtp.port, (tokens.address() as AddressInfo).port];
  const allowedPrivateHosts = [new URL(bridge.sandboxUrl).host, ...ports.map((port) => `localhost:${port}`)];
  await bridge.restart({ allowedPrivateHosts });
});
afterAll(async () => {
  await bridge.stop();
  await Promise.all([proxy.stop(), smtp.stop()]);
  await server.stop();
  tokens.close();
});

const credentials = (change: object = {}) => ({
  ...{ imapHost: "localhost", imapPort: String(proxy.port), user: login.user },
  ...{ smtpHost: "localhost", smtpPort: String(smtp.port) },
  ...{ tokenUrl: `http://localhost:${(tokens.address() as AddressInfo).port}/token`, scope: "mail" },
  ...{ clientId: "an-app", clientSecret: "secret-of-the-app", refreshToken: "1//given-by-the-owner" },
  ...change,
});
const mapping = { provider: "imap-smtp", address: "box@ours.test", conversationProviderId: emailProviderId };
const mail = (subject: string) =>
  `From: Ann <ann@vale.test>\r\nTo: box@ours.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@vale.test>\r\n\r\nHello\r\n`;
const subjects = () => bridge.sandbox.messages().map((message) => message.subject);
let mappingId: string;

test("a mailbox is opened, and mail is sent, by one access token that a refresh token gave", async () => {
  mappingId = await bridge.addMapping({ ...mapping, credentials: credentials() });
  await server.append(mail("one"));
  await untilPosted(bridge, 1, 30);
  const deliveryUrl = `${bridge.url}/webhooks/highlevel/${mappingId}`;
  const provider = { id: emailProviderId, channel: "email" as const, extra: true, deliveryUrl };
  bridge.sandbox.putLocation({ id: locationId, token: locationToken, providers: [provider] });
  const [{ contactId } = expect.unreachable("nothing was posted")] = bridge.sandbox.messages();
  bridge.sandbox.sendAsAgent(contactId, { providerId: emailProviderId, subject: "Re: one", html: "<p>Hello Ann</p>" });
  await until(
    () => smtp.taken.length,
    (count) => count === 1,
  );
  const form = { grant_type: "refresh_token", refresh_token: "1//given-by-the-owner", scope: "mail" };
  expect(asked).toEqual([{ ...form, client_id: "an-app", client_secret: "secret-of-the-app" }]);
});

test("a token that is refused is fetched anew, once", async () => {
  token = "an-old-token";
  isRefusing = false;
  asked = [];
  await bridge.restart();
  await until(
    () => asked.length,
    (count) => count >= 2,
  );
  token = "a-token";
  await server.append(mail("two"));
  await until(subjects, (all) => all.includes("two"), 60);
});

test("a refresh token that holds no more is told of in the server's words, and what comes meanwhile waits", async () => {
  isRefusing = true;
  await bridge.restart();
  await server.append(mail("three"));
  const { body } = await until(
    () => bridge.admin("GET", `/accounts/${mappingId}`),
    (account) => account.body.mailbox?.reason === "misconfigured",
    30,
  );
  expect(body.mailbox.detail).toContain("Token has been expired or revoked");
  isRefusing = false;
  const given = { credentials: credentials({ refreshToken: "1//given-anew" }) };
  expect((await bridge.admin("PATCH", `/accounts/${mappingId}`, given)).status).toBe(200);
  await until(subjects, (all) => all.includes("three"), 60);
  expect(subjects()).toEqual(["one", "Re: one", "two", "three"]);
  expect(asked.at(-1)).toMatchObject({ refresh_token: "1//given-anew" });
  const logged = JSON.stringify(bridge.logLines);
  for (const secret of ["secret-of-the-app", "1//given", "a-token"]) expect(logged).not.toContain(secret);
});

test("an app logs in for itself where nobody gave it a refresh token", async () => {
  asked = [];
  const { refreshToken: _none, ...given } = credentials();
  await bridge.admin("PATCH", `/accounts/${mappingId}`, { credentials: given });
  await until(
    () => asked,
    (all) => all.length > 0,
    60,
  );
  expect(asked[0]).toEqual({
    ...{ grant_type: "client_credentials", scope: "mail", client_id: "an-app", client_secret: "secret-of-the-app" },
  });
});

test("nobody can post a mail to the URL where there is no password", async () => {
  for (const pair of [`${login.user}:`, login.user, ":", `${login.user}:secret-of-the-app`]) {
    const authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
    const headers = { authorization, "content-type": "message/rfc822" };
    const url = `${publicUrl}/webhooks/${mappingId}`;
    const { status } = await bridge.post({ url, headers, body: Buffer.from(mail("forged")), receivedAt: new Date() });
    expect(status, pair).toBe(401);
  }
});

test.each([
  { password: "both" },
  { tokenUrl: undefined },
  { clientSecret: undefined },
  { tokenUrl: "http://login.example.com/token" },
  { tokenUrl: "http://localhost.example.com/token" },
])("half a login, or two, is refused: %j", async (change) => {
  const given = {
    ...mapping,
    address: "another@ours.test",
    locationId,
    credentials: credentials(change),
  };
  const { status, body } = await bridge.admin("POST", "/mappings", given);
  expect(status).toBe(422);
  expect(body.errors[0].path).toMatch(/^credentials\.(password|tokenUrl)$/);
});
