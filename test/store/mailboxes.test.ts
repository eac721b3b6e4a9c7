import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { deleteAccount, insertAccount, updateAccount } from "../../src/store/accounts.ts";
import {
  addMailbox,
  claimMailboxes,
  listFailingMailboxes,
  movePosition,
  noteFetched,
  noteMailboxFailure,
  releaseMailboxes,
  renewMailboxes,
} from "../../src/store/mailboxes/mailboxes.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 4);
});
afterAll(() => database.close());

async function newMailbox(): Promise<string> {
  const { id } = await insertAccount(database.db, { provider: "imap-smtp", locationIds: [], sealedCredentials: "x" });
  await addMailbox(database.db, id);
  return id;
}

test("a mailbox is held by one process, whose word alone moves its position, until its lease ends", async () => {
  const { db } = database;
  const ids = [await newMailbox(), await newMailbox(), await newMailbox()];
  const claims = await Promise.all([1, 2, 3, 4].map(() => claimMailboxes(db, { limit: 2, leaseSeconds: 60 })));
  expect(
    claims
      .flat()
      .map(({ accountId }) => accountId)
      .toSorted(),
  ).toEqual(ids.toSorted());
  const [held] = claims.flat();
  if (!held) return expect.unreachable("nobody holds one");
  expect(await movePosition(db, held, { lastUid: 7 })).toBe(true);
  expect(await movePosition(db, { ...held, leaseToken: crypto.randomUUID() }, { lastUid: 8 })).toBe(false);

  await renewMailboxes(db, [held], -1);
  const [taken] = await claimMailboxes(db, { limit: 9, leaseSeconds: 60 });
  expect(taken).toMatchObject({ accountId: held.accountId, lastUid: 7 });
  expect(await movePosition(db, held, { lastUid: 9 }), "by who overran its lease").toBe(false);
  expect(await renewMailboxes(db, [held], 60)).toEqual(new Set());
  await releaseMailboxes(db, taken ? [taken.leaseToken] : []);
  expect(await claimMailboxes(db, { limit: 9, leaseSeconds: 60 })).toHaveLength(1);
});

test("one that fails is left alone, unless its account is changed; a changed or deleted account ends its lease", async () => {
  const { db } = database;
  const id = await newMailbox();
  const claim = async () => (await claimMailboxes(db, { limit: 9, leaseSeconds: 60 }))[0];
  const fail = { reason: "unreachable" as const, detail: "no connection", retryInSeconds: 60 };
  const held = await claim();
  if (!held) return expect.unreachable("nobody holds it");
  await noteMailboxFailure(db, held, fail);
  expect(await claim()).toBeUndefined();
  expect(await listFailingMailboxes(db, 9), "one failure may be a hiccup").toEqual([]);
  await updateAccount(db, id, { name: "changed" });
  const again = await claim();
  if (!again) return expect.unreachable("it is left alone");
  await noteMailboxFailure(db, again, fail);
  expect(await listFailingMailboxes(db, 9)).toMatchObject([{ accountId: id, reason: "unreachable" }]);
  expect(await listFailingMailboxes(db, 9, { locationIds: ["another"] })).toEqual([]);

  await updateAccount(db, id, { name: "mended" });
  const mended = await claim();
  if (!mended) return expect.unreachable("it is left alone");
  await noteFetched(db, mended);
  expect(await listFailingMailboxes(db, 9)).toEqual([]);
  expect(await renewMailboxes(db, [mended], 60)).toEqual(new Set([mended.leaseToken]));
  await updateAccount(db, id, { name: "changed again" });
  expect(await renewMailboxes(db, [mended], 60)).toEqual(new Set());
  await deleteAccount(db, id);
  await releaseMailboxes(db, [mended.leaseToken]);
  expect(await claim()).toBeUndefined();
});
