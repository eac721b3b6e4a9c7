import type { Lab } from "../lab.ts";
import { fill, prepareDatabase } from "../prefill.ts";
import type { Outbox, OutboxSettings } from "../processes/outbox.ts";
import type { Store, StoreSettings } from "../processes/store.ts";
import type { Finding, Row } from "../report.ts";
import { median, quantile } from "../statistics.ts";
import { locationCount } from "./acks.ts";

/** How fast one process drains what waits when the call costs nothing, and how long a claim takes while much waits. */
export async function measureOutbox(lab: Lab): Promise<Finding> {
  const drain = await measureDrain(lab);
  const few = await measureClaim(lab, locationCount);
  const many = await measureClaim(lab, 1000);
  return {
    measure: "outbox",
    rows: [...drain.rows, few, { ...many, bar: undefined }].map(withoutEmpty),
    details: drain,
  };
}

const withoutEmpty = ({ bar, ...row }: Omit<Row, "bar"> & { bar?: Row["bar"] | undefined }): Row =>
  bar ? { ...row, bar } : row;

async function measureDrain(lab: Lab) {
  const conversations = lab.scaled(20_000);
  const perConversation = 15;
  const databaseUrl = await lab.newDatabase();
  await prepareDatabase(lab.product, databaseUrl, locationCount);
  await fill(databaseUrl, { conversations, perConversation, state: "pending" });
  const settings: OutboxSettings = {
    product: lab.product,
    databaseUrl,
    poolSize: Number(lab.settings["DATABASE_POOL_SIZE"] ?? 10),
    deliveryConcurrency: Number(lab.settings["DELIVERY_CONCURRENCY"] ?? 500),
  };
  const outbox = await lab.start<Outbox>("outbox", settings);
  const total = conversations * perConversation;
  const drained = await outbox.ask("drain", { total, seconds: lab.scaled(60) });
  await outbox.stop();
  lab.say(`outbox: ${Math.round(drained.perSecond)}/s`);
  const { deliveryConcurrency, poolSize } = settings;
  const row: Row = {
    what: "outbox alone, drained by one process",
    value: drained.perSecond,
    unit: "/s",
    bar: { is: "at least", value: 15_000 },
    note:
      `${drained.delivered} of ${total} deliveries in ${conversations} conversations, ` +
      `${deliveryConcurrency} at once, ${poolSize} connections`,
  };
  return { rows: [row], drained };
}

async function measureClaim(lab: Lab, locations: number): Promise<Row> {
  const conversations = lab.scaled(20_000);
  const perConversation = 5;
  const url = await lab.newDatabase();
  const targets = await prepareDatabase(lab.product, url, locations);
  await fill(url, { conversations, perConversation, state: "pending" });
  const messages = conversations * perConversation;
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
