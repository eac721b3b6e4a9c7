import type { Lab } from "../lab.ts";
import { fill, prepareDatabase } from "../prefill.ts";
import type { Outbox, OutboxSettings } from "../processes/outbox.ts";
import type { QueuePeer, QueueSettings } from "../processes/queue.ts";
import type { Store, StoreSettings } from "../processes/store.ts";
import type { Finding, Row } from "../report.ts";
import { median, quantile } from "../statistics.ts";
import { locationCount } from "../systems.ts";

const perConversation = 5;
const sizeOf = (lab: Lab) => {
  const conversations = lab.scaled(20_000);
  return { conversations, total: conversations * perConversation };
};

/**
 * How fast one process drains what waits when the call costs nothing, beside what others would take from npm for it; and
 * how long a claim takes while much waits.
 */
export async function measureOutbox(lab: Lab): Promise<Finding> {
  const drained = await measureDrain(lab);
  const peers = await measurePeers(lab);
  const few = await measureClaim(lab, locationCount);
  const many = await measureClaim(lab, 1000);
  const rows = [...rowsOf(lab, drained, peers), few, { ...many, bar: undefined }].map(withoutEmpty);
  return { measure: "outbox", rows, details: { drained, peers } };
}

const withoutEmpty = ({ bar, ...row }: Omit<Row, "bar"> & { bar?: Row["bar"] | undefined }): Row =>
  bar ? { ...row, bar } : row;

type Drained = Awaited<ReturnType<typeof measureDrain>>;

async function measureDrain(lab: Lab) {
  const { conversations, total } = sizeOf(lab);
  const databaseUrl = await lab.newDatabase();
  await prepareDatabase(lab.product, databaseUrl, locationCount);
  await fill(databaseUrl, { conversations, perConversation, state: "pending" });
  const settings: OutboxSettings = {
    product: lab.product,
    databaseUrl,
    poolSize: poolSizeOf(lab),
    deliveryConcurrency: Number(lab.settings["DELIVERY_CONCURRENCY"] ?? 500),
  };
  const outbox = await lab.start<Outbox>("outbox", settings);
  const drained = await outbox.ask("drain", { total, seconds: lab.scaled(60) });
  await outbox.stop();
  lab.say(`outbox: ${Math.round(drained.perSecond)}/s`);
  const { deliveryConcurrency, poolSize } = settings;
  return { ...drained, deliveryConcurrency, poolSize };
}

const poolSizeOf = (lab: Lab) => Number(lab.settings["DATABASE_POOL_SIZE"] ?? 10);

const queues: Pick<QueueSettings, "queue" | "inOrder">[] = [
  { queue: "pg-boss", inOrder: false },
  { queue: "pg-boss", inOrder: true },
  { queue: "graphile-worker", inOrder: false },
  { queue: "graphile-worker", inOrder: true },
];

/** The same messages in a queue of npm's each: as fast as it can, and with each conversation's in order. */
async function measurePeers(lab: Lab) {
  const peers = [];
  for (const each of queues) {
    const settings = { ...each, ...sizeOf(lab), poolSize: poolSizeOf(lab), databaseUrl: await lab.newDatabase() };
    const peer = await lab.start<QueuePeer>("queue", settings satisfies QueueSettings);
    await peer.ask("fill");
    const drained = await peer.ask("drain", { seconds: lab.scaled(each.inOrder ? 8 : 15) });
    await peer.stop();
    lab.say(`outbox: ${each.queue}${each.inOrder ? " in order" : ""} ${Math.round(drained.perSecond)}/s`);
    peers.push({ ...each, ...drained });
  }
  return peers;
}

function rowsOf(lab: Lab, drained: Drained, peers: Awaited<ReturnType<typeof measurePeers>>): Row[] {
  const { conversations, total } = sizeOf(lab);
  const unit = "/s";
  const fastest = Math.max(...peers.map(({ perSecond }) => perSecond));
  return [
    {
      ...{ what: "outbox alone, drained by one process", value: drained.perSecond, unit },
      bar: { is: "at least", value: fastest, because: "ahead of both queues" },
      note:
        `${drained.delivered} of ${total} deliveries in ${conversations} conversations, each in order, ` +
        `${drained.deliveryConcurrency} at once, ${drained.poolSize} connections`,
    },
    ...peers.map(
      ({ queue, inOrder, perSecond, delivered, seconds }): Row => ({
        ...{
          what: `peer: ${queue}, ${inOrder ? "each conversation in order" : "in no order"}`,
          value: perSecond,
          unit,
        },
        note: `${delivered} of the same ${total} in ${seconds.toFixed(0)} s${inOrder ? `; ${orders[queue]}` : ""}`,
      }),
    ),
  ];
}

/** By what it keeps a conversation in order, and what it cannot. */
const orders: Record<QueueSettings["queue"], string> = {
  "pg-boss": "by key_strict_fifo: a job that failed for good holds back its conversation until it is removed",
  "graphile-worker": "by a named queue for each: a job that is retried is passed by those behind it",
};

async function measureClaim(lab: Lab, locations: number): Promise<Row> {
  const { conversations, total: messages } = sizeOf(lab);
  const url = await lab.newDatabase();
  const targets = await prepareDatabase(lab.product, url, locations);
  await fill(url, { conversations, perConversation, state: "pending" });
  const settings: StoreSettings = { product: lab.product, databases: [{ url, targets, messages, conversations }] };
  const store = await lab.start<Store>("store", settings);
  const [took = []] = await store.ask("time", { call: "claim", times: lab.scaled(300) });
  await store.stop();
  return {
    what: `claim with ${messages} waiting in ${conversations} conversations of ${locations} locations`,
    value: median(took),
    unit: "ms",
    bar: { is: "under", value: 5 },
    note: `32 lanes with up to 10 deliveries each; p99 ${quantile(took, 0.99).toFixed(1)} ms`,
  };
}
