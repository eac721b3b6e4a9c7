import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { copyPart } from "../support/copy-part.ts";

const folder = mkdtempSync(join(tmpdir(), "bridge-npm-start-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hour = 3600;
const nowSeconds = Math.floor(Date.now() / 1000);

function write(path: string, content: string, ageSeconds: number): void {
  writeFileSync(join(folder, path), content);
  utimesSync(join(folder, path), nowSeconds - ageSeconds, nowSeconds - ageSeconds);
}

const npmStart = () => {
  const { status, stdout, stderr } = spawnSync("npm", ["start"], { cwd: folder, encoding: "utf8" });
  return { status, stdout, stderr };
};

/** A checkout in which nothing has been built, and nothing installed. */
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "src"), { recursive: true });
  for (const name of ["package.json", "tools"]) copyPart(name, folder);
  write("src/main.ts", "", 2 * hour);
});

test("npm start says what to do where nothing has been built, and ends with 1", () => {
  const { status, stderr } = npmStart();
  expect(status).toBe(1);
  expect(stderr).toMatch(/^Nothing has been built yet\. Run: npm run build$/m);
});

test("npm start runs what was built, builds nothing, and needs nothing that is for development", () => {
  mkdirSync(join(folder, "dist"));
  write("dist/main.js", 'console.log("it runs");', hour);
  const { status, stdout, stderr } = npmStart();
  expect(status).toBe(0);
  expect(stdout).toMatch(/^it runs$/m);
  expect(stderr).not.toContain("npm run build");
});

test("npm start warns of a build that is older than the source, names the file, and runs it all the same", () => {
  mkdirSync(join(folder, "dist"));
  write("dist/main.js", 'console.log("it runs");', 3 * hour);
  const { status, stdout, stderr } = npmStart();
  expect(status).toBe(0);
  expect(stdout).toMatch(/^it runs$/m);
  expect(stderr).toMatch(/^src\/main\.ts is newer than the build.* Run: npm run build$/m);
});
