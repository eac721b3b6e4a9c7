import { afterEach, expect, test } from "vitest";
import { startLoad } from "../../../chaos/load.ts";
import { type Cluster, startCluster } from "../../support/cluster.ts";
import { acceptedBy, faultless, judge } from "../../support/load.ts";
import { until } from "../../support/until.ts";

const inbound = "/conversations/messages/inbound";
let cluster: Cluster;
afterEach(() => cluster.stop());

const accepted = () => new Set(acceptedBy(cluster.sandbox).map(({ altId }) => altId));

test("three bridges on one database, one of them standing still longer than its lease: each message once, in order", async () => {
  cluster = await startCluster({ processes: 1, environment: () => ({ HIGHLEVEL_TIMEOUT_SECONDS: "5" }) });
  await cluster.connect();
  const mappings = await cluster.addMappings();
  const { sandbox } = cluster;
  // It works alone and slowly until it stands still: so it does that amid attempts, and all leases are its own.
  sandbox.setFaults([{ kind: "delay", delayMs: 400, path: inbound }]);
  const [standing] = cluster.bridges;
  const others = () => cluster.bridges.slice(1);
  let turn = 0;
  const nextUrl = () => (others()[turn++ % Math.max(1, others().length)] ?? standing)?.url ?? "";
  const load = startLoad({
    mappings,
    people: 3,
    pauseMs: 400,
    nextUrl,
    random: Math.random,
    keepUp: { sandbox, mostAhead: 10 },
  });
  await until(
    () => sandbox.callCount(inbound),
    (calls) => calls >= 50,
    240,
  );
  standing?.kill("SIGSTOP");
  await Promise.all([cluster.start(), cluster.start()]);
  sandbox.setFaults([
    { kind: "delay", delayMs: 10, path: inbound },
    { kind: "status", status: 502, rate: 0.01, path: inbound },
  ]);
  // When the others have delivered all that it had begun, its leases have ended.
  const before = [...load.acknowledged];
  await until(accepted, (there) => before.every((id) => there.has(id)), 480);
  standing?.kill("SIGCONT");
  // It answers as soon as it goes on, and ends when it has come to terms with what it had begun.
  standing?.kill("SIGTERM");
  expect(await standing?.exited).toBe(0);
  await load.stop();
  await cluster.untilSettled();
  expect(judge(load.acknowledged, load.sent, acceptedBy(sandbox))).toEqual(faultless);
}, 900_000);
