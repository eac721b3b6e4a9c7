import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Fault } from "../src/sandbox/faults.ts";
import { locationId } from "../test/support/location.ts";
import { makeCertificate } from "./certificate.ts";
import { drawOne } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import type { Fate } from "./tcp-proxy.ts";
import { startTlsServer, type TlsServer } from "./tls-server.ts";
import type { World } from "./world.ts";

const inbound = "/conversations/messages/inbound";

/** Has HighLevel answer so for some seconds. */
const answerSo =
  (seconds: number, ...faults: Fault[]) =>
  async ({ sandbox, pass }: World) => {
    sandbox.setFaults(faults);
    await pass(seconds);
    sandbox.setFaults([]);
  };

const broken: [Fate, number][] = [
  ["cut request", 0.04],
  ["cut answer", 0.04],
  ["swallow answer", 0.01],
  ["garbage", 0.03],
];

const untrusted = makeCertificate(new Date("2049-01-01T00:00:00Z"));
const expired = makeCertificate(new Date("2021-01-01T00:00:00Z"));
const tlsServers = new WeakMap<World, TlsServer>();
const trustedFile = ({ folder }: World) => join(folder, "trusted.pem");

const downFile = ({ folder }: World) => join(folder, "dns-is-down");

/** What HighLevel does, and the way there. */
export const highlevelFaults: Scenario[] = [
  {
    name: "highlevel-down",
    about: "HighLevel away for 10 minutes: refuses connections, cuts them, answers 502 and 503",
    scaled: {
      tuning: { firstDelaySeconds: 0.04, pollSeconds: 0.1 },
      words: "12 s for 10 minutes, and retries that begin at 0.04 s for 2 s: both a fiftieth",
    },
    async disturb(world) {
      await world.proxy.setDown(true);
      await world.pass(4);
      world.sandbox.setFaults([{ kind: "drop" }]);
      await world.proxy.setDown(false);
      await world.pass(4);
      await answerSo(4, { kind: "status", status: 502, rate: 0.5 }, { kind: "status", status: 503 })(world);
    },
  },
  {
    name: "slow",
    about:
      "half of the calls take 300 ms, one of 20 takes longer than the bridge waits and is carried out all the same",
    disturb: (world) => {
      const tooLong = world.attemptSeconds * 1000 + 200;
      const slow: Fault[] = [
        { kind: "delay", delayMs: 300, rate: 0.5 },
        { kind: "delay", delayMs: tooLong, rate: 0.05, path: inbound },
      ];
      return answerSo(8, ...slow)(world);
    },
  },
  {
    name: "throttle",
    about: "storms of 429 without Retry-After",
    async disturb(world) {
      await answerSo(2, { kind: "status", status: 429 })(world);
      await world.pass(1);
      await answerSo(12, { kind: "status", status: 429, rate: 0.1 })(world);
    },
  },
  {
    name: "throttle-retry-after",
    about: "storms of 429 with Retry-After",
    async disturb(world) {
      for (let storm = 1; storm <= 3; storm++) {
        await answerSo(1.5, { kind: "status", status: 429, retryAfterSeconds: 1 })(world);
        await world.pass(1);
      }
    },
  },
  {
    name: "no-answer",
    about: "5 % of the posts accepted but never answered: cut off, or silent until the bridge gives up",
    disturb: answerSo(
      10,
      { kind: "no-answer", rate: 0.04, path: inbound },
      { kind: "hang", rate: 0.01, path: inbound },
    ),
  },
  {
    name: "half-answer",
    about: "10 % of the posts answered by half",
    disturb: answerSo(8, { kind: "half-answer", rate: 0.1, path: inbound }),
  },
  {
    name: "bad-json",
    about: "10 % of the posts answered 200 with JSON that is none",
    disturb: answerSo(8, { kind: "bad-json", rate: 0.1, path: inbound }),
  },
  {
    name: "network",
    about: "a network that cuts requests and answers anywhere, swallows answers, and answers garbage",
    async disturb(world) {
      world.proxy.setFate(() => drawOne(world.random, broken) ?? "pass");
      await world.pass(8);
      world.proxy.setFate(() => "pass");
    },
  },
  {
    name: "dns",
    about: "HighLevel's name does not resolve, and the connections that there were are cut, twice",
    environment: (world) => {
      const url = pathToFileURL(join(import.meta.dirname, "break-dns.mjs"));
      url.searchParams.set("down", downFile(world));
      return { HIGHLEVEL_URL: `http://highlevel.test:${world.proxy.port}`, NODE_OPTIONS: `--import ${url.href}` };
    },
    async disturb(world) {
      for (let outage = 1; outage <= 2; outage++) {
        writeFileSync(downFile(world), "");
        await world.proxy.setDown(true);
        await world.proxy.setDown(false);
        await world.pass(2);
        rmSync(downFile(world));
        await world.pass(1.5);
      }
      if (existsSync(downFile(world))) throw new Error("the name still does not resolve");
    },
  },
  {
    name: "tls",
    about:
      "a certificate that nobody trusts, one that has expired, and handshakes that break, between times of good TLS",
    async prepare(world) {
      const server = await startTlsServer(world.proxy.port);
      tlsServers.set(world, server);
      writeFileSync(trustedFile(world), server.good.cert + expired.cert);
      world.atEnd(() => server.stop());
    },
    environment: (world) => ({
      HIGHLEVEL_URL: `https://127.0.0.1:${tlsServers.get(world)?.port}`,
      NODE_EXTRA_CA_CERTS: trustedFile(world),
    }),
    async disturb(world) {
      const server = tlsServers.get(world);
      for (const bad of [untrusted, expired, "broken handshakes" as const]) {
        server?.serve(bad);
        await world.pass(1.5);
        server?.serve(server.good);
        await world.pass(1.5);
      }
    },
  },
  {
    name: "token-revoked",
    about: "the location's token revoked in mid-flight, and replaced, 3 times",
    async disturb(world) {
      for (let turn = 1; turn <= 3; turn++) {
        world.sandbox.revokeToken(locationId);
        await world.pass(1.5);
        await world.putToken(`token-${turn + 1}`);
        await world.pass(1.5);
      }
    },
  },
];
