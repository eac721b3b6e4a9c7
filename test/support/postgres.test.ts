import pg from "pg";
import { expect, inject, test } from "vitest";
import { createDatabase } from "./database.ts";
import { startPostgres } from "./postgres.ts";

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return (await client.query(statement).finally(() => client.end())).rows;
}

test("gives each caller a database of its own", async () => {
  const [one, other] = [await createDatabase(inject("postgresUrl")), await createDatabase(inject("postgresUrl"))];
  await query(one.url, "create table t (n int)");
  await expect(query(other.url, "select * from t")).rejects.toThrow("does not exist");
  await Promise.all([one.drop(), other.drop()]);
});

test("keeps what was committed over a crash of the server", async () => {
  const server = await startPostgres({ durable: true });
  try {
    await query(server.url, "create table t as select 7 as n");
    await server.stopImmediately();
    await expect(query(server.url, "select 1")).rejects.toThrow();
    await server.restart();
    expect(await query(server.url, "select n from t")).toEqual([{ n: 7 }]);
  } finally {
    await server.stop();
  }
}, 60_000);
