import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { copyBridge, removeBridge } from "../../support/build.ts";

test("the ready-made database can be copied by whoever the bridge runs as, whoever built it", () => {
  const program = copyBridge(inject("program"));
  try {
    const { status, stderr } = spawnSync(process.execPath, ["tools/make-database.mjs"], { cwd: program.folder });
    expect(String(stderr)).toBe("");
    expect(status).toBe(0);
    const embedded = join(program.folder, "dist/embedded");
    const paths = readdirSync(embedded, { recursive: true, encoding: "utf8" }).map((name) => join(embedded, name));
    expect(paths.length).toBeGreaterThan(500);
    const closed = paths.filter((path) => {
      const found = statSync(path);
      const needed = found.isDirectory() ? 0o555 : 0o444;
      return (found.mode & needed) !== needed;
    });
    expect(closed).toEqual([]);
  } finally {
    removeBridge(program);
  }
}, 300_000);
