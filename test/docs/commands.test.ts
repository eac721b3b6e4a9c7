import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { settingDescriptions } from "../../src/config.ts";
import { type Block, listPages, readBlocks, root } from "./blocks.ts";
import { byHand, makeTrouble, type Stage, setStage } from "./stage.ts";

const pages = listPages().map((page) => ({ page, blocks: readBlocks(page) }));
const runs = pages.filter(({ blocks }) => blocks.some(({ notRun }) => notRun === undefined));
const pageSeconds = 240;

const missing = ["bash", "curl", "openssl"].filter((tool) => spawnSync(tool, ["--help"]).error !== undefined);
if (missing.length > 0) process.stdout.write(`The docs' commands are skipped: there is no ${missing.join(", ")}\n`);

/** All calls of tools that are not there, as the pages make them. */
const calls: string[] = [];
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(missing.length > 0)("the commands that the docs give", () => {
  test.each(runs)(
    "do what they say, one after the other: $page",
    async ({ page, blocks }) => {
      const stage = await setStage(page);
      const copy = copyProject();
      try {
        const script = [stage.prelude, ...(page === "docs/operate.md" ? [meetingPoint] : []), ...blocks.map(toScript)];
        const { code, printed } = await runScript(copy, substitute(script.join("\n"), stage), stage);
        expect(code, printed.slice(-4000)).toBe(0);
        const path = join(copy, "logs/calls");
        if (existsSync(path)) calls.push(...readFileSync(path, "utf8").trim().split("\n"));
      } finally {
        await stage.stop();
      }
    },
    pageSeconds * 1000,
  );

  test("name settings and services that there are, where their tool is not", () => {
    expect(calls.map((call) => call.split(" ").slice(0, 2).join(" "))).toEqual([
      "pg_dump --format=custom",
      "docker build",
      "docker run",
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
  const notRun = pages.flatMap(({ blocks }) => blocks.filter((block) => block.notRun !== undefined));
  expect(notRun.map(({ page, commands }) => `${page}: ${commands.trim()}`)).toEqual([
    "README.md: npm ci && npm test",
    "docs/scale.md: npm run chaos -- --only kill --seed 7",
  ]);
  expect(notRun.every(({ notRun: reason = "" }) => reason.length > 20)).toBe(true);
});

test("the two commands that the README promises stand in it as they are", () => {
  const commands = readBlocks("README.md").map((block) => block.commands.trim());
  expect(commands).toContain("npm ci && npm run demo");
  expect(commands).toContain("npm ci && npm test");
});

/** The page on operating has trouble to look at: the test makes it when the bridge is up. */
const meetingPoint = `touch "$LOGS/up"; until [ -e "$LOGS/trouble" ]; do sleep 0.1; done`;

/** The project without what is made or installed, and with the modules that are here. */
function copyProject(): string {
  const copy = mkdtempSync(join(tmpdir(), "bridge-docs-"));
  folders.push(copy);
  const left = ["node_modules", ".git", "data", "dist", "results", ".env"].map((name) => join("/", name));
  cpSync(root, copy, { recursive: true, filter: (path) => !left.some((name) => path.endsWith(name)) });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "logs"));
  return copy;
}

function toScript({ page, line, commands, notRun }: Block): string {
  if (notRun !== undefined) return "";
  const hands = byHand.filter((hand) => hand.page === page && commands.includes(hand.before));
  return [`echo "== ${page}:${line}"`, ...hands.map(({ does }) => does), commands].join("\n");
}

function substitute(script: string, { substitutions }: Stage): string {
  return substitutions.reduce((text, [said, run]) => text.replaceAll(said, run), script);
}

/** Everything that it starts is in one group of processes, which ends with it. */
async function runScript(
  copy: string,
  script: string,
  stage: Stage,
): Promise<{ code: number | null; printed: string }> {
  const logs = join(copy, "logs");
  writeFileSync(join(logs, "script.sh"), script);
  const child = spawn("bash", [join(logs, "script.sh")], {
    cwd: copy,
    // biome-ignore lint/style/noProcessEnv: the tools are where this machine has them.
    env: { PATH: process.env["PATH"], HOME: copy, TMPDIR: logs, LOGS: logs, ...stage.environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      printed += String(chunk);
    });
  }
  const up = setInterval(() => {
    if (!existsSync(join(logs, "up"))) return;
    clearInterval(up);
    const done = () => writeFileSync(join(logs, "trouble"), "");
    makeTrouble(String(stage.environment["BRIDGE_URL"])).then(done, (error: unknown) => {
      printed += String(error);
      killGroup(child.pid);
    });
  }, 100);
  const timer = setTimeout(() => killGroup(child.pid), (pageSeconds - 10) * 1000);
  const [code] = (await once(child, "exit")) as [number | null];
  clearInterval(up);
  clearTimeout(timer);
  killGroup(child.pid);
  return { code, printed };
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
