import { type Accepted, acceptedBy, idOf, type LoadProvider, personNumber } from "../../test/support/load.ts";
import type { Load } from "../load.ts";
import type { World } from "../world.ts";
import { startAgent } from "./agent.ts";
import { judgeImport, judgeReceived, type PastMessage } from "./judges.ts";

/** What goes on beside the load: an import, an agent who sends, and an endpoint that is told of events. */
export interface Beside {
  /** Whose messages are none of the load. */
  has(accepted: Accepted): boolean;
  /** The agent writes no more. */
  stop(): void;
  /** What is not done yet, in words. */
  waiting(): Promise<string[]>;
  /** What is wrong, in words, once all has settled. */
  complaints(load: Load): string[];
}

/** Begins them, before there is a load. */
export async function beginBeside(world: World, mappings: Map<LoadProvider, string>): Promise<Beside> {
  const { sandbox, door } = world;
  await registerEndpoint(world);
  const past = await beginImport(world, mappings);
  const agent = await startAgent(world);
  const imported = new Set(past.rows.map(({ person }) => person));
  return {
    has: ({ address = "" }) => imported.has(address) || agent.numbers.includes(address),
    stop: agent.stop,
    waiting: async () => [...agent.waiting(), ...(await past.waiting())],
    complaints({ acknowledged, sent, leavers, callers }) {
      const posted = acceptedBy(sandbox).filter(({ address = "" }) => imported.has(address));
      const received = door.events.filter(({ type }) => type === "message.received");
      const ofLoad = received.filter(({ data: { address } }) => !leavers.has(address) && !callers.has(address));
      return [
        ...judgeImport(past.rows, posted, sandbox.messages()).map((each) => `of the import ${each}`),
        ...judgeReceived(acknowledged, sent, ofLoad).map((each) => `of the events ${each}`),
        ...agent.complaints(),
        ...door.complaints,
      ];
    },
  };
}

/** Each process knows at once of what was changed by it: nothing that happens from now on is untold. */
async function registerEndpoint({ admin, processes, door: { eventsUrl, secret } }: World): Promise<void> {
  const events = ["message.received", "message.delivered"];
  const { id } = await admin<{ id: string }>("POST", "/endpoints", { url: eventsUrl, secret, events });
  for (let place = 1; place < processes; place++) await admin("PATCH", `/endpoints/${id}`, { events }, place);
}

const [people, ofEach] = [6, 10];

/** Of people who are nobody of the load, the newest of all first. */
const rows = Array.from({ length: people * ofEach }, (_, row): PastMessage => {
  const [person, number] = [500 + (row % people), ofEach - Math.floor(row / people)];
  const id = idOf("generic-sms", person, number);
  const date = new Date(Date.UTC(2024, 0, number)).toISOString();
  return { id, date, direction: number % 3 === 0 ? "outbound" : "inbound", person: personNumber(person), text: id };
});

async function beginImport({ admin }: World, mappings: Map<LoadProvider, string>) {
  const [, mappingId] = [...mappings].find(([{ mapping }]) => mapping.provider === "generic-sms") ?? [];
  const { id } = await admin<{ id: number }>("POST", "/imports", { mappingId, perSecond: 5, messages: rows });
  return {
    rows,
    async waiting() {
      const { state, reason } = await admin<{ state: string; reason: string | null }>("GET", `/imports/${id}`);
      return state === "done" ? [] : [`an import that is ${state}: ${reason}`];
    },
  };
}
