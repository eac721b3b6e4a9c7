import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../src/config.ts";
import { createLog } from "../src/log.ts";
import type { WebhookRequest } from "../src/model.ts";
import { startSandbox } from "../src/sandbox/sandbox.ts";
import type { StoredMessage } from "../src/sandbox/state.ts";
import { startBridge } from "../src/start-bridge.ts";
import { mappings, type Scene, scenes, textToTry } from "./scenes.ts";

/**
 * Everything before your eyes, on this machine alone: a sandbox in HighLevel's place, the bridge on its embedded
 * database, mappings registered through the admin route, and then real signed webhooks.
 * With --once it ends, with 0 only when all arrived as it should; without, it stays up to look around.
 */
const isOnce = process.argv.includes("--once");
const locationId = "demo-location";
const token = "demo-token";
const adminApiKey = randomBytes(24).toString("hex");
const print = (line = "") => void process.stdout.write(`${line}\n`);

const dataDir = mkdtempSync(join(tmpdir(), "conversation-bridge-demo-"));
const sandbox = await startSandbox({ port: await portOr(4010), rateLimit: undefined });
sandbox.sandbox.putLocation({
  id: locationId,
  token,
  providers: [
    { id: "sms-provider", channel: "sms", extra: true },
    { id: "email-provider", channel: "email", extra: true },
  ],
});
const port = await portOr(3000);
const config = readConfig({
  PUBLIC_URL: `http://127.0.0.1:${port}`,
  PORT: String(port),
  HOST: "127.0.0.1",
  ADMIN_API_KEY: adminApiKey,
  DATA_DIR: dataDir,
  HIGHLEVEL_URL: sandbox.url,
  LOG_LEVEL: "error",
});
const bridge = await startBridge(config, createLog("error"));

async function stop(exitCode: number): Promise<never> {
  await bridge.stop();
  await sandbox.stop();
  rmSync(dataDir, { recursive: true, force: true });
  process.exit(exitCode);
}

async function admin<Body>(method: string, path: string, body: unknown): Promise<Body> {
  const headers = { Authorization: `Bearer ${adminApiKey}`, "Content-Type": "application/json" };
  const answer = await fetch(`${bridge.url}/admin${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Body;
}

print("\nConversation Bridge · demo\n");
await admin("PUT", `/locations/${locationId}`, { name: "Demo", token });
const mappingIds = new Map<string, string>();
for (const mapping of mappings) {
  const { id, webhookUrl } = await admin<{ id: string; webhookUrl: string }>("POST", "/mappings", {
    locationId,
    ...mapping,
  });
  mappingIds.set(mapping.provider, id);
  print(`registered  ${mapping.provider.padEnd(9)} ${mapping.address.padEnd(20)} ${new URL(webhookUrl).pathname}`);
}

print();
let failures = 0;
for (const scene of scenes) failures += (await play(scene)) ? 0 : 1;
print(failures === 0 ? "\nAll of it arrived as it should." : `\n${failures} of ${scenes.length} went wrong.`);
if (isOnce) await stop(failures === 0 ? 0 : 1);

print(`
Look around; Ctrl+C ends it.
  the inbox       ${sandbox.url}/
  the admin route curl -H 'Authorization: Bearer ${adminApiKey}' ${bridge.url}/admin/messages
  a text to try   ${curlOf(sign(textToTry))}
`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop(0));

function sign(scene: Scene): WebhookRequest {
  const url = `${config.publicUrl}/webhooks/${mappingIds.get(scene.provider)}`;
  return scene.sign({ url, at: new Date() });
}

/** Posts the scene's webhook, waits for what should come of it, and tells both. */
async function play(scene: Scene): Promise<boolean> {
  const before = sandbox.sandbox.messages().length;
  const { url, headers, body } = sign(scene);
  const answer = await fetch(url.replace(config.publicUrl, bridge.url), { method: "POST", headers, body });
  print(`in   ${scene.provider.padEnd(9)} ${scene.about}  → ${answer.status}`);
  const arrived = await waitForMessages(before, scene.arrives);
  for (const message of arrived) print(`  →  ${describe(message)}`);
  const isRight =
    answer.status === scene.status &&
    arrived.length === scene.arrives &&
    (scene.check?.(arrived, sandbox.sandbox.messages()) ?? true);
  if (scene.arrives === 0) print(`  →  nothing reaches HighLevel, as it should`);
  if (!isRight) print(`  ✗  expected HTTP ${scene.status} and ${scene.arrives} message(s) in HighLevel`);
  return isRight;
}

async function waitForMessages(before: number, count: number): Promise<StoredMessage[]> {
  // What must not arrive is given as long as a message takes many times over.
  const giveUpAt = performance.now() + (count === 0 ? 700 : 10_000);
  while (performance.now() < giveUpAt) {
    if (count > 0 && sandbox.sandbox.messages().length >= before + count) break;
    await sleep(20);
  }
  return sandbox.sandbox.messages().slice(before);
}

function describe(message: StoredMessage): string {
  const contact = sandbox.sandbox.contacts().find((each) => each.id === message.contactId);
  const what = message.subject ?? message.body;
  const thread = message.threadId ? `, thread ${message.threadId.slice(0, 6)}` : "";
  const who = contact?.phone ?? contact?.email;
  return `HighLevel: ${message.direction} from ${who}: "${what}" (conversation ${message.conversationId.slice(0, 6)}${thread}, altId ${message.altId?.slice(0, 24)})`;
}

function curlOf({ url, headers, body }: WebhookRequest): string {
  const flags = Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`);
  return `curl -i ${url} ${flags.join(" ")} --data-raw '${body.toString("utf8").replaceAll("'", "'\\''")}'`;
}

/** The wanted port, or any free one when it is taken. */
function portOr(wanted: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => {
      const any = createServer().listen(0, "127.0.0.1", () => {
        const address = any.address();
        any.close(() => resolve(typeof address === "object" && address ? address.port : 0));
      });
    });
    probe.listen(wanted, "127.0.0.1", () => probe.close(() => resolve(wanted)));
  });
}
