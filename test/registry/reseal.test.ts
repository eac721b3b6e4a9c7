import { randomBytes } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createMarketplaceApp } from "../../src/access/marketplace-app.ts";
import { openAccessToken, openRefreshToken, sealTokens } from "../../src/access/sealed-tokens.ts";
import { ConfigError } from "../../src/errors.ts";
import { openCredentials, sealCredentials } from "../../src/registry/accounts.ts";
import { openTarget, sealTarget } from "../../src/registry/endpoints/endpoint-target.ts";
import { openEmailSecret } from "../../src/registry/sealed/email-secret.ts";
import { requireKeys, resealStep } from "../../src/registry/sealed/reseal.ts";
import { createSealer } from "../../src/secrets/seal.ts";
import { findAccount, insertAccount } from "../../src/store/accounts.ts";
import { findEndpoint, insertEndpoint } from "../../src/store/events/endpoints.ts";
import { findLocation } from "../../src/store/locations.ts";
import { countSealed, listSealedByOthers, replaceSealed } from "../../src/store/operate/sealed-values.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";

const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
const before = createSealer([oldKey]);
const during = createSealer([newKey, oldKey]);
const after = createSealer([newKey]);
const owner = { kind: "location", id: "location-1" } as const;

let database: Database;
const id = crypto.randomUUID();
beforeAll(async () => {
  database = await openMigrated(inject, 2);
  const { db } = database;
  const tokens = sealTokens(before, owner, { accessToken: "at", refreshToken: "rt", lifetimeSeconds: 60 });
  await db.execute(sql`
    insert into locations (id, sealed_token, sealed_refresh_token)
    values (${owner.id}, ${tokens.sealedToken}, ${tokens.sealedRefreshToken})`);
  const sealedCredentials = sealCredentials(before, id, [{ authToken: "secret" }]);
  await insertAccount(db, { id, provider: "twilio", locationIds: [owner.id], sealedCredentials });
  await db.execute(sql`
    insert into mappings (id, account_id, location_id, provider, address, type, unknown_sender, post_automatic, sealed_credentials)
    values (${id}, ${id}, ${owner.id}, 'twilio', '+15005550009', 'SMS', 'create', false, ${sealedCredentials})`);
});
const endpointId = crypto.randomUUID();
const target = { url: "https://example.com/events", secrets: ["whsec_x"] };
const insertSealedEndpoint = () =>
  insertEndpoint(database.db, {
    ...{ id: endpointId, format: "standard-webhooks", events: ["message.failed"], createdBy: "admin" },
    sealedTarget: sealTarget(before, endpointId, target),
  });
afterAll(() => database.close());

test("a start without a key that has sealed something stops, and names what it does not open", async () => {
  const { db } = database;
  await requireKeys({ db, sealer: before });
  await requireKeys({ db, sealer: during });
  const start = requireKeys({ db, sealer: after });
  await expect(start).rejects.toThrow(ConfigError);
  await expect(start).rejects.toThrow(`no key in ENCRYPTION_KEYS opens account ${id}, nor 2 more`);
});

test("what was written anew in between is left as it is", async () => {
  const { db } = database;
  const [stale] = await listSealedByOthers(db, during.keyIds[0], 1);
  if (!stale) throw new Error("nothing is sealed");
  expect(await replaceSealed(db, { ...stale, sealed: `${stale.sealed}x` }, "lost")).toBe(false);
  await requireKeys({ db, sealer: before });
});

test("all that an earlier key has sealed is sealed under the first one, and the earlier one can go", async () => {
  const { db } = database;
  await insertSealedEndpoint();
  const secrets = { clientId: "app-x", clientSecret: "client-secret" };
  await createMarketplaceApp({ db, sealer: before, log: () => undefined, given: {} }).enter(secrets);
  const emailSecret = await openEmailSecret({ db, sealer: before });
  expect(await resealStep({ db, sealer: during })).toBe(false);
  expect(await countSealed(db)).toMatchObject([{ keyId: after.keyIds[0], count: 6 }]);
  await requireKeys({ db, sealer: after });
  const account = await findAccount(db, id);
  const location = await findLocation(db, owner.id);
  if (!account || !location) throw new Error("they are gone");
  expect(openCredentials(account, after)).toEqual([{ authToken: "secret" }]);
  expect(openAccessToken(after, owner, location.sealedToken ?? "")).toBe("at");
  expect(openRefreshToken(after, owner, location.sealedRefreshToken ?? "")).toBe("rt");
  const endpoint = await findEndpoint(db, endpointId);
  expect(endpoint && openTarget(after, endpoint)).toEqual(target);
  const app = createMarketplaceApp({ db, sealer: after, log: () => undefined, given: {} });
  expect(await app.find()).toMatchObject(secrets);
  expect(emailSecret).toHaveLength(32);
  expect(await openEmailSecret({ db, sealer: after }), "the same for ever").toEqual(emailSecret);
  const copies = await selectRows(db, sql`select sealed_credentials as copy from mappings`);
  expect(copies).toEqual([{ copy: account.sealedCredentials }]);
});

test("processes that start together have one secret for emails", async () => {
  const other = await openMigrated(inject, 8);
  const opened = Array.from({ length: 8 }, () => openEmailSecret({ db: other.db, sealer: before }));
  expect(new Set((await Promise.all(opened)).map((secret) => secret.toString("hex"))).size).toBe(1);
  await other.close();
});
