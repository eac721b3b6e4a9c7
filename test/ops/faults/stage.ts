import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Router } from "express";
import type { WebhookRequest } from "../../../src/model.ts";
import { readBlocks } from "../../docs/blocks.ts";
import { adminApiKey, startTestBridge, type TestBridge } from "../../support/bridge.ts";
import { emailProviderId, locationId, smsProviderId, token } from "../../support/location.ts";
import { freePort, startPostgres } from "../../support/postgres.ts";
import { allCredentials, providerOf } from "../../support/providers.ts";
import { makeFaulty, type SendFault } from "../../support/stand-ins/faulty.ts";
import { createStandIn } from "../../support/stand-ins/from-fixtures.ts";
import { serveStandIns } from "../../support/stand-ins/serve.ts";
import { until } from "../../support/until.ts";
import { writeMessage } from "../../support/write-webhooks.ts";
import { connect, query } from "./psql.ts";
import { mountDisk } from "./small-disk.ts";

/** What a fault is provoked on: one bridge on a PostgreSQL server of its own, a sandbox, and a provider that can refuse. */
export type Stage = Awaited<ReturnType<typeof setStage>>;

export const oauth = { clientId: "app-x", clientSecret: "secret", scopes: "conversations.write" };
const metricsToken = "metrics-token";
export const person = "+15005550006";
const numbers = { "generic-sms": "+15005559001", twilio: "+15005559002", held: "+15005559003", topic: "+15005559004" };
export const mailbox = "support@example.com";
export const unlimited = { per10Seconds: 0, perDay: 180_000 };

export async function setStage() {
  const [server, disk] = [await startPostgres(), mountDisk()];
  await query(server.url, "create role bridge login");
  if (disk) await query(server.url, `create tablespace small location '${disk.folder}'`);
  await query(server.url, `create database bridge owner bridge ${disk ? "tablespace small" : ""}`);
  const state = {
    ...{ sendFault: undefined as SendFault | undefined, user: "bridge", database: "bridge" },
    ...{ endpointStatus: 200, endpointId: "", isSnsAway: false, topicId: "", boxId: "" },
  };
  const endpoint = createServer((_req, res) => void res.writeHead(state.endpointStatus).end()).listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  const endpointHost = `127.0.0.1:${(endpoint.address() as AddressInfo).port}`;
  const urlOf = (user = state.user, database = state.database) =>
    server.url.replace("postgres@", `${user}@`).replace(/postgres$/, database);
  const standIn = makeFaulty(createStandIn("twilio", numbers.twilio), { draw: () => state.sendFault });
  const providers = await serveStandIns([standIn, { host: "sns.us-east-1.amazonaws.com", router: amazonSns(state) }]);
  const [port, encryptionKeys] = [await freePort(), [randomBytes(32)]];
  const publicUrl = `http://127.0.0.1:${port}`;
  const bridge = await startTestBridge({
    databaseUrl: urlOf(),
    config: { port, publicUrl, encryptionKeys, metricsTokens: [metricsToken], providersUrl: providers.url },
    tuning: { standingSeconds: 0 },
  });
  const withOauth = (clientSecret: string) => ({
    oauth: { ...oauth, clientSecret, authorizeUrl: `${bridge.sandboxUrl}/v2/oauth/chooselocation` },
  });
  bridge.sandbox.setOauth({ clientId: oauth.clientId, clientSecret: oauth.clientSecret, chosen: { locationId } });
  const allowedPrivateHosts = [new URL(bridge.sandboxUrl).host, endpointHost];
  await bridge.restart({ ...withOauth(oauth.clientSecret), allowedPrivateHosts });
  const mappings = await addMappings(bridge);
  const deliveryUrl = `${publicUrl}/webhooks/highlevel/${mappings.twilio}`;
  const conversationProviders = [
    { id: smsProviderId, channel: "sms" as const, extra: true, deliveryUrl },
    { id: emailProviderId, channel: "email" as const, extra: true },
  ];
  bridge.sandbox.putLocation({ id: locationId, token, providers: conversationProviders });
  bridge.sandbox.putLocation({ id: "location-2", token: "token-2", providers: conversationProviders });
  const contact = bridge.sandbox.addContact({ locationId, phone: person });
  const stranger = bridge.sandbox.addContact({ locationId: "location-2", phone: person });
  let lastText = 0;

  const post = async ({ url, headers, body }: WebhookRequest, more: Record<string, string> = {}): Promise<number> => {
    const to = url.replace(/^https?:\/\/[^/]+/, publicUrl);
    const init = {
      method: "POST",
      headers: { ...headers, ...more } as Record<string, string>,
      body: Uint8Array.from(body),
    };
    return (await fetch(to, init)).status;
  };
  const webhookUrl = (mappingId: string) => `${publicUrl}/webhooks/${mappingId}`;
  /** A text of a person, as a provider posts it. */
  const write = (
    provider: "generic-sms" | "twilio",
    { to = numbers[provider], text = "Hello", url = webhookUrl(mappings[provider]), at = new Date() } = {},
  ) => writeMessage(providerOf(provider), { id: `text-${++lastText}`, from: person, to, text }, { url, at });

  const stage = {
    ...{ server, disk, bridge, state, mappings, numbers, publicUrl, encryptionKeys, standIn, contact, stranger },
    ...{ conversationProviders, endpointUrl: `http://${endpointHost}/events` },
    ...{ allowedPrivateHosts, providersUrl: providers.url },
    ...{ urlOf, withOauth, post, write, webhookUrl, sandbox: bridge.sandbox },
    /** The series that the alerts are about are seen from here on. */
    before: "",
    text: () => post(write("generic-sms")),
    answer: (message = "Hello to you") =>
      bridge.sandbox.sendAsAgent(contact.id, { providerId: smsProviderId, message }),
    /** As PostgreSQL's superuser, on the bridge's database. */
    sql: (statement: string) => query(urlOf("postgres"), statement),
    sqlOnServer: (statement: string) => query(server.url, statement),
    /** A connection that stays, as of somebody at a psql. */
    connect: () => connect(urlOf("postgres")),
    /** What waits has waited for longer. */
    age: (minutes: number) => query(urlOf("postgres"), ageing(minutes)),
    async scrape() {
      const headers = { authorization: `Bearer ${metricsToken}` };
      return fetch(`${publicUrl}/metrics`, { headers }).then(
        (answer) => answer.text(),
        () => "",
      );
    },
    async readyz(): Promise<{ status: number; text: string } | undefined> {
      const headers = { authorization: `Bearer ${adminApiKey}` };
      const ask = fetch(`${publicUrl}/readyz`, { headers });
      return ask.then(
        async (answer) => ({ status: answer.status, text: await answer.text() }),
        () => undefined,
      );
    },
    async calm() {
      stage.before = await stage.scrape();
    },
    /** Runs a command of the page as an operator does, with the first lines of the page on operating. */
    async run(command: string, ids: Record<string, string>) {
      const [block] = readBlocks("docs/operate.md");
      const lines = (block?.commands ?? "")
        .replace("https://bridge.example.com", publicUrl)
        .replace("ADMIN_API_KEY=…", `ADMIN_API_KEY=${adminApiKey}`);
      const folder = mkdtempSync(join(tmpdir(), "faults-"));
      const env = { PATH: "/usr/bin:/bin:/usr/local/bin", ...ids };
      const options = { cwd: folder, env };
      const script = `set -eu\n${lines}\n${command.replace('"token": "…"', '"token": "' + "'$TOKEN'" + '"')}`;
      try {
        return (await promisify(execFile)("bash", ["-c", script], options)).stdout;
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    async newest(path: string): Promise<string> {
      const { items } = (await bridge.admin("GET", path)).body;
      return String(items[0]?.id);
    },
    async untilPosted(count: number) {
      await until(
        () => bridge.sandbox.messages().length,
        (all) => all >= count,
      );
    },
    async stop() {
      await bridge.stop();
      await providers.stop();
      endpoint.close();
      await server.stop();
      disk?.remove();
    },
  };
  return stage;
}

/** Where certificates are, and where a topic's question is answered. */
function amazonSns(state: { isSnsAway: boolean }) {
  const router = Router();
  router.use((_req, res, next) => (state.isSnsAway ? void res.status(503).end() : next()));
  router.get("/", (_req, res) => void res.type("text/xml").send("<ConfirmSubscriptionResponse/>"));
  return router;
}

async function addMappings(bridge: TestBridge) {
  const credentialsOf = (provider: string) => allCredentials(providerOf(provider));
  const generic = { provider: "generic-sms", credentials: credentialsOf("generic-sms") };
  return {
    "generic-sms": await bridge.addMapping({ ...generic, address: numbers["generic-sms"] }),
    twilio: await bridge.addMapping({
      provider: "twilio",
      credentials: credentialsOf("twilio"),
      address: numbers.twilio,
      isDefault: false,
    }),
    held: await bridge.addMapping({ ...generic, address: numbers.held, unknownSender: "hold" }),
    mail: await bridge.addMapping({
      ...{ provider: "generic-email", credentials: credentialsOf("generic-email") },
      ...{ address: mailbox, conversationProviderId: emailProviderId },
    }),
  };
}

const ageing = (minutes: number) => `
  update deliveries set created_at = created_at - interval '${minutes} minutes',
    first_attempted_at = first_attempted_at - interval '${minutes} minutes',
    retry_at = case when attempts = 0 then retry_at - interval '${minutes} minutes' else retry_at end
  where state = 'pending';
  update webhooks set received_at = received_at - interval '${minutes} minutes' where state = 'received'`;
