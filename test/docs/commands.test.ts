import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { settingDescriptions } from "../../src/config.ts";
import { listPages, readBlocks, root } from "./blocks.ts";
import { type PageScript, type Stage, setStage } from "./stage.ts";

const blocks = listPages().flatMap(readBlocks);
const runBlocks = blocks.filter(({ notRun }) => notRun === undefined);
const pages = [...new Set(runBlocks.map(({ page }) => page))];
/** Some of them start several processes and make databases, which a busy machine takes minutes for. */
const pageSeconds = 900;

const missing = ["bash", "curl", "openssl"].filter((tool) => spawnSync(tool, ["--help"]).error !== undefined);
if (missing.length > 0) process.stdout.write(`The docs' commands are skipped: there is no ${missing.join(", ")}\n`);

describe.skipIf(missing.length > 0)("the commands that the docs give", () => {
  let stage: Stage;
  /** How the pages call the tools that are not there. */
  const calls: string[] = [];
  beforeAll(async () => {
    stage = await setStage();
  }, pageSeconds * 1000);
  afterAll(() => stage?.stop());

  test.each(pages)(
    "do what they say, one after the other: %s",
    async (page) => {
      const script = await stage.prepare(
        page,
        runBlocks.filter((block) => block.page === page),
      );
      const { code, printed } = await run(script);
      expect(code, printed.slice(-4000)).toBe(0);
      const path = join(script.logs, "calls");
      if (existsSync(path)) calls.push(...readFileSync(path, "utf8").trim().split("\n"));
    },
    pageSeconds * 1000,
  );

  test("name settings and services that there are, where their tool is not", () => {
    expect(calls.map((call) => call.split(" ").slice(0, 2).join(" "))).toEqual([
      "npm run",
      "docker build",
      "docker run",
      "pg_dump --format=custom",
      "docker compose",
      "docker compose",
    ]);
    const text = calls.join("\n");
    for (const [, name = ""] of text.matchAll(/-e (\w+)=/g)) expect(settingDescriptions).toHaveProperty(name);
    const { services } = parse(readFileSync(join(root, "compose.yaml"), "utf8")) as { services: object };
    for (const [, name = ""] of text.matchAll(/--scale ([\w-]+)=\d/g)) expect(services).toHaveProperty(name);
  });
});

test("what is not run is marked with its reason, and is no more than this", () => {
  const notRun = blocks.filter((block) => block.notRun !== undefined);
  expect(notRun.map(({ page, commands }) => `${page}: ${commands.trim()}`)).toEqual([
    "README.md: npm ci && npm test",
    `docs/imports.md: api $BRIDGE/admin/imports/history -H 'Content-Type: application/json' -d '{ "mappingId": "'$MAPPING'", "from": "2024-01-01T00:00:00Z", "dryRun": true }'`,
    "docs/scale.md: npm run chaos -- --only kill --seed 7",
  ]);
  for (const { notRun: reason = "" } of notRun) expect(reason).toMatch(/\w+ \w+ \w+/);
});

test("the two commands that the README promises stand in it as they are", () => {
  const commands = readBlocks("README.md").map((block) => block.commands.trim());
  expect(commands).toContain("npm ci && npm run demo");
  expect(commands).toContain("npm ci && npm test");
});

/** Everything that it starts is in one group of processes, which ends with it. */
async function run({ folder, logs, script, environment }: PageScript) {
  const path = join(logs, "script.sh");
  writeFileSync(path, script);
  const child = spawn("bash", [path], {
    cwd: folder,
    // biome-ignore lint/style/noProcessEnv: the tools are where this machine has them.
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      printed += String(chunk);
    });
  }
  const timer = setTimeout(() => killGroup(child.pid), (pageSeconds - 20) * 1000);
  const [code] = (await once(child, "exit")) as [number | null];
  clearTimeout(timer);
  killGroup(child.pid);
  return { code, printed };
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}
