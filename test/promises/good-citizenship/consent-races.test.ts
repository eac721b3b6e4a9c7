import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { beginUnlessOptedOut } from "../../../src/outbox/consent/begin-unless-opted-out.ts";
import { changeConsents } from "../../../src/registry/opt-outs/change-consents.ts";
import { findStanding, type OptOutKey, type Recipient } from "../../../src/store/consent/opt-outs.ts";
import type { Database } from "../../../src/store/postgres/database.ts";
import { openMigrated } from "../../support/database.ts";
import { until } from "../../support/until.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 10);
  await database.db.execute(sql`insert into locations (id) values ('here'), ('there')`);
});
afterAll(() => database.close());

function createGate<Value>() {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((onOpen) => {
    resolve = onOpen;
  });
  return { promise, resolve };
}

let counter = 0;
type Person = OptOutKey & Recipient;
const newPerson = (): Person => {
  return { locationId: "here", channel: "sms", channels: ["sms"], address: `+1500555${1000 + ++counter}` };
};
const stop = (person: Person) =>
  database.db.transaction((tx) => changeConsents(tx, [{ ...person, change: "stop", cause: "word", detail: "stop" }]));
const waiting = async () => {
  const found = await database.people.execute(
    sql`select count(*)::int as count from pg_locks where locktype = 'advisory' and not granted`,
  );
  return (found as unknown as { rows: { count: number }[] }).rows[0]?.count ?? 0;
};

test("of 1,000 races of a STOP and a send none begins after the STOP was committed", async () => {
  const ends = { begun: 0, refused: 0, late: 0 };
  const race = async () => {
    const person = newPerson();
    let isCommitted = false;
    const send = () =>
      beginUnlessOptedOut(database.db, person, async () => {
        ends.begun++;
        if (isCommitted) ends.late++;
      }).catch(() => ends.refused++);
    const stopping = async () => {
      await stop(person);
      isCommitted = true;
    };
    await Promise.all(counter % 2 === 0 ? [stopping(), send()] : [send(), stopping()]);
    await send();
  };
  for (let round = 0; round < 125; round++) await Promise.all(Array.from({ length: 8 }, race));
  expect(ends.late).toBe(0);
  expect(ends.begun + ends.refused).toBe(2000);
  expect(ends.refused).toBeGreaterThanOrEqual(1000);
  expect(ends.begun).toBeGreaterThan(0);
});

test("a send waits for a STOP that is about to be committed, and does not begin", async () => {
  const person = newPerson();
  const commit = createGate<void>();
  const written = createGate<void>();
  const stopping = database.db.transaction(async (tx) => {
    await changeConsents(tx, [{ ...person, change: "stop", cause: "word", detail: "stop" }]);
    written.resolve();
    await commit.promise;
  });
  await written.promise;
  const sending = beginUnlessOptedOut(database.db, person, () => expect.unreachable("it has begun")).catch(
    (error) => error,
  );
  await until(waiting, (count) => count === 1);
  commit.resolve();
  await stopping;
  expect(await sending).toMatchObject({
    reason: "opted_out",
    message: expect.stringMatching(/^the person has texted STOP on \d{4}-\d\d-\d\d$/),
  });
});

test("a STOP waits for a send that is about to begin, and for nothing else of it", async () => {
  const person = newPerson();
  const begin = createGate<void>();
  const looked = createGate<void>();
  const sending = database.db.transaction(async (tx) => {
    expect(await findStanding(tx, person)).toBeUndefined();
    looked.resolve();
    await begin.promise;
  });
  await looked.promise;
  let isCommitted = false;
  const stopping = stop(person).then(() => {
    isCommitted = true;
  });
  await until(waiting, (count) => count === 1);
  expect(isCommitted).toBe(false);
  begin.resolve();
  await Promise.all([sending, stopping]);
  // A call that lasts keeps nobody: it has begun.
  const answer = createGate<string>();
  const other = newPerson();
  const begun = createGate<void>();
  const calling = beginUnlessOptedOut(database.db, other, () => {
    begun.resolve();
    return answer.promise;
  });
  await begun.promise;
  await stop(other);
  answer.resolve("sent");
  expect(await calling).toBe("sent");
});

test("what is not theirs keeps nobody: another person, channel or location", async () => {
  const person = newPerson();
  await stop(person);
  for (const other of [{ address: "+15005559999" }, { channels: ["email" as const] }, { locationId: "there" }])
    expect(await beginUnlessOptedOut(database.db, { ...person, ...other }, async () => "sent")).toBe("sent");
});

test("many who change their minds at once wait for each other in turn, and none is lost", async () => {
  const people = Array.from({ length: 20 }, newPerson);
  const both = (list: Person[]) =>
    database.db.transaction((tx) =>
      changeConsents(
        tx,
        list.map((person) => ({ ...person, change: "stop" as const, cause: "word" as const })),
      ),
    );
  await Promise.all([both(people), both(people.toReversed()), both(people), both(people.toReversed())]);
  for (const person of people) {
    const sending = beginUnlessOptedOut(database.db, person, async () => "sent");
    await expect(sending).rejects.toMatchObject({ reason: "opted_out" });
  }
});

test("20,000 people of one batch take neither too many parameters nor too many locks", async () => {
  const people = Array.from({ length: 20_000 }, newPerson);
  const { changed } = await database.db.transaction(async (tx) => {
    const news = people.map((person) => ({ ...person, change: "stop" as const, cause: "unsubscribe" as const }));
    const result = await changeConsents(tx, news);
    const found = await tx.execute(
      sql`select count(*)::int as count from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`,
    );
    expect((found as unknown as { rows: { count: number }[] }).rows[0]?.count).toBeLessThanOrEqual(256);
    return result;
  });
  expect(changed).toHaveLength(people.length);
  expect(changed[0]).toMatchObject({
    cause: "unsubscribe",
    liftedAt: null,
    optedOutAt: expect.any(Date),
    id: expect.any(Number),
  });
});
