import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import axios from "axios";
import type { Contact } from "../../src/sandbox/state.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { emailProviderId, publicUrl, smsProviderId } from "../support/location.ts";
import { type NameServer, startNameServer } from "../support/name-server.ts";
import { providerOf } from "../support/providers.ts";
import { until } from "../support/until.ts";
import { writeMessage } from "../support/write-webhooks.ts";

/** Two tenants of one bridge, which lives in 512 MB: whoever attacks has all that a tenant can have; the other one works. */
export interface Stage {
  cluster: Cluster;
  attacker: Tenant;
  victim: Tenant;
  /** That the bridge asks: a name without an entry does not exist. */
  nameServer: NameServer;
  /** Of a provider, with the credentials of its signer. */
  addMapping(tenant: Tenant, provider: string, address: string, more?: object): Promise<Mapped>;
  /** As somebody who installs the app in the location, by a browser; with a code that HighLevel gave, or one that is made up. */
  install(tenant: Tenant, code?: string): Promise<number>;
  /** What the other tenant's sender was asked to send, so far, and where that is: under a name, which is looked up each time. */
  taken: readonly string[];
  victimsSendUrl: string;
  /** Posts a body of the attacker's own, signed as its provider would, and waits for the answer, whatever it is. */
  postSigned(provider: "generic-sms" | "generic-email", body: unknown): Promise<number>;
  /** A request of anybody's; 0 where there is no answer. */
  ask(method: string, path: string, headers?: Record<string, string>, body?: Buffer): Promise<number>;
  /** Lets the other tenant work until it has had so many answers, and tells how long each took. */
  witness(count: number): Promise<{ status: number; ms: number }[]>;
  /** The texts that the other tenant's people and agents wrote and that have not arrived. */
  untilArrived(): Promise<void>;
  stop(): Promise<void>;
}

type Mapped = { id: string; webhookPath: string };

export interface Tenant {
  locationId: string;
  /** A key with which the tenant reads and writes. */
  key: string;
  mappings: Record<"generic-sms" | "generic-email", Mapped>;
  contact: Contact;
}

const conversationProviders = { "generic-sms": smsProviderId, "generic-email": emailProviderId };
const numbers = { attacker: "+15005550001", victim: "+15005550002" };
/** Stands in all that the other tenant's people write, and nowhere else. */
export const secretWord = "heliotrope";
/** More than the other tenant's work takes. */
export const requestsPer10Seconds = 1000;
const victimsHost = "sends.victim.example";
const app = { clientId: "app-x", clientSecret: "secret" };
/** What a Retry-After may say, and no clock of ours can be set to. */
const ages = [
  "31556952000000",
  "9".repeat(400),
  "Fri, 31 Dec 22008 23:59:59 GMT",
  "Sat, 01 Jan 275760 00:00:00 GMT",
  "1e308",
];

export async function startStage(): Promise<Stage> {
  let asked = 0;
  const later: RequestListener = (_req, res) =>
    void res.writeHead(429, { "retry-after": ages[asked++ % ages.length] }).end();
  /** The attacker's texts are never answered, and its emails are to be tried again in a million years. */
  const sends = { attacker: await listen(() => undefined), later: await listen(later), victim: await listen(takes) };
  const nameServer = await startNameServer();
  nameServer.names.set(victimsHost, { addresses: ["127.0.0.1"], ttlSeconds: 0 });
  const victimsSendUrl = sends.victim.url.replace("127.0.0.1", victimsHost);
  const sendUrlOf = (who: "attacker" | "victim", provider: string) =>
    who === "victim" ? victimsSendUrl : sends[provider === "generic-email" ? "later" : who].url;
  const cluster = await startCluster({
    processes: 1,
    environment: (sandboxUrl, sandbox) => ({
      HIGHLEVEL_PUBLIC_KEYS: sandbox.publicKey,
      NODE_OPTIONS: `--max-old-space-size=512 --import=${new URL(`./ask-name-server.mjs?${nameServer.address}`, import.meta.url).href}`,
      HIGHLEVEL_CLIENT_ID: app.clientId,
      HIGHLEVEL_CLIENT_SECRET: app.clientSecret,
      HIGHLEVEL_AUTHORIZE_URL: `${sandboxUrl}/v2/oauth/chooselocation`,
      ALLOWED_PRIVATE_HOSTS: [sandboxUrl, victimsSendUrl, ...Object.values(sends).map(({ url }) => url)]
        .map((url) => new URL(url).host)
        .join(),
      WEBHOOKS_PER_MINUTE_PER_MAPPING: "6000",
      HIGHLEVEL_REQUESTS_PER_10_SECONDS: String(requestsPer10Seconds),
    }),
  });
  const bridgeUrl = cluster.bridges[0]?.url ?? "";
  const attacker = await addTenant("attacker");
  const victim = await addTenant("victim");
  const worker = new Worker(new URL("./witness.mjs", import.meta.url), { workerData: { url: bridgeUrl, pauseMs: 25 } });
  const answers: { status: number; ms: number }[] = [];
  worker.on("message", (answer) => answers.push(answer));
  let written = 0;
  const expected = new Set<string>();

  async function addTenant(who: "attacker" | "victim"): Promise<Tenant> {
    const id = `location-of-${who}`;
    await cluster.connect(id);
    const { key } = await cluster.admin("POST", "/keys", { name: who, locationIds: [id], access: "write" });
    const add = async (provider: "generic-sms" | "generic-email") => {
      const { credentials, sendCredentials } = providerOf(provider).signer;
      const { webhookUrl, ...mapping } = await cluster.admin("POST", "/mappings?check=false", {
        ...{ locationId: id, provider, conversationProviderId: conversationProviders[provider] },
        address: provider === "generic-sms" ? numbers[who] : `support@${who}.example.com`,
        credentials: { ...(credentials as object), ...(sendCredentials as object), sendUrl: sendUrlOf(who, provider) },
      });
      return { id: mapping.id as string, webhookPath: new URL(webhookUrl).pathname };
    };
    const mappings = { "generic-sms": await add("generic-sms"), "generic-email": await add("generic-email") };
    const deliveryUrl = (mapping: { id: string }) => `${bridgeUrl}/webhooks/highlevel/${mapping.id}`;
    cluster.sandbox.putLocation({
      ...{ id, token: `token-${id}` },
      providers: [
        { id: smsProviderId, channel: "sms", extra: true, deliveryUrl: deliveryUrl(mappings["generic-sms"]) },
        { id: emailProviderId, channel: "email", extra: true, deliveryUrl: deliveryUrl(mappings["generic-email"]) },
      ],
    });
    const person = { phone: `+1500555${who === "victim" ? 7000 : 8000}`, email: `${who}s.person@example.org` };
    return { locationId: id, key, mappings, contact: cluster.sandbox.addContact({ locationId: id, ...person }) };
  }

  const taken: string[] = [];
  function takes(...[req, res]: Parameters<RequestListener>): void {
    let text = "";
    req.setEncoding("utf8").on("data", (part) => (text += part));
    req.on("end", () => {
      taken.push(text);
      res.writeHead(200, { "content-type": "application/json", connection: "close" }).end("{}");
    });
  }

  const stage: Stage = {
    ...{ cluster, attacker, victim, nameServer, taken, victimsSendUrl },
    async addMapping({ locationId }, provider, address, more = {}) {
      const { credentials, sendCredentials } = providerOf(provider).signer;
      const { id, webhookUrl } = await cluster.admin("POST", "/mappings?check=false", {
        ...{ locationId, provider, address, conversationProviderId: `of-${provider}` },
        credentials: { ...(credentials as object), ...(sendCredentials as object), ...more },
      });
      return { id, webhookPath: new URL(webhookUrl).pathname };
    },
    async install({ locationId }, code) {
      cluster.sandbox.setOauth({ ...app, chosen: { locationId } });
      const open = (url: string, cookie = "") =>
        fetch(url.replace(publicUrl, bridgeUrl), { redirect: "manual", headers: { cookie } });
      const begun = await open(`${bridgeUrl}/oauth/install`);
      const cookie = begun.headers.getSetCookie()[0]?.split(";")[0] ?? "";
      const chosen = await open(begun.headers.get("location") ?? "");
      const back = new URL(chosen.headers.get("location") ?? "");
      if (code !== undefined) back.searchParams.set("code", code);
      return (await open(back.href, cookie)).status;
    },
    async postSigned(provider, body) {
      const { signer } = providerOf(provider);
      const url = `${publicUrl}${attacker.mappings[provider].webhookPath}`;
      const request = signer.sign({ contentType: "application/json", body: body as string }, { url, at: new Date() });
      return stage.ask("POST", attacker.mappings[provider].webhookPath, request.headers, request.body);
    },
    async ask(method, path, headers = {}, body) {
      const limits = { maxBodyLength: Number.POSITIVE_INFINITY, timeout: 120_000, validateStatus: () => true };
      const asked = axios.request({ method, url: `${bridgeUrl}${path}`, headers, data: body, ...limits });
      return asked.then(
        ({ status }) => status,
        () => 0,
      );
    },
    async witness(count) {
      const before = answers.length;
      const { webhookPath } = victim.mappings["generic-sms"];
      const requests = Array.from({ length: count }, () => {
        const text = `${secretWord} in ${++written}`;
        expected.add(text);
        const message = { id: `victim-${written}`, from: victim.contact.phone ?? "", to: numbers.victim, text };
        const url = `${publicUrl}${webhookPath}`;
        const { headers, body } = writeMessage(providerOf("generic-sms"), message, { url, at: new Date() });
        return { path: webhookPath, headers, body };
      });
      worker.postMessage(requests);
      for (let answer = 0; answer < 3; answer++) {
        const message = `${secretWord} out ${++written}`;
        expected.add(message);
        cluster.sandbox.sendAsAgent(victim.contact.id, { providerId: smsProviderId, message });
      }
      await until(
        () => answers.length,
        (length) => length >= before + count,
        300,
      );
      return answers.slice(before);
    },
    async untilArrived() {
      const arrived = () => {
        const all = [...cluster.sandbox.messages().map(({ body }) => body ?? ""), ...taken].join("\n");
        return [...expected].filter((text) => !new RegExp(`${text}\\b`).test(all));
      };
      await until(arrived, (missing) => missing.length === 0, 300);
    },
    async stop() {
      await worker.terminate();
      await cluster.stop();
      for (const { close } of Object.values(sends)) close();
      nameServer.stop();
    },
  };
  return stage;
}

async function listen(listener: RequestListener): Promise<{ url: string; close(): void }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/send`, close };
}
