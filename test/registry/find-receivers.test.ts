import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { describeAccount } from "../../src/registry/accounts.ts";
import { findReceivers } from "../../src/registry/find-receivers.ts";
import { changeMapping } from "../../src/registry/register-mapping.ts";
import { createSealer } from "../../src/secrets/seal.ts";
import { putLocation } from "../../src/store/locations.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 2);
  await putLocation(database.db, { id: "loc", sealedToken: "sealed" });
});
afterAll(async () => {
  await database.close();
});

test("what came before a mapping got another number is for its location, and what comes after for nobody", async () => {
  const { db } = database;
  const rest = { conversationProviderId: "p", type: "Custom", unknownSender: "create", postAutomatic: false } as const;
  const row = await insertMapping(db, { locationId: "loc", provider: "telnyx", address: "+15005550001", ...rest });
  const context = { db, sealer: createSealer([randomBytes(32)]) };
  await changeMapping(context, row, { address: "+15005550002" });

  const account = { ...describeAccount({ id: row.id, provider: "telnyx", deletedAt: null }), soleAddress: null };
  const given = { cc: [], bcc: [], attachments: [], inReplyTo: [], references: [] };
  const to = (number: string, receivedAt: Date) => ({
    account,
    receivedAt,
    message: { kind: "message" as const, providerMessageId: "m", from: "+15005550006", to: [number], ...given },
  });
  const [before, after] = [row.createdAt, new Date(Date.now() + 60_000)];
  const sought = [to("+15005550001", before), to("+15005550001", after), to("+15005550002", after)];
  const { find } = await findReceivers(db, sought);
  expect(sought.map((each) => find(each).map(({ address, locationId }) => ({ address, locationId })))).toEqual([
    [{ address: "+15005550001", locationId: "loc" }],
    [],
    [{ address: "+15005550002", locationId: "loc" }],
  ]);
});
