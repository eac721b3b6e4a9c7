import type { TestProject } from "vitest/node";
import { compileBridge, removeBridge } from "./build.ts";

/** Compiles the bridge once for all tests that start processes. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default function setUp({ vitest }: TestProject): () => void {
  const program = compileBridge();
  vitest.provide("program", program);
  return () => removeBridge(program);
}
