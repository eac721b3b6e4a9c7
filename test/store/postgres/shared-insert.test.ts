import { expect, test } from "vitest";
import { createSharedInsert, QueueFull } from "../../../src/store/postgres/shared-insert.ts";

interface Statement {
  rows: string[];
  commit: () => void;
  fail: (error: Error) => void;
}

function setUp(limits: { maxRows?: number; maxBytes?: number; maxWaitingBytes?: number; maxStatements?: number } = {}) {
  const statements: Statement[] = [];
  const insert = createSharedInsert<string, string>({
    insert: (rows) =>
      new Promise((resolve, fail) => {
        statements.push({ rows, commit: () => resolve(rows.map((row) => `stored ${row}`)), fail });
      }),
    bytesOf: (row) => row.length,
    maxRows: 10,
    maxBytes: 100,
    maxWaitingBytes: 1000,
    maxStatements: 1,
    ...limits,
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { statements, insert, settle };
}

test("puts rows that arrive during one INSERT together into the next one, and gives each what came of its own", async () => {
  const { statements, insert, settle } = setUp();
  const first = insert("a");
  const others = [insert("b"), insert("c"), insert("d")];
  expect(statements.map((each) => each.rows)).toEqual([["a"]]);
  statements[0]?.commit();
  await first;
  await settle();
  expect(statements.map((each) => each.rows)).toEqual([["a"], ["b", "c", "d"]]);
  statements[1]?.commit();
  expect(await Promise.all(others)).toEqual(["stored b", "stored c", "stored d"]);
});

test("answers nobody before the statement with its own row has committed", async () => {
  const { statements, insert, settle } = setUp();
  let isAnswered = false;
  void insert("a").then(() => {
    isAnswered = true;
  });
  await settle();
  expect(isAnswered).toBe(false);
  statements[0]?.commit();
  await settle();
  expect(isAnswered).toBe(true);
});

test("refuses a row when too much waits, and takes rows again afterwards", async () => {
  const { statements, insert, settle } = setUp({ maxWaitingBytes: 6 });
  const under = [insert("a"), insert("bbb"), insert("ccc")];
  await expect(insert("d")).rejects.toBeInstanceOf(QueueFull);
  statements[0]?.commit();
  await settle();
  statements[1]?.commit();
  await Promise.all(under);
  const later = insert("e");
  statements[2]?.commit();
  await later;
});

test("fails all rows of a statement when the database is away", async () => {
  const { statements, insert, settle } = setUp();
  const first = insert("a");
  const second = insert("b");
  const third = insert("c");
  statements[0]?.commit();
  await first;
  await settle();
  statements[1]?.fail(new Error("connection lost"));
  await expect(second).rejects.toThrow("connection lost");
  await expect(third).rejects.toThrow("connection lost");
  expect(statements).toHaveLength(2);
});

test("does not let one row that PostgreSQL refuses take the others down with it", async () => {
  const { statements, insert, settle } = setUp();
  const first = insert("a");
  const good = insert("good");
  const bad = insert("bad");
  statements[0]?.commit();
  await first;
  await settle();
  statements[1]?.fail(Object.assign(new Error("invalid"), { code: "22P02" }));
  await settle();
  statements[2]?.commit();
  await settle();
  statements[3]?.fail(Object.assign(new Error("invalid"), { code: "22P02" }));
  await expect(good).resolves.toBe("stored good");
  await expect(bad).rejects.toThrow("invalid");
});

test("keeps statements within their size", async () => {
  const { statements, insert, settle } = setUp({ maxRows: 2, maxBytes: 5 });
  const all = [insert("a"), insert("bbbb"), insert("cc"), insert("d"), insert("e")];
  for (let index = 0; index < 4; index++) {
    statements[index]?.commit();
    await settle();
  }
  await Promise.all(all);
  expect(statements.map((each) => each.rows)).toEqual([["a"], ["bbbb"], ["cc", "d"], ["e"]]);
});

test("begins another statement while one is under way only for more rows than that one takes, as far as it may", async () => {
  const { statements, insert, settle } = setUp({ maxRows: 2, maxStatements: 2 });
  const rows = ["a", "b", "c", "d", "e"].map((row) => insert(row));
  expect(statements.map((each) => each.rows)).toEqual([["a"], ["b", "c"]]);
  statements[1]?.commit();
  await settle();
  expect(statements.map((each) => each.rows)).toEqual([["a"], ["b", "c"], ["d", "e"]]);
  statements[0]?.commit();
  statements[2]?.commit();
  expect(await Promise.all(rows)).toHaveLength(5);
  await settle();
  expect(statements).toHaveLength(3);
});
