import type { Lab } from "../lab.ts";
import { fill, prepareDatabase } from "../prefill.ts";
import type { Store, StoreCall, StoreSettings } from "../processes/store.ts";
import type { Finding, Row } from "../report.ts";
import { median } from "../statistics.ts";
import { locationCount } from "../systems.ts";

const calls: Record<StoreCall, string> = {
  claim: "the claim",
  "insert webhooks": "the insert of webhooks",
  "insert messages": "the insert of messages",
  "find duplicates": "the duplicate check",
};

/** What the same call costs in a database with a million finished messages, against one with none: in turn, in one process. */
export async function measureFlat(lab: Lab): Promise<Finding> {
  const finished = lab.scaled(1_000_000);
  const empty = await prepare(lab, 0);
  lab.say(`flat: filling in ${finished} finished messages`);
  const full = await prepare(lab, finished);
  const settings: StoreSettings = { product: lab.product, databases: [empty, full] };
  const store = await lab.start<Store>("store", settings);
  const rows: Row[] = [];
  const details: Record<string, unknown> = {};
  for (const call of Object.keys(calls) as StoreCall[]) {
    const [none = [], million = []] = await store.ask("time", { call, times: lab.scaled(300) });
    const [before, after] = [median(none), median(million)];
    details[call] = { before, after };
    lab.say(`flat: ${call} ${before.toFixed(2)} ms, then ${after.toFixed(2)} ms`);
    rows.push({
      what: `${calls[call]}: ${finished} finished messages against none`,
      value: after / before,
      unit: "×",
      bar: { is: "under", value: 1.3 },
      note: `${before.toFixed(2)} ms, then ${after.toFixed(2)} ms`,
    });
  }
  await store.stop();
  return { measure: "flat", rows, details };
}

/** Something waits in either. What is finished comes first, so that messages are numbered alike. */
async function prepare(lab: Lab, finished: number): Promise<StoreSettings["databases"][number]> {
  const url = await lab.newDatabase();
  const targets = await prepareDatabase(lab.product, url, locationCount);
  const waiting = { conversations: 12_000, perConversation: 2 };
  const done = { conversations: Math.ceil(finished / 20), perConversation: 20 };
  if (finished > 0) await fill(url, { ...done, state: "delivered" });
  await fill(url, { ...waiting, state: "pending" });
  const known = finished > 0 ? done : waiting;
  return { url, targets, messages: known.conversations * known.perConversation, conversations: known.conversations };
}
