import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ensureConversations, keyOf } from "../../../src/store/conversations.ts";
import { enqueueDeliveries } from "../../../src/store/deliveries.ts";
import { pauseLocation, putLocation } from "../../../src/store/locations.ts";
import { insertMessages } from "../../../src/store/messages/messages.ts";
import { replayDeliveries } from "../../../src/store/operate/mend/replay-deliveries.ts";
import type { Database } from "../../../src/store/postgres/database.ts";
import { readWaiting } from "../../../src/store/trouble/waiting.ts";
import { openMigrated } from "../../support/database.ts";
import { insertMapping } from "../../support/insert-mapping.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 5);
});
afterAll(() => database.close());

let counter = 0;

/** A delivery of a location, that was stored an hour ago. */
async function owe(locationId: string, kind: "post-inbound" | "send-outbound", change = sql`reason = null`) {
  const { db } = database;
  const address = `+1${++counter}`;
  const settings = {
    conversationProviderId: "p",
    type: "Custom",
    unknownSender: "create",
    postAutomatic: false,
  } as const;
  const { id: mappingId } = await insertMapping(db, { locationId, provider: "twilio", address, ...settings });
  const person = { mappingId, locationId, address: "+2" };
  const conversationId = (await ensureConversations(db, [person])).get(keyOf(person))?.id ?? 0;
  const told = { direction: "inbound", state: "received", receivedAt: new Date() } as const;
  const [message] = await insertMessages(db, [{ mappingId, conversationId, providerMessageId: "m", ...told }]);
  await enqueueDeliveries(db, [{ kind, conversationId, locationId, messageId: message?.id ?? 0 }]);
  await db.execute(sql`
    update deliveries set created_at = now() - interval '1 hour', ${change} where conversation_id = ${conversationId}`);
}

const isTried = (reason: string) =>
  sql`attempts = 3, reason = ${reason}, first_attempted_at = now() - interval '6 minutes'`;

test("tells an outage from a limit of ours, a pause and a replay, and since when each lasts", async () => {
  const { db } = database;
  for (const id of ["well", "limited", "refused", "unconnected"]) {
    await putLocation(db, { id, sealedToken: id === "unconnected" ? null : "sealed" });
  }
  const pause = { tokenVersion: 1, detail: "" };
  await pauseLocation(db, { ...pause, locationId: "limited", reason: "own_limit", seconds: 60 });
  await pauseLocation(db, { ...pause, locationId: "refused", reason: "unauthorized" });

  await owe("well", "post-inbound", isTried("unavailable"));
  await owe("well", "send-outbound", isTried("unreachable"));
  await owe("well", "send-outbound", isTried("throttled"));
  await owe("well", "post-inbound");
  await owe("limited", "post-inbound", sql`reason = 'own_limit', retry_at = now()`);
  await owe("limited", "post-inbound");
  await owe("refused", "post-inbound");
  await owe("unconnected", "post-inbound");
  // A pause holds nothing that goes to a provider.
  await owe("refused", "send-outbound");
  // One that the mapping's hours hold back, one whose time has come, and one whose attempt was its last state.
  const held = (retry: string) =>
    sql`reason = 'outside_window', held_at = now() - interval '20 minutes', retry_at = now() + ${retry}::interval`;
  await owe("well", "send-outbound", held("2 hours"));
  await owe("well", "send-outbound", held("-2 minutes"));
  await owe(
    "well",
    "send-outbound",
    sql`${isTried("server_error")}, held_at = now() - interval '1 day', released_at = now()`,
  );
  await owe("well", "post-inbound", sql`state = 'dead', reason = 'rejected', attempts = 1, finished_at = now()`);
  await db.transaction((tx) => replayDeliveries(tx, { limit: 10 }));

  const found = (await readWaiting(db)).map(
    ({ reason, provider, count, oldestSeconds }) =>
      `${provider} ${reason} ${count} ${Math.round(oldestSeconds / 60)} min`,
  );
  expect(found.sort()).toEqual(
    [
      "highlevel failing 1 6 min",
      "highlevel in_line 1 60 min",
      "highlevel own_limit 2 60 min",
      "highlevel paused 2 60 min",
      "highlevel replayed 1 0 min",
      "twilio failing 2 6 min",
      "twilio in_line 2 60 min",
      "twilio outside_window 1 20 min",
      "twilio throttled 1 6 min",
    ].sort(),
  );
});
