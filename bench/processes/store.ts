import { createHash, randomUUID } from "node:crypto";
import type { Db } from "../../src/store/postgres/database.ts";
import type { NewMessage } from "../../src/store/schema.ts";
import { loadProduct, type ProductKind } from "../product.ts";
import type { Target } from "../webhooks.ts";
import { answerQuestions, settingsOf } from "./talk.ts";

/** Calls functions of the store on one or two databases in turn, and says how long each call took. */

export interface StoreSettings {
  product: ProductKind;
  databases: { url: string; targets: Target[]; messages: number; conversations: number }[];
}

const { product, databases } = settingsOf<StoreSettings>();
const { openDatabase } = await loadProduct<typeof import("../../src/store/postgres/open-database.ts")>(
  product,
  "store/postgres/open-database",
);
const { claimLanes } = await loadProduct<typeof import("../../src/store/lanes/claim-lanes.ts")>(
  product,
  "store/lanes/claim-lanes",
);
const { insertMessages } = await loadProduct<typeof import("../../src/store/messages/messages.ts")>(
  product,
  "store/messages/messages",
);
const { insertWebhooks } = await loadProduct<typeof import("../../src/store/webhooks.ts")>(product, "store/webhooks");

type Place = (typeof databases)[number] & { db: Db };
const places: Place[] = await Promise.all(
  databases.map(async (each) => ({ ...each, db: (await openDatabase({ ...each, poolSize: 4, startSeconds: 5 })).db })),
);

const lanesPerClaim = 32;
const rowsPerBatch = 50;
const body = Buffer.from(`MessageSid=SM00000000000000000000000000000000${"&Field=some+words".repeat(28)}`);
const randomUpTo = (count: number) => 1 + Math.floor(Math.random() * count);

function targetOf({ targets }: Place, conversationId: number): Target {
  const target = targets[conversationId % targets.length];
  if (!target) throw new Error("a store needs a mapping");
  return target;
}

function newMessage(place: Place, conversationId: number, providerMessageId: string): NewMessage {
  const content = {
    to: ["+15002000000"],
    cc: [],
    bcc: [],
    text: "Hello: could you call me back this afternoon?",
    attachments: [],
    inReplyTo: [],
    references: [],
  };
  return {
    mappingId: targetOf(place, conversationId).mappingId,
    conversationId,
    direction: "inbound",
    state: "received",
    providerMessageId,
    content,
    receivedAt: new Date(),
  };
}

const newId = () => `SM${randomUUID().replaceAll("-", "")}`;
const batch = <Row>(make: () => Row) => Array.from({ length: rowsPerBatch }, make);

/** Each checks that the call did what is timed. */
const calls = {
  async claim({ db }: Place) {
    const shares = { held: { highlevel: {}, provider: {} }, heldByMapping: {}, maxOfMapping: lanesPerClaim };
    const places = { free: lanesPerClaim, reserved: 0, ...shares };
    // An older product asks for `lanes`.
    const lease = { deliveriesPerLane: 10, leaseSeconds: 3600, leaseToken: randomUUID() };
    const claim = { ...lease, places, lanes: lanesPerClaim };
    const claimed = await claimLanes(db, claim);
    if (claimed.length !== lanesPerClaim) throw new Error(`${claimed.length} lanes were due, not ${lanesPerClaim}`);
  },
  async "insert webhooks"(place: Place) {
    const rows = batch(() => {
      const { mappingId } = targetOf(place, randomUpTo(place.conversations));
      const url = `https://bridge.example.com/webhooks/${mappingId}`;
      return { accountId: mappingId, source: "provider" as const, url, headers: { host: "bridge.example.com" }, body };
    });
    await insertWebhooks(place.db, rows);
  },
  async "insert messages"(place: Place) {
    const rows = batch(() => newMessage(place, randomUpTo(place.conversations), newId()));
    if ((await insertMessages(place.db, rows)).length !== rowsPerBatch) throw new Error("not all were new");
  },
  async "find duplicates"(place: Place) {
    // Filled in rounds: message m is of conversation ((m - 1) % conversations) + 1.
    const rows = batch(() => {
      const number = randomUpTo(place.messages);
      const id = `SM${createHash("md5").update(String(number)).digest("hex")}`;
      return newMessage(place, ((number - 1) % place.conversations) + 1, id);
    });
    if ((await insertMessages(place.db, rows)).length !== 0) throw new Error("a duplicate was taken for new");
  },
};
export type StoreCall = keyof typeof calls;

const questions = {
  /** Milliseconds of each call, for each database. The first tenth warms up and is left out. */
  async time({ call, times }: { call: StoreCall; times: number }): Promise<number[][]> {
    const took = places.map((): number[] => []);
    const warmUps = Math.ceil(times / 10);
    for (let time = 0; time < times + warmUps; time++) {
      for (const [index, place] of places.entries()) {
        const started = performance.now();
        await calls[call](place);
        if (time >= warmUps) took[index]?.push(performance.now() - started);
      }
    }
    return took;
  },
};
export type Store = typeof questions;
answerQuestions(questions);
