import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { Failure } from "../../../src/errors.ts";
import { keepFile } from "../../../src/inbox/imports/keep-file.ts";
import { type MatchContext, matchPeople } from "../../../src/inbox/imports/match-people.ts";
import { describeMapping } from "../../../src/registry/mappings.ts";
import { findImport, insertImport } from "../../../src/store/imports/imports.ts";
import type { Database } from "../../../src/store/postgres/database.ts";
import type { MappingRow } from "../../../src/store/schema.ts";
import { openMigrated } from "../../support/database.ts";
import { insertMapping } from "../../support/insert-mapping.ts";

let database: Database;
let mapping: MappingRow;
beforeAll(async () => {
  database = await openMigrated(inject, 2);
  await database.db.execute(sql`insert into locations (id, sealed_token) values ('here', 'x')`);
  const about = { type: "SMS", unknownSender: "create", postAutomatic: false } as const;
  const whose = { locationId: "here", provider: "generic-sms", address: "+15005550009" };
  mapping = await insertMapping(database.db, { ...about, ...whose });
});
afterAll(() => database.close());

/** HighLevel takes the newest token, and no other. */
async function match(renew: MatchContext["accessTokens"]["renew"]) {
  const { db } = database;
  const made = await insertImport(db, {
    ...{ mappingId: mapping.id, history: null, perSecond: 2, isDryRun: true, keyId: null },
  });
  const row = { date: "2024-01-31T09:30:00Z", direction: "inbound", text: "hi", person: "+15005551000" };
  await keepFile(db, made, mapping, [{ ...row, id: `m-${made.id}` }]);
  let [version, asked] = [1, 0];
  const context: MatchContext = {
    ...{ db, attemptSeconds: 5 },
    mappings: { get: async () => ({ ...describeMapping(mapping), credentials: [] }) },
    accessTokens: {
      get: async () => ({ token: `token-${version}`, version }),
      renew: async (locationId, used) => {
        version = used + 1;
        return renew(locationId, used);
      },
    },
    highlevel: {
      async findContact({ token }) {
        asked++;
        if (token === "token-1") throw new Failure("unauthorized", "HighLevel answered 401");
        return undefined;
      },
    },
  };
  const due = await findImport(db, made.id, { locationIds: undefined });
  if (!due) throw new Error("the import is gone");
  await matchPeople(context, due);
  return { asked, ...(await findImport(db, made.id, { locationIds: undefined })) };
}

test("a token that HighLevel refuses is renewed, and who was asked for is asked for again", async () => {
  expect(await match(async () => "renewed")).toMatchObject({ asked: 2, newPeople: 1, stage: "posting" });
});

test("one that nothing renews is told as the reason, and asked by again in a while", async () => {
  const told = { reason: expect.stringContaining("401"), newPeople: 0, stage: "matching" };
  expect(await match(async () => "impossible")).toMatchObject({ asked: 1, ...told });
});
