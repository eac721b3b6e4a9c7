import { afterAll, beforeAll, expect, test } from "vitest";
import { startLoad } from "../../../chaos/load.ts";
import { type Cluster, startCluster } from "../../support/cluster.ts";
import { type EventReceiver, type ReceivedEvent, startEventReceiver } from "../../support/event-receiver.ts";
import { acceptedBy, faultless, judge } from "../../support/load.ts";
import { locationId } from "../../support/location.ts";
import { until } from "../../support/until.ts";

let cluster: Cluster;
/** One that fails now and then, one that never answers, and one of another location. */
let receiver: EventReceiver;
let deaf: EventReceiver;
let elsewhere: EventReceiver;

beforeAll(async () => {
  [receiver, deaf, elsewhere] = await Promise.all([startEventReceiver(), startEventReceiver(), startEventReceiver()]);
  const ALLOWED_PRIVATE_HOSTS = [receiver, deaf, elsewhere].map(({ host }) => host).join(",");
  cluster = await startCluster({
    processes: 1,
    environment: () => ({ HIGHLEVEL_TIMEOUT_SECONDS: "2", ALLOWED_PRIVATE_HOSTS }),
  });
});
afterAll(async () => {
  await cluster.stop();
  await Promise.all([receiver, deaf, elsewhere].map((each) => each.close()));
});

async function register(endpoint: EventReceiver, locationIds: string[]): Promise<string> {
  const input = { url: endpoint.url, locationIds, events: ["message.received"] };
  const { id, secret } = await cluster.admin("POST", "/endpoints", input);
  endpoint.secret = secret;
  return id;
}

test("each event is told at least once and in order, whatever the endpoint answers and however often the bridge is killed", async () => {
  await cluster.connect();
  await cluster.connect("location-2");
  const mappings = await cluster.addMappings();
  const endpointId = await register(receiver, [locationId]);
  await register(elsewhere, ["location-2"]);
  const deafId = await register(deaf, [locationId]);
  deaf.answer = () => "nothing";
  let calls = 0;
  receiver.answer = () => {
    calls++;
    if (calls % 60 === 0) return "nothing";
    if (calls % 25 === 0) return "hang up";
    return calls % 10 === 0 ? 500 : 204;
  };

  const load = startLoad({
    ...{ mappings, people: 1, pauseMs: 400, random: Math.random },
    nextUrl: () => cluster.bridges.at(-1)?.url ?? "",
    keepUp: { sandbox: cluster.sandbox, mostAhead: 5 },
  });
  for (let kill = 1; kill <= 2; kill++) {
    const enough = load.acknowledged.size + 15;
    await until(
      () => load.acknowledged.size,
      (size) => size >= enough,
    );
    const [bridge] = cluster.bridges.slice(-1);
    bridge?.kill("SIGKILL");
    await bridge?.exited;
    await cluster.start();
  }
  await load.stop();
  await until(
    () => new Set(receiver.events.map(nameOf)),
    (told) => [...load.acknowledged].every((id) => told.has(id)),
    240,
  );
  // What a killed process has told, and could not record, is told again under the same id.
  const first = receiver.events.filter(
    (event, index) => receiver.events.findIndex(({ id }) => id === event.id) === index,
  );
  const told = first.map((event) => {
    const { address, subject = "", text = "" } = event.data;
    return { altId: nameOf(event), address, text: `${subject} ${text}` };
  });
  expect(judge(load.acknowledged, load.sent, told)).toEqual(faultless);
  expect(first.map(({ id }) => id)).toEqual(await owedTo(endpointId));
  expect(elsewhere.events).toEqual([]);

  // Who never answers keeps nobody else waiting, and none of what it is owed is lost.
  await until(
    () => acceptedBy(cluster.sandbox).length,
    (count) => count >= load.acknowledged.size,
  );
  expect(judge(load.acknowledged, load.sent, acceptedBy(cluster.sandbox))).toEqual(faultless);
  expect(await owedTo(deafId)).toHaveLength(load.acknowledged.size);
}, 600_000);

const nameOf = ({ data }: ReceivedEvent) => data.providerMessageId as string;

/** The ids of all events that an endpoint is owed, in the order of its line. */
async function owedTo(endpointId: string): Promise<string[]> {
  const owed: { id: number; event: { id: string }; endpointId: string }[] = [];
  let cursor = "";
  for (;;) {
    const page = await cluster.admin("GET", `/deliveries?kind=post-event&limit=200${cursor}`);
    owed.push(...page.items);
    if (page.nextCursor === null) break;
    cursor = `&cursor=${page.nextCursor}`;
  }
  const ofEndpoint = owed.filter((each) => each.endpointId === endpointId).toSorted((a, b) => a.id - b.id);
  return ofEndpoint.map(({ event }) => event.id);
}
