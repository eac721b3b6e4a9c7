import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { createAccessTokens } from "../../src/access/access-tokens.ts";
import { Failure } from "../../src/errors.ts";
import type { Highlevel } from "../../src/highlevel/client.ts";
import type { DeliverContext } from "../../src/outbox/attempt-delivery.ts";
import { claimDueLanes } from "../../src/outbox/claim-due-lanes.ts";
import { deliverLane } from "../../src/outbox/deliver-lane.ts";
import { createPlaces } from "../../src/outbox/places.ts";
import { createAccounts } from "../../src/registry/accounts.ts";
import { createEndpoints } from "../../src/registry/endpoints/endpoint-target.ts";
import { createListeners } from "../../src/registry/endpoints/listeners.ts";
import { createMappings } from "../../src/registry/mappings.ts";
import { registerLocation } from "../../src/registry/register.ts";
import { registerMapping } from "../../src/registry/register-mapping.ts";
import { createSealer } from "../../src/secrets/seal.ts";
import { createRecorder } from "../../src/store/attempts.ts";
import { ensureConversation, registerHighlevelIds } from "../../src/store/conversations.ts";
import { enqueueDeliveries } from "../../src/store/deliveries.ts";
import { insertMessages } from "../../src/store/messages/messages.ts";
import { replayDeliveries } from "../../src/store/operate/mend/replay-deliveries.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { signer } from "../fixtures/generic-sms/sign.ts";
import { openMigrated } from "../support/database.ts";

let database: Database;
const sealer = createSealer([Buffer.alloc(32, 1)]);
let mappingId = "";
beforeAll(async () => {
  database = await openMigrated(inject, 5);
  const context = { db: database.db, sealer };
  await registerLocation(context, { id: "loc", token: "t" });
  const input = { locationId: "loc", provider: "generic-sms", address: "+15005550009", conversationProviderId: "p" };
  mappingId = (await registerMapping(context, { ...input, credentials: signer.credentials })).mapping.id;
});
afterAll(async () => {
  await database.close();
});

let counter = 0;
async function enqueue(count: number): Promise<void> {
  const address = `+1500555${String(++counter).padStart(4, "0")}`;
  await database.db.transaction(async (tx) => {
    const { id } = await ensureConversation(tx, { mappingId, locationId: "loc", address });
    await registerHighlevelIds(tx, id, { contactId: "c", conversationId: "v" });
    const content = { to: [], cc: [], bcc: [], text: "hi", attachments: [], inReplyTo: [], references: [] };
    const lists = { fromName: undefined, subject: undefined, html: undefined };
    const messages = await insertMessages(
      tx,
      Array.from({ length: count }, () => ({
        mappingId,
        conversationId: id,
        direction: "inbound" as const,
        state: "received" as const,
        providerMessageId: `m-${++counter}`,
        content: { ...content, ...lists },
        receivedAt: new Date(),
      })),
    );
    const rows = messages.map((message) => ({
      kind: "post-inbound" as const,
      conversationId: id,
      locationId: "loc",
      messageId: message.id,
    }));
    await enqueueDeliveries(tx, rows);
  });
}

const unused = () => Promise.reject(new Error("is not called here"));

/** The only seam is what calls out: here it records what was asked of it. */
function contextWith(postInbound: () => Promise<never> | Promise<{ messageId: string; status: number }>) {
  const calls: string[] = [];
  const highlevel = {
    postInbound: (_access: unknown, post: { altId: string }) => {
      calls.push(`post ${post.altId}`);
      return postInbound();
    },
    listMessages: async () => {
      calls.push("look");
      return { messages: [], nextPage: false, lastMessageId: undefined };
    },
  } as unknown as Highlevel;
  const context: DeliverContext = {
    db: database.db,
    log: () => undefined,
    highlevel,
    mappings: createMappings({ db: database.db, sealer }),
    accessTokens: createAccessTokens({ db: database.db, sealer }),
    attemptSeconds: 1,
    reading: { parse: unused, openFiles: unused },
    ...{ accounts: createAccounts({ db: database.db, sealer }), fetchWhole: unused, mailLimitBytes: 0 },
    plainText: { of: unused },
    callProvider: unused,
    callEndpoint: unused,
    endpoints: createEndpoints({ db: database.db, sealer }),
    listeners: createListeners(database.db),
    fetchMedia: unused,
    fetchPublic: unused,
    attachmentLimitBytes: 0,
    emailAttachmentsLimitBytes: 0,
    publicUrl: "https://bridge.example.com",
    emailSecret: Buffer.alloc(32),
    visibleAfterSeconds: 0,
    record: createRecorder(database.db),
    retry: { retryHours: 36, sendRetryHours: 4, firstDelaySeconds: 0, random: () => 0 },
  };
  return { context, calls };
}
const accept = async () => ({ messageId: "h", status: 200 });
const endLeases = () => database.db.execute(sql`update lanes set due_at = now() where due_at is not null`);

/** A lane that was interrupted is looked at once more when it is done. */
afterEach(async () => {
  const { context } = contextWith(accept);
  await endLeases();
  for (
    let lanes = await claimDueLanes(context, createPlaces(100).now());
    lanes.length > 0;
    lanes = await claimDueLanes(context, createPlaces(100).now())
  ) {
    for (const lane of lanes) await deliverLane(context, lane, () => false);
  }
});

describe("after an interrupted call", () => {
  test("the next holder looks before it posts, but only for the one that may have been under way", async () => {
    await enqueue(2);
    const { context, calls } = contextWith(accept);
    await claimDueLanes(context, createPlaces(10).now());
    await endLeases();
    const [lane] = await claimDueLanes(context, createPlaces(10).now());
    if (!lane) throw new Error("nothing was claimed");
    await deliverLane(context, lane, () => false);
    expect(calls.map((call) => call.split(" ")[0])).toEqual(["look", "post", "post"]);
  });

  test("a holder that stops before it has looked does not hide the interruption from the next one", async () => {
    await enqueue(1);
    const { context, calls } = contextWith(accept);
    await claimDueLanes(context, createPlaces(10).now());
    await endLeases();
    const [second] = await claimDueLanes(context, createPlaces(10).now());
    if (!second) throw new Error("nothing was claimed");
    await deliverLane(context, second, () => true);
    await endLeases();
    const [third] = await claimDueLanes(context, createPlaces(10).now());
    if (!third) throw new Error("nothing was claimed");
    await deliverLane(context, third, () => false);
    expect(calls.map((call) => call.split(" ")[0])).toEqual(["look", "post"]);
  });
});

test("an attempt whose outcome is open is looked for when it is repeated, one that never left is not", async () => {
  for (const [reason, expected] of [
    ["outcome_unknown", ["post", "look", "post"]],
    ["unreachable", ["post", "post"]],
  ] as const) {
    await enqueue(1);
    const failing = contextWith(async () => {
      throw new Failure(reason, "x");
    });
    const run = async (context: DeliverContext) => {
      const [lane] = await claimDueLanes(context, createPlaces(10).now());
      if (!lane) throw new Error("nothing was claimed");
      await deliverLane(context, lane, () => false);
    };
    await run(failing.context);
    const working = contextWith(accept);
    await run(working.context);
    const calls = [...failing.calls, ...working.calls].map((call) => call.split(" ")[0]);
    expect(calls).toEqual(expected);
  }
});

test("a process that stood still longer than its lease posts nothing more", async () => {
  await enqueue(1);
  const { context, calls } = contextWith(accept);
  const [lane] = await claimDueLanes(context, createPlaces(10).now());
  if (!lane) throw new Error("nothing was claimed");
  await deliverLane(context, { ...lane, heldUntilMs: performance.now() - 1 }, () => false);
  expect(calls).toEqual([]);
  await endLeases();
  const left = await selectRows<{ count: number }>(
    database.db,
    sql`select count(*) from deliveries where state = 'pending'`,
  );
  expect(left[0]?.count).toBe(1);
});

test("a send that was interrupted is not taken for one before it that was replayed meanwhile", async () => {
  await enqueue(2);
  const { context, calls } = contextWith(async () => {
    throw new Failure("rejected", "x");
  });
  const [first] = await claimDueLanes(context, createPlaces(10).now());
  if (!first) throw new Error("nothing was claimed");
  let asked = 0;
  await deliverLane(context, first, () => asked++ > 0);
  await claimDueLanes(context, createPlaces(10).now());
  await database.db.transaction((tx) => replayDeliveries(tx, { limit: 10 }));
  await endLeases();

  const working = contextWith(accept);
  for (
    let claimed = await claimDueLanes(working.context, createPlaces(10).now());
    claimed.length > 0;
    claimed = await claimDueLanes(working.context, createPlaces(10).now())
  ) {
    for (const lane of claimed) await deliverLane(working.context, lane, () => false);
  }
  const [, secondId] = first.lane.deliveries.map(({ message }) => message?.providerMessageId);
  expect(calls).toHaveLength(1);
  expect(working.calls[0]).toBe("look");
  expect(working.calls[1]).toBe(`post ${secondId}`);
  expect(working.calls[2]).toMatch(/^post /);
});
