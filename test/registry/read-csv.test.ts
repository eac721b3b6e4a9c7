import { expect, test } from "vitest";
import { readCsv, readLargeCsv } from "../../src/registry/read-csv.ts";

test("however much is blank before the line of names, that is read", async () => {
  const csv = `${"\n".repeat(5_000_000)}a;b\n1;2\n`;
  const found: unknown[] = [];
  for await (const { record } of readLargeCsv(csv)) found.push(record);
  expect(found).toEqual([{ a: "1", b: "2" }]);
});

test.each([",", " ", "x", '"'])("a line of millions of %j is refused before it is a row", async (sign) => {
  const csvOf = (count: number) => `a,b\n1,2\n${sign.repeat(count)}\n1,2\n`;
  await expect(readLargeCsv(csvOf(20_000_000)).next()).rejects.toThrow("a line of it has more than 1000000 characters");
  expect(() => readCsv(csvOf(2_000_000), 10)).toThrow("a line of it has more than 100000 characters");
});

test.each([
  ['"a\nx",b\r\n1,2\r\n', "\n"],
  ['"a\r\nx",b\n1,2\n', "\r\n"],
  ['"a\nx",b\r1,2\r', "\n"],
])("rows of %j end as the first line does outside of quotes", (csv, inside) => {
  expect(readCsv(csv, 10)).toMatchObject([{ record: { [`a${inside}x`]: "1", b: "2" } }]);
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
