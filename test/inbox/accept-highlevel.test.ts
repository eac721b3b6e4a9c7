import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { acceptHighlevel } from "../../src/inbox/accept-highlevel.ts";
import { changeMapping } from "../../src/registry/register-mapping.ts";
import { createSealer } from "../../src/secrets/seal.ts";
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

test("a mapping that was moved away and back sends for its location by the delivery URL of before", async () => {
  const { db } = database;
  await putLocation(db, { id: "other", sealedToken: "sealed" });
  const rest = { conversationProviderId: "p", type: "Custom", unknownSender: "create", postAutomatic: false } as const;
  const first = await insertMapping(db, { locationId: "loc", provider: "twilio", address: "+15005550002", ...rest });
  const context = { db, sealer: createSealer([randomBytes(32)]) };
  const { mapping: away } = await changeMapping(context, first, { locationId: "other" });
  const { mapping: back } = await changeMapping(context, away, { locationId: "loc" });
  const send = async (locationId: string, messageId: string) => {
    const event = { type: "SMS", locationId, contactId: "c", messageId, phone: "+15005550006", message: "Hello" };
    const about = { accountId: first.accountId, source: "highlevel" as const, headers: {} };
    const url = `/webhooks/highlevel/${first.id}`;
    const [id = 0] = await insertWebhooks(db, [{ ...about, url, body: Buffer.from(JSON.stringify(event)) }]);
    const webhook = await findWebhook(db, id);
    if (!webhook) throw new Error("the webhook is not there");
    const given = { tx: db, log: () => undefined, applyInstall: async () => "", visibleAfterSeconds: 0 };
    return acceptHighlevel(given, [webhook]);
  };
  const { outcomes, owed } = await send("loc", "back");
  expect([outcomes, owed]).toMatchObject([[{ state: "processed" }], [{ kind: "send-outbound", locationId: "loc" }]]);
  expect((await findMessage(db, owed[0]?.messageId ?? 0))?.message.mappingId).toBe(back.id);
  expect((await send("other", "away")).outcomes).toMatchObject([{ state: "failed" }]);
});
