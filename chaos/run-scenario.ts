import { setTimeout as sleep } from "node:timers/promises";
import { type Accepted, acceptedBy, judge, type Verdict } from "../test/support/load.ts";
import { type Beside, beginBeside } from "./beside/begin-beside.ts";
import { keepEvidence } from "./evidence.ts";
import { type Load, startLoad } from "./load.ts";
import type { Scenario } from "./scenario.ts";
import { createWorld, type World, type WorldOptions } from "./world.ts";

export interface Result {
  name: string;
  processes: number;
  /** Acknowledged ones, and how many requests brought them. */
  messages: number;
  requests: number;
  verdict: Verdict;
  /** What else is wrong: answers that no provider should get, deliveries that were given up, a run that broke. */
  troubles: string[];
  seconds: number;
}

/** Longer than any pause or retry of these scenarios. */
const drainSeconds = 480;

/** Breaks things under load, waits until everything has settled, and compares what HighLevel has with what was acknowledged. */
export async function runScenario(options: WorldOptions & { scenario: Scenario }): Promise<Result> {
  const started = performance.now();
  const { scenario, processes } = options;
  const world = await createWorld(options);
  const troubles: string[] = [];
  let load: Load | undefined;
  let beside: Beside | undefined;
  try {
    await scenario.prepare?.(world);
    const start = scenario.beginsEarlier ? world.startEarlier : world.start;
    await Promise.all(Array.from({ length: processes }, (_, place) => start(place)));
    await world.putToken("token-1");
    const mappings = await world.addMappings();
    beside = await beginUnlessAlone(options, () => beginBeside(world, mappings));
    const { people, mostAhead } = options;
    const { nextUrl, random, sandbox } = world;
    load = startLoad({
      ...{ mappings, people, nextUrl, random, withOthers: options.earlier === undefined },
      ...(mostAhead ? { keepUp: { sandbox, mostAhead } } : {}),
      get pauseMs() {
        return world.pauseMs;
      },
    });
    await world.pass(1);
    await scenario.disturb(world);
    await world.pass(1);
    await untilEnough(load);
    beside?.stop();
    await load.stop();
    await untilSettled(world, beside, { drainSeconds, ...options });
    troubles.push(...(await givenUp(world)), ...notLeft(world, load.leavers), ...notCalled(world, load.callers));
    troubles.push(...(beside?.complaints(load) ?? []));
    if (scenario.mustRefuse && load.refused() === 0) troubles.push("nobody was told to come again: nothing was broken");
  } catch (error) {
    troubles.push(`broke off: ${error instanceof Error ? error.message : String(error)}`);
    beside?.stop();
    load?.abandon();
  }
  const { acknowledged, sent, surprises } = load ?? { acknowledged: new Set(), sent: new Set(), surprises: new Map() };
  for (const [surprise, count] of surprises) troubles.push(`${surprise} (${count} times)`);
  const isOfOthers = (each: Accepted) =>
    load?.leavers.has(each.address ?? "") || load?.callers.has(each.address ?? "") || beside?.has(each);
  const accepted = acceptedBy(world.sandbox).filter((each) => !isOfOthers(each));
  const verdict = judge(acknowledged, sent, accepted);
  if (acknowledged.size < leastMessages) troubles.push("too few messages to say anything");
  const result: Result = {
    name: scenario.name,
    processes,
    messages: acknowledged.size,
    requests: load?.requests() ?? 0,
    verdict,
    troubles,
    seconds: Math.round((performance.now() - started) / 1000),
  };
  if (options.keepsEvidence && !isFaultless(result)) {
    const folder = await keepEvidence(world, `${scenario.name}-${processes}`).catch((error: unknown) => String(error));
    troubles.push(`evidence: ${folder}`);
  }
  await world.stop();
  return result;
}

/** The version before knows nothing of what goes on beside the load. */
async function beginUnlessAlone(
  { earlier, isLoadAlone }: WorldOptions,
  begin: () => Promise<Beside>,
): Promise<Beside | undefined> {
  return earlier || isLoadAlone ? undefined : begin();
}

export function isFaultless({ verdict, troubles }: Result): boolean {
  return troubles.length === 0 && Object.values(verdict).every((list) => list.length === 0);
}

/** A run of fewer says nothing: a machine that has other things to do starts processes slowly. */
const leastMessages = 20;

async function untilEnough({ acknowledged }: Load): Promise<void> {
  const giveUpAt = performance.now() + drainSeconds * 1000;
  while (acknowledged.size < leastMessages && performance.now() < giveUpAt) await sleep(100);
}

interface Listed {
  items: { reason?: string; detail?: string }[];
}

/** What leaves one list while it is read may be in another by then: twice in a row nothing waits. */
async function untilSettled(
  world: World,
  beside: Beside | undefined,
  { drainSeconds }: { drainSeconds: number },
): Promise<void> {
  const giveUpAt = performance.now() + drainSeconds * 1000;
  for (let quiet = 0; quiet < 2; ) {
    const webhooks = await world.admin<Listed>("GET", "/webhooks?state=received&limit=1");
    const deliveries = await world.admin<Listed>("GET", "/deliveries?state=pending&limit=1");
    const [waiting] = [...webhooks.items, ...deliveries.items, ...((await beside?.waiting()) ?? [])];
    quiet = waiting ? 0 : quiet + 1;
    if (waiting && performance.now() > giveUpAt) {
      throw new Error(`after ${drainSeconds} s there still waits ${JSON.stringify(waiting)}`);
    }
    await sleep(200);
  }
}

/** Each STOP is there once, and its contact is not to be written to. */
function notLeft({ sandbox }: World, leavers: Set<string>): string[] {
  const contacts = new Map(sandbox.contacts().map((contact) => [contact.phone ?? "", contact]));
  const stops = new Map<string, number>();
  for (const { contactId } of sandbox.messages()) stops.set(contactId, (stops.get(contactId) ?? 0) + 1);
  return [...leavers].flatMap((number) => {
    const { id = "", dndSettings } = contacts.get(number) ?? {};
    const [dnd, count] = [dndSettings?.["SMS"]?.status, stops.get(id) ?? 0];
    return dnd === "active" && count === 1 ? [] : [`of ${number} there are ${count} STOPs, and the DND is ${dnd}`];
  });
}

/** Each call is there once, with what was said once. */
function notCalled({ sandbox }: World, callers: Set<string>): string[] {
  const numbers = new Map(sandbox.contacts().map(({ id, phone }) => [id, phone ?? ""]));
  const messages = sandbox.messages().map((each) => ({ ...each, number: numbers.get(each.contactId) }));
  return [...callers].flatMap((number) => {
    const found = messages.filter((each) => each.number === number);
    const isWell = found.length === 1 && found[0]?.type === "Call" && found[0].attachments.length === 1;
    const words = found.map(({ type, attachments }) => `a ${type} with ${attachments.length} files`).join(", ");
    return isWell ? [] : [`of ${number}, who has called, there is ${words || "nothing"}`];
  });
}

/** What the load sends can all be read and delivered. */
async function givenUp(world: World): Promise<string[]> {
  const { items: failed } = await world.admin<Listed>("GET", "/webhooks?state=failed&limit=5");
  const { items: dead } = await world.admin<Listed>("GET", "/deliveries?state=dead&limit=5");
  return [
    ...failed.map(({ reason }) => `a webhook failed: ${reason}`),
    ...dead.map(({ reason, detail }) => `a delivery is dead: ${reason}, ${detail}`),
  ];
}
