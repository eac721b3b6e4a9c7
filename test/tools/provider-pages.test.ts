import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { composePages } from "../../tools/provider-pages.ts";

const folder = join(import.meta.dirname, "../../docs/providers");

test("the pages about providers say what the code does: after a change run npm run docs:providers", () => {
  const written = readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")]);
  expect(Object.fromEntries(written)).toEqual(composePages());
});
