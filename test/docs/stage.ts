import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { signer as twilio } from "../fixtures/twilio/sign.ts";
import { freePort } from "../support/postgres.ts";

/**
 * All that stands between a page and the machine on which its commands run: what is put for what a reader fills in, which
 * commands stay up, which cannot run here, and what a person does between two of them.
 */
export interface Stage {
  /** What a page says, and what is run instead; in this order. */
  substitutions: [string, string][];
  environment: Record<string, string>;
  /** Run before a page's first command. */
  prelude: string;
  stop(): Promise<void>;
}

const locationId = "ve9EPM428h8vShlRW1KT";
const conversationProviderId = "61d6d1f9cdac7612faf80753";
const token = "token-of-the-docs";
const adminApiKey = "admin-key-of-the-docs-with-32-characters";
const accountSid = `AC${"0".repeat(31)}1`;

/** Where the README has a person connect a location in a browser: its redirects are followed, its cookie is kept. */
const installByHand = `curl -sSL -c "$LOGS/cookies" -b "$LOGS/cookies" "$BRIDGE/oauth/install" | grep -q "is connected"`;

export const byHand: { page: string; before: string; does: string }[] = [
  { page: "README.md", before: "/admin/mappings", does: `BRIDGE=$BRIDGE_URL; ${installByHand}` },
];

/** Pages that start their own bridge, or none. All others are given one that runs. */
const withoutBridge = new Set(["README.md", "docs/try-it.md", "docs/sandbox.md", "docs/scale.md"]);

/** Commands that cannot run, or not by themselves, under the names that the pages call them by. */
const commands = `
set -euo pipefail

# Runs a command that stays up, until it has said so.
stay() {
  local words=$1 log="$LOGS/$RANDOM$RANDOM.log"
  shift
  "$@" > "$log" 2>&1 &
  for _ in $(seq 600); do
    if grep -q "$words" "$log"; then return 0; fi
    if ! kill -0 $! 2> /dev/null; then break; fi
    sleep 0.2
  done
  echo "'$*' does not say '$words':"
  cat "$log"
  return 1
}

npm() {
  case "$*" in
    ci) ;; # node_modules is linked.
    "run demo") stay "Look around" command npm run demo ;;
    "run sandbox") stay "The sandbox listens" env PORT=$SANDBOX_PORT npm run sandbox ;;
    start) stay bridge.started env PORT=$BRIDGE_PORT HOST=127.0.0.1 npm start ;;
    *) command npm "$@" ;;
  esac
}

# There is no Docker and no pg_dump where the tests run: the test looks at how they are called.
docker() { printf '%s\\n' "docker $*" >> "$LOGS/calls"; }
pg_dump() { printf '%s\\n' "pg_dump $*" >> "$LOGS/calls"; }
`;

const startBridge = "stay bridge.started env PORT=$BRIDGE_PORT HOST=127.0.0.1 node --import tsx src/main.ts";

/** A sandbox that knows a location, and for most pages a bridge before it. */
export async function setStage(page: string): Promise<Stage> {
  const sandboxPort = await freePort();
  const bridgePort = await freePort();
  const bridgeUrl = `http://127.0.0.1:${bridgePort}`;
  const { sandbox, url: highlevelUrl, stop } = await startSandbox({ rateLimit: undefined });
  const providers = [{ id: conversationProviderId, channel: "sms" as const, extra: true }];
  sandbox.putLocation({ id: locationId, token, providers });
  const contact = sandbox.addContact({ locationId, phone: "+15005550006", email: "ann@example.org" });
  return {
    substitutions: [
      ["https://bridge.example.com", bridgeUrl],
      ["http://127.0.0.1:3000", bridgeUrl],
      ["127.0.0.1:4010", `127.0.0.1:${sandboxPort}`],
      ["ADMIN_API_KEY=…", `ADMIN_API_KEY=${adminApiKey}`],
      ["HIGHLEVEL_CLIENT_ID=…", "HIGHLEVEL_CLIENT_ID=sandbox-client"],
      ["HIGHLEVEL_CLIENT_SECRET=…", "HIGHLEVEL_CLIENT_SECRET=sandbox-secret"],
      ['"token": "…"', `"token": "${token}"`],
      ['"AC…"', `"${accountSid}"`],
      ['"Contact1"', `"${contact.id}"`],
    ],
    environment: {
      SANDBOX_PORT: String(sandboxPort),
      BRIDGE_PORT: String(bridgePort),
      BRIDGE_URL: bridgeUrl,
      // In HighLevel's place, for a page that starts a bridge and does not say otherwise.
      HIGHLEVEL_URL: highlevelUrl,
      HIGHLEVEL_PUBLIC_KEYS: sandbox.publicKey,
      HIGHLEVEL_AUTHORIZE_URL: `${highlevelUrl}/v2/oauth/chooselocation`,
      ...(withoutBridge.has(page) ? {} : { PUBLIC_URL: bridgeUrl, ADMIN_API_KEY: adminApiKey }),
      DATABASE_URL: "",
    },
    prelude: commands + (withoutBridge.has(page) ? "" : startBridge),
    stop,
  };
}

/** What the page on operating looks at: a location with a dead letter and a webhook that could not be read. */
export async function makeTrouble(bridgeUrl: string): Promise<void> {
  const admin = async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => {
    const headers = { Authorization: `Bearer ${adminApiKey}`, "Content-Type": "application/json" };
    const answer = await fetch(`${bridgeUrl}/admin${path}`, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Answer;
  };
  await admin("PUT", `/locations/${locationId}`, { token });
  const address = "+15005550009";
  const about = { locationId, conversationProviderId, provider: "twilio", address, unknownSender: "hold" };
  const { webhookUrl: url } = await admin<{ webhookUrl: string }>("POST", "/mappings", {
    ...about,
    credentials: twilio.credentials,
  });
  for (const To of [address, "+15005550001"]) {
    const body = {
      MessageSid: randomUUID(),
      From: "+15005550006",
      To,
      Body: "Hi",
      SmsStatus: "received",
      NumMedia: "0",
    };
    const contentType = "application/x-www-form-urlencoded";
    const request = twilio.sign({ contentType, body }, { url, at: new Date() });
    const answer = await fetch(request.url, { method: "POST", headers: request.headers, body: request.body });
    if (!answer.ok) throw new Error(`the webhook was answered ${answer.status}`);
  }
  const isThere = async (path: string) => (await admin<{ items: unknown[] }>("GET", path)).items.length > 0;
  while (!(await isThere("/deliveries?state=dead")) || !(await isThere("/webhooks?state=failed"))) await sleep(50);
}
