import { setTimeout as sleep } from "node:timers/promises";
import axios from "axios";
import type { StoredMessage } from "../../src/sandbox/state.ts";
import { idOf, personNumber } from "../../test/support/load.ts";
import { locationId, publicUrl } from "../../test/support/location.ts";
import { providerOf } from "../../test/support/providers.ts";
import { agentProviderId, type World } from "../world.ts";
import { sentIdOf } from "./door.ts";
import { judgeDelivered, judgeSends } from "./judges.ts";
import { startLimits } from "./limits.ts";

export interface Agent {
  /** To whom it writes. */
  numbers: string[];
  /** It writes no more. */
  stop(): void;
  /** What neither the bridge nor the provider has acknowledged yet, in words. */
  waiting(): string[];
  complaints(): string[];
}

const provider = "generic-sms";
/** Nobody of the load. */
const people = [600, 601, 602];
/** So many messages of one person are on their way to the provider at most. */
const mostAhead = 3;
/** So late the provider tells of half of the messages: what was taken without an answer is asked for again before that. */
const lateSeconds = 6;

/**
 * Somebody at HighLevel who writes to people, to each the next message once the bridge has acknowledged the one before; by a number
 * that may send nothing at first, and then little by little more; and the provider, which tells of each that it has arrived.
 */
export async function startAgent(world: World): Promise<Agent> {
  const { sandbox, door, random } = world;
  const mappingId = await addMapping(world);
  const limits = await startLimits(world, mappingId);
  const sent = new Map<string, StoredMessage>();
  const telling = new Set<string>();
  const surprises: string[] = [];
  let [isOver, isGone] = [false, false];
  world.atEnd(() => {
    isOver = true;
    isGone = true;
  });
  door.passOnTo = () => `${world.nextUrl()}/webhooks/highlevel/${mappingId}`;
  door.onTaken = async (reference) => {
    telling.add(reference);
    if (random() < 0.5) await sleep(lateSeconds * 1000);
    while (!isGone && !(await tellDelivered(world, { mappingId, reference, surprises }))) await sleep(100);
    telling.delete(reference);
  };

  const callOf = ({ messageId }: StoredMessage) =>
    sandbox.webhookCalls().find(({ body }) => body["messageId"] === messageId);
  const isAcknowledged = (message: StoredMessage) => callOf(message)?.status === 200;
  const aheadOf = (ids: string[]) => ids.filter((id) => !door.sends.some(({ text }) => text === id)).length;
  const writeOn = async (person: number) => {
    const { id: contactId } = sandbox.addContact({ locationId, phone: personNumber(person) });
    const ids: string[] = [];
    for (let number = 1; !isOver; number++) {
      const id = idOf(provider, person, number);
      const message = sandbox.sendAsAgent(contactId, { providerId: agentProviderId, message: id });
      ids.push(id);
      sent.set(id, message);
      while (!isGone && !isAcknowledged(message)) await sleep(50);
      await sleep(2 * world.pauseMs * (0.5 + random()));
      while (!isOver && aheadOf(ids) >= mostAhead) await sleep(50);
    }
  };
  for (const person of people) void writeOn(person);

  return {
    numbers: people.map(personNumber),
    stop() {
      isOver = true;
      limits.stop();
    },
    waiting: () => [
      ...limits.waiting(),
      ...[...sent].flatMap(([id, message]) =>
        isAcknowledged(message) ? [] : [`${id}, which HighLevel was answered ${callOf(message)?.status} for`],
      ),
      ...[...telling].map((reference) => `a receipt of message ${reference}`),
    ],
    complaints() {
      const ids = new Set(sent.keys());
      const messages = [...sent.values()];
      const heard = door.events.filter(({ type }) => type === "message.delivered");
      const told = judgeDelivered(new Set(messages.map(({ messageId }) => messageId)), heard);
      const amiss = [...sent].flatMap(([id, { status }]) =>
        status === "delivered" ? [] : [`${id} is ${status} in HighLevel`],
      );
      return [
        ...judgeSends(ids, door.sends).map((each) => `of an agent's sends ${each}`),
        ...told.map((each) => `of the events about sends ${each}`),
        ...amiss,
        ...limits.complaints(),
        ...surprises,
      ];
    },
  };
}

async function addMapping({ admin, door: { secret, sendUrl } }: World): Promise<string> {
  const { id } = await admin<{ id: string }>("POST", "/mappings?check=false", {
    ...{ locationId, provider, address: "+15005550019", conversationProviderId: agentProviderId },
    credentials: { secret, sendUrl },
  });
  return id;
}

/** Tells, as long as it is not acknowledged, that a message has arrived. */
async function tellDelivered(
  { nextUrl, door: { secret } }: World,
  about: { mappingId: string; reference: string; surprises: string[] },
): Promise<boolean> {
  const { mappingId, reference, surprises } = about;
  const data = { reference, id: sentIdOf(reference), status: "delivered" };
  const { url, headers, body } = providerOf(provider).signer.sign(
    { contentType: "application/json", body: { type: "message.status", data } },
    { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date(), credentials: { secret } },
  );
  const answer = await axios
    .post(`${nextUrl()}${url.slice(publicUrl.length)}`, body, { headers, validateStatus: () => true, timeout: 3000 })
    .catch(() => undefined);
  if (answer && ![200, 429, 503].includes(answer.status)) surprises.push(`a receipt was answered ${answer.status}`);
  return answer?.status === 200;
}
