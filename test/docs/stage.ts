import { type ChildProcess, spawn } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { inject } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { signer as twilio } from "../fixtures/twilio/sign.ts";
import { isOfProject } from "../support/copy-part.ts";
import { copyEmbedded } from "../support/database.ts";
import { root } from "./blocks.ts";

const locationId = "ve9EPM428h8vShlRW1KT";
const conversationProviderId = "61d6d1f9cdac7612faf80753";
const token = "token-of-the-docs";
const adminApiKey = "admin-key-of-the-docs-with-32-characters";
const accountSid = `AC${"0".repeat(31)}1`;

/** Pages that start a bridge of their own, or need none. The others find one that runs. */
const pagesWithoutBridge = new Set(["README.md", "docs/try-it.md", "docs/sandbox.md", "docs/scale.md"]);

/** Pages that change the project have a copy of it. The others see the one that all see, from a folder of their own. */
const pagesWithChange = new Set(["docs/add-a-provider.md"]);

/** What they look at. */
const pagesWithTrouble = new Set(["docs/operate.md", "docs/cli.md", "docs/imports.md"]);

interface Ports {
  bridge: number;
  sandbox: number;
  standIns: number;
}

/** What a page says, and what is run instead; in this order. */
const substitutions = (bridgeUrl: string, ports: Ports, contactId: string): [string, string][] => [
  ["https://bridge.example.com", bridgeUrl],
  ["http://127.0.0.1:3000", bridgeUrl],
  ["127.0.0.1:4010", `127.0.0.1:${ports.sandbox}`],
  ["127.0.0.1:4020", `127.0.0.1:${ports.standIns}`],
  ["ADMIN_API_KEY=…", `ADMIN_API_KEY=${adminApiKey}`],
  ["BRIDGE_KEY=…", `BRIDGE_KEY=${adminApiKey}`],
  ["HIGHLEVEL_CLIENT_ID=…", "HIGHLEVEL_CLIENT_ID=sandbox-client"],
  ["HIGHLEVEL_CLIENT_SECRET=…", "HIGHLEVEL_CLIENT_SECRET=sandbox-secret"],
  ['"token": "…"', `"token": "${token}"`],
  ['"AC…"', `"${accountSid}"`],
  ['"Contact1"', `"${contactId}"`],
];

/** What a person does between two blocks. */
const byHand: { page: string; before: string; does: string }[] = [
  {
    // Connects a location in a browser: redirects are followed, and the cookie is kept.
    page: "README.md",
    before: "/admin/mappings",
    does: `curl -sSL -c "$LOGS/cookies" -b "$LOGS/cookies" "$BRIDGE_URL/oauth/install" | grep -q "is connected"`,
  },
];

/** In HighLevel's place, for the page that starts a bridge as one does in production. */
const settingsOf: Record<string, (highlevelUrl: string, sandbox: Sandbox) => Record<string, string>> = {
  "README.md": (highlevelUrl, sandbox) => ({
    HIGHLEVEL_URL: highlevelUrl,
    HIGHLEVEL_PUBLIC_KEYS: sandbox.publicKey,
    HIGHLEVEL_AUTHORIZE_URL: `${highlevelUrl}/v2/oauth/chooselocation`,
  }),
};

/** Commands that stay up, and those that cannot run here, under the names that the pages call them by. */
const commands = `
set -euo pipefail

# Runs a command that stays up, until it has said so.
stay() {
  local words=$1 log="$LOGS/$RANDOM$RANDOM.log"
  shift
  "$@" > "$log" 2>&1 &
  while ! grep -q "$words" "$log"; do
    if ! kill -0 $! 2> /dev/null; then
      echo "'$*' ended without '$words':"
      cat "$log"
      return 1
    fi
    sleep 0.2
  done
}

npm() {
  case "$*" in
    ci) ;; # node_modules is linked.
    "run build") test -f dist/main.js ;; # All tests that start processes have one.
    "run demo") printf '%s\\n' "npm run demo" >> "$LOGS/calls" ;; # test/demo does it.
    "run sandbox") stay "The sandbox listens" env PORT=$SANDBOX_PORT PUBLIC_URL=$BRIDGE_URL npm run sandbox ;;
    "run stand-ins") stay "stand-ins listen" npm_itself run stand-ins -- --port $STAND_INS_PORT ;;
    start) stay bridge.started env PORT=$BRIDGE_PORT HOST=127.0.0.1 npm start ;;
    *) npm_itself "$@" ;;
  esac
}
npm_itself() { command npm "$@"; }

# There is no Docker and no pg_dump where the tests run: the test looks at how they are called.
docker() { printf '%s\\n' "docker $*" >> "$LOGS/calls"; }
pg_dump() { printf '%s\\n' "pg_dump $*" >> "$LOGS/calls"; }
`;

/** A page's commands as one script, and what it runs in. */
export interface PageScript {
  folder: string;
  logs: string;
  script: string;
  environment: Record<string, string>;
}

/** All that stands between a page and the machine on which its commands run. */
export interface Stage {
  /** `blocks` of a page in a copy of the project of its own; the bridge that runs has no mappings. */
  prepare(page: string, blocks: { line: number; commands: string }[]): Promise<PageScript>;
  stop(): Promise<void>;
}

/** A compiled copy of the project, a sandbox that knows a location and a person, and a bridge on the embedded database. */
export async function setStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "bridge-docs-"));
  const original = join(folder, "project");
  copyProject(root, original);
  cpSync(join(inject("program").folder, "dist"), join(original, "dist"), { recursive: true });
  const { sandbox, url: highlevelUrl, stop } = await startSandbox({ rateLimit: undefined });
  const providers = [{ id: conversationProviderId, channel: "sms" as const, extra: true }];
  sandbox.putLocation({ id: locationId, token, providers });
  const contact = sandbox.addContact({ locationId, phone: "+15005550006", email: "ann@example.org" });
  // What tsx has read stays there for the next page.
  const temporary = join(folder, "tmp");
  mkdirSync(temporary);
  const dataDir = join(folder, "data");
  copyEmbedded(inject, dataDir);
  const running = await startBridge(original, {
    ...{ PUBLIC_URL: `http://127.0.0.1:${await quietPort()}`, ADMIN_API_KEY: adminApiKey, DATA_DIR: dataDir },
    ...{ HIGHLEVEL_URL: highlevelUrl, HIGHLEVEL_PUBLIC_KEYS: sandbox.publicKey },
  });

  return {
    async prepare(page, blocks) {
      const copy = join(folder, randomUUID());
      if (pagesWithChange.has(page)) copyProject(original, copy);
      else showProject(original, copy);
      const logs = join(copy, "logs");
      mkdirSync(logs);
      if (page === "docs/try-it.md") copyEmbedded(inject, join(copy, "data/try-it"));
      const ports = { bridge: await quietPort(), sandbox: await quietPort(), standIns: await quietPort() };
      const isOwn = pagesWithoutBridge.has(page);
      const bridgeUrl = isOwn ? `http://127.0.0.1:${ports.bridge}` : running.url;
      if (!isOwn) await removeMappings(running.url);
      if (pagesWithTrouble.has(page)) await makeTrouble(running.url);
      const written = blocks.map((block) => toScript(page, block)).join("\n");
      const replace = (text: string, [said, run]: [string, string]) => text.replaceAll(said, run);
      const script = commands + substitutions(bridgeUrl, ports, contact.id).reduce(replace, written);
      return {
        ...{ folder: copy, logs, script },
        environment: {
          ...{ LOGS: logs, TMPDIR: temporary, HOME: copy, BRIDGE_URL: bridgeUrl, BRIDGE_PORT: String(ports.bridge) },
          ...{ SANDBOX_PORT: String(ports.sandbox), STAND_INS_PORT: String(ports.standIns) },
          ...settingsOf[page]?.(highlevelUrl, sandbox),
        },
      };
    },
    async stop() {
      await running.stop();
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function toScript(page: string, { line, commands: given }: { line: number; commands: string }): string {
  const hands = byHand.filter((hand) => hand.page === page && given.includes(hand.before));
  return [`echo "== ${page}:${line}"`, ...hands.map(({ does }) => does), given].join("\n");
}

/** The project without its history and what it wrote, and with the modules that are here. */
function copyProject(from: string, to: string): void {
  const left = [".git", "data", "results", ".env"].map((name) => join(from, name));
  if (from === root) left.push(join(from, "dist"));
  cpSync(from, to, { recursive: true, filter: (path) => isOfProject(path) && !left.includes(path) });
  symlinkSync(join(root, "node_modules"), join(to, "node_modules"));
}

function showProject(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) symlinkSync(join(from, name), join(to, name));
}

async function startBridge(folder: string, settings: Record<string, string>) {
  const { PUBLIC_URL = "" } = settings;
  const child: ChildProcess = spawn(process.execPath, ["dist/main.js"], {
    cwd: folder,
    env: { ...settings, PORT: new URL(PUBLIC_URL).port, HOST: "127.0.0.1", SHUTDOWN_SECONDS: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  await new Promise<void>((resolve, reject) => {
    if (child.stdout) createInterface(child.stdout).on("line", (line) => line.includes("bridge.started") && resolve());
    exited.then(([code]) => reject(new Error(`the bridge ended with ${code}`)), reject);
  });
  return {
    url: PUBLIC_URL,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function admin<Answer>(bridgeUrl: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const headers = { Authorization: `Bearer ${adminApiKey}`, "Content-Type": "application/json" };
  const answer = await fetch(`${bridgeUrl}/admin${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (answer.status === 204 ? undefined : await answer.json()) as Answer;
}

interface List {
  items: { id: string }[];
}

async function removeMappings(bridgeUrl: string): Promise<void> {
  const { items } = await admin<List>(bridgeUrl, "GET", "/mappings");
  for (const { id } of items) await admin(bridgeUrl, "DELETE", `/mappings/${id}`);
}

/** What pages on operating look at: a location with a dead letter and a webhook that could not be read. */
async function makeTrouble(bridgeUrl: string): Promise<void> {
  await admin(bridgeUrl, "PUT", `/locations/${locationId}`, { token });
  const address = "+15005550009";
  const about = { locationId, conversationProviderId, provider: "twilio", address, unknownSender: "hold" };
  const mapping = { ...about, credentials: twilio.credentials };
  const { webhookUrl: url } = await admin<{ webhookUrl: string }>(bridgeUrl, "POST", "/mappings", mapping);
  for (const To of [address, "+15005550001"]) {
    const sms = {
      MessageSid: `SM${randomUUID().replaceAll("-", "")}`,
      From: "+15005550008",
      To,
      Body: "Hi",
      SmsStatus: "received",
      NumMedia: "0",
    };
    const contentType = "application/x-www-form-urlencoded";
    const request = twilio.sign({ contentType, body: sms }, { url, at: new Date() });
    const answer = await fetch(request.url, {
      method: "POST",
      headers: request.headers,
      body: new Uint8Array(request.body),
    });
    if (!answer.ok) throw new Error(`the webhook was answered ${answer.status}`);
  }
  for (const path of ["/deliveries?state=dead", "/webhooks?state=failed"]) {
    while ((await admin<List>(bridgeUrl, "GET", path)).items.length === 0) await sleep(50);
  }
}

/**
 * A free port that the system gives to nobody by itself: it is used minutes later, when a page comes to it.
 * https://www.rfc-editor.org/rfc/rfc6335#section-6 and Linux begin those further up.
 */
async function quietPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}
