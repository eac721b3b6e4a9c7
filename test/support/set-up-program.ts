import { cpSync } from "node:fs";
import { join, relative } from "node:path";
import type { TestProject } from "vitest/node";
import { readyMadeFolder } from "../../src/store/postgres/ready-made.ts";
import { compileBridge, removeBridge } from "./build.ts";

/** Compiles the bridge once for all tests that start processes, with the ready-made database that `npm run build` makes. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default function setUp({ vitest }: TestProject): () => void {
  const program = compileBridge();
  const readyMade = join(program.folder, relative(join(import.meta.dirname, "../.."), readyMadeFolder()));
  cpSync(join(vitest.getProvidedContext().embeddedTemplate, "postgres"), readyMade, { recursive: true });
  vitest.provide("program", program);
  return () => removeBridge(program);
}
