import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, startCluster } from "../../support/cluster.ts";
import { until } from "../../support/until.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ processes: 1, environment: () => ({ HIGHLEVEL_TIMEOUT_SECONDS: "5" }) });
});
afterAll(() => cluster.stop());

const [people, ofEach] = [40, 10];
const personOf = (index: number) => `+1500557${1000 + index}`;
/** Each person's, and the newest of all first. */
const rows = Array.from({ length: people * ofEach }, (_, row) => {
  const [person, number] = [row % people, ofEach - Math.floor(row / people)];
  const date = new Date(Date.UTC(2024, 0, number)).toISOString();
  return { date, direction: "inbound", person: personOf(person), text: `${number}`, id: `past-${person}-${number}` };
});

test("kill -9 amid an import of 400 messages: it goes on, and all are there once, each person's oldest first", async () => {
  const { sandbox } = cluster;
  await cluster.connect();
  const mappings = await cluster.addMappings();
  const [, mappingId] = [...mappings].find(([{ mapping }]) => mapping.provider === "generic-sms") ?? [];
  const { id } = await cluster.admin("POST", "/imports", { mappingId, perSecond: 1000, messages: rows });
  for (const share of [0.2, 0.6]) {
    await until(
      () => sandbox.messages().length,
      (count) => count > share * rows.length,
    );
    const bridge = cluster.bridges.at(-1);
    bridge?.kill("SIGKILL");
    await bridge?.exited;
    await cluster.start();
  }
  const { outcomes, begun } = await until(
    () => cluster.admin("GET", `/imports/${id}`),
    ({ state, outcomes: { pending } }) => state === "done" && pending === 0,
    240,
  );
  expect([begun, outcomes.delivered, outcomes.dead]).toEqual([rows.length, rows.length, 0]);
  const phones = new Map(sandbox.contacts().map((contact) => [contact.id, contact.phone ?? ""]));
  const posted = sandbox.messages().map(({ contactId, body }) => ({ person: phones.get(contactId), body }));
  const oldestFirst = Array.from({ length: ofEach }, (_, index) => `${index + 1}`);
  for (let index = 0; index < people; index++) {
    const said = posted.filter(({ person }) => person === personOf(index)).map(({ body }) => body);
    expect(said, personOf(index)).toEqual(oldestFirst);
  }
  expect(posted).toHaveLength(rows.length);
}, 600_000);
