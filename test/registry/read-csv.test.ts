import { expect, test } from "vitest";
import { readCsv, readLargeCsv } from "../../src/registry/read-csv.ts";

test("however much is blank before the line of names, that is read", async () => {
  const csv = `${"\n".repeat(5_000_000)}a;b\n1;2\n`;
  const found: unknown[] = [];
  for await (const { record } of readLargeCsv(csv)) found.push(record);
  expect(found).toEqual([{ a: "1", b: "2" }]);
});

test.each([
  ["sep=;\na;b\n1;2", 3],
  ["\uFEFFsep=\t\na\tb\n1\t2", 3],
  ["\n\nsep=;\na;b\n1;2", 5],
  ["\r\n \r\na,b\r\n1,2", 4],
  ["\ta\tb\n\t1\t2", 2],
])("%j is read by its first line that holds anything", (csv, line) => {
  expect(readCsv(csv, 10)).toEqual([{ line, record: expect.objectContaining({ a: "1", b: "2" }) }]);
});
