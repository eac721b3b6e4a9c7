import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { acceptHighlevel } from "../../src/inbox/accept-highlevel.ts";
import { putLocation } from "../../src/store/locations.ts";
import { findMessage } from "../../src/store/messages/messages.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { findWebhook, insertWebhooks } from "../../src/store/webhooks.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 5);
  await putLocation(database.db, { id: "loc", sealedToken: "sealed" });
});
afterAll(async () => {
  await database.close();
});

test("another location's event that was stored for a mapping sends nothing, and is reported as failed", async () => {
  const { db } = database;
  const rest = { conversationProviderId: "p", type: "Custom", unknownSender: "create", postAutomatic: false } as const;
  const row = await insertMapping(db, { locationId: "loc", provider: "twilio", address: "+15005550001", ...rest });
  const event = { type: "SMS", locationId: "elsewhere", contactId: "c", messageId: "m", phone: "+15005550006" };
  const body = Buffer.from(JSON.stringify({ ...event, message: "Hello" }));
  const stored = {
    accountId: row.id,
    source: "highlevel" as const,
    url: `/webhooks/highlevel/${row.id}`,
    headers: {},
    body,
  };
  const [id = 0] = await insertWebhooks(db, [stored]);
  const webhook = await findWebhook(db, id);
  if (!webhook) throw new Error("the webhook is not there");

  const context = { tx: db, log: () => undefined, applyInstall: async () => "", visibleAfterSeconds: 0 };
  const { outcomes, owed } = await acceptHighlevel(context, [webhook]);
  const reason = "locationId: is elsewhere, and this mapping is of location loc";
  expect(outcomes).toMatchObject([{ id, state: "failed", reason }]);
  expect(owed).toMatchObject([{ kind: "report-status", locationId: "loc" }]);
  const message = await findMessage(db, owed[0]?.messageId ?? 0);
  expect(message?.message).toMatchObject({ state: "failed", error: { message: reason } });
});
