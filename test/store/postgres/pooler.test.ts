import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Database, selectRows } from "../../../src/store/postgres/database.ts";
import { isTimeout } from "../../../src/store/postgres/database-errors.ts";
import { openDatabase } from "../../../src/store/postgres/open-database.ts";
import { prepare } from "../../../src/store/postgres/prepare.ts";
import { copyMigrated, createDatabase, type TestDatabase } from "../../support/database.ts";
import { locationId } from "../../support/location.ts";
import { hasPgbouncer, type Pooler, startPgbouncer, startStandInPooler } from "../../support/pooler.ts";
import { startTwoWay } from "../../support/two-way.ts";
import { until } from "../../support/until.ts";

/** The real one where it is installed, with its defaults and as it is often told to ignore what it does not know. */
const ignoring =
  "ignore_startup_parameters = extra_float_digits,options,statement_timeout,idle_in_transaction_session_timeout";
const poolers: [name: string, start: (url: string) => Promise<Pooler>][] = [
  ["a stand-in for PgBouncer", startStandInPooler],
  ...(hasPgbouncer()
    ? ([
        ["PgBouncer", (url) => startPgbouncer(url)],
        ["PgBouncer that ignores options", (url) => startPgbouncer(url, ignoring)],
      ] as [string, (url: string) => Promise<Pooler>][])
    : []),
];

describe.each(poolers)("through %s in transaction mode", (_name, start) => {
  let pooler: Pooler;
  let owner: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    pooler = await start(inject("postgresUrl"));
    owner = await copyMigrated(inject);
    database = await openDatabase({ url: pooler.urlOf(owner.url), poolSize: 8, startSeconds: 10 });
  });
  afterAll(async () => {
    await database.close();
    await pooler.stop();
    await owner.drop();
  });

  test("replicas that start at once migrate an empty database once, and all of them wait for it", async () => {
    const empty = await createDatabase(inject("postgresUrl"));
    const open = () => openDatabase({ url: pooler.urlOf(empty.url), poolSize: 2, startSeconds: 10 });
    const databases = await Promise.all([open(), open(), open()]);
    for (const { db, isPooled } of databases) {
      expect(isPooled).toBe(true);
      expect(await selectRows(db, sql`select count(*) from messages`)).toEqual([{ count: 0 }]);
    }
    await Promise.all(databases.map((each) => each.close()));
    await empty.drop();
  });

  test("a statement that is planned once elsewhere is carried out, whatever session it meets", async () => {
    const add = prepare<{ one: number; two: number }, { sum: number }>(
      "add-two",
      (value) => sql`select ${value("one")}::int + ${value("two")}::int as sum`,
    );
    const sums = await Promise.all(
      Array.from({ length: 40 }, (_, one) =>
        one % 2 === 0
          ? add(database.db, { one, two: 1 })
          : database.db.transaction((tx) => add(tx as never, { one, two: 1 })),
      ),
    );
    expect(sums.map(([row]) => row?.sum)).toEqual(Array.from({ length: 40 }, (_, one) => one + 1));
  });

  test("a transaction keeps its limits, and leaves none of them to the next one", async () => {
    const limitsIn = (db: Pick<Database["db"], "execute">) =>
      selectRows(
        db as Database["db"],
        sql`select current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle`,
      );
    expect(await database.db.transaction((tx) => limitsIn(tx))).toEqual([{ statement: "30s", idle: "30s" }]);
    expect(await limitsIn(database.db)).toEqual([{ statement: "0", idle: "0" }]);
    const slow = database.people.transaction((tx) => tx.execute(sql`select pg_sleep(60)`));
    await expect(slow).rejects.toSatisfy(isTimeout);
  });

  test("the flow is whole: texts come in order, answers go out, and what became of them comes back", async () => {
    const { bridge, ways, tell, answer, stop } = await startTwoWay({ databaseUrl: pooler.urlOf(owner.url) });
    const ready = await fetch(`${bridge.url}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { notifications: "polling", database: "ok" }]);
    expect(bridge.logLines.map((line) => line["event"])).toContain("database.pooled");
    const texting = Object.values(ways).filter(({ channel }) => channel === "sms");
    await Promise.all(
      texting.map(async (way, index) => {
        const contact = bridge.sandbox.addContact({ locationId, phone: `+1500555${7000 + index}` });
        const message = bridge.sandbox.sendAsAgent(contact.id, { providerId: way.providerId, message: "Ten?" });
        const [sent] = await until(
          () => way.standIn.sent,
          (all) => all.length > 0,
        );
        if (!sent) throw new Error("nothing was sent");
        const ids = [1, 2, 3, 4, 5].map((number) => `${way.provider}-${number}`);
        for (const id of ids) await answer(way, sent, id, `Answer ${id}`);
        await tell(way, sent, "delivered");
        const posted = () =>
          bridge.sandbox.messages().flatMap(({ altId = "" }) => (ids.includes(altId) ? [altId] : []));
        expect(await until(posted, (all) => all.length >= ids.length)).toEqual(ids);
        await until(
          () => message.status,
          (status) => status === "delivered",
        );
      }),
    );
    await stop();
  });
});

test("PostgreSQL itself is no pooler", async () => {
  const owner = await copyMigrated(inject);
  const database = await openDatabase({ url: owner.url, poolSize: 2, startSeconds: 10 });
  expect(database.isPooled).toBe(false);
  await database.close();
  await owner.drop();
});
