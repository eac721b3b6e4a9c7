import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { providerNames } from "../../src/providers/registry.ts";
import type { Contact, StoredMessage } from "../../src/sandbox/state.ts";
import { sendSample } from "../../tools/send-sample.ts";
import { type BridgeProcess, spawnBridge } from "../support/bridge-process.ts";
import { copyMigrated } from "../support/database.ts";
import { freePort } from "../support/postgres.ts";
import { type Script, startScript } from "../support/script.ts";
import { until } from "../support/until.ts";

/**
 * As docs/try-it.md says it: a sandbox, stand-ins and a bridge, each a process, by what they print and nothing else. On
 * PostgreSQL, which takes a third of the embedded database's time: test/docs runs the page as it is.
 */
let database: Awaited<ReturnType<typeof copyMigrated>>;
const adminApiKey = "k".repeat(32);
const webhookUrls: Record<string, string> = {};
const scripts: Script[] = [];
let bridge: BridgeProcess;
let sandboxUrl: string;
let standInsUrl: string;

beforeAll(async () => {
  database = await copyMigrated(inject);
  const port = await freePort();
  const PUBLIC_URL = `http://127.0.0.1:${port}`;
  const sandbox = startScript("src/sandbox/main.ts", [], { PORT: "0", PUBLIC_URL });
  const standIns = startScript("tools/stand-ins.ts", ["--port", "0"]);
  scripts.push(sandbox, standIns);
  await sandbox.untilPrinted(/sandbox-sms and sandbox-email[\s\S]*\n$/);
  await standIns.untilPrinted(/^curl -X PUT .*$/m);
  const settings = Object.fromEntries(
    [...`${sandbox.printed()}${standIns.printed()}`.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [
      name,
      value,
    ]),
  ) as Record<string, string>;
  expect(Object.keys(settings).sort()).toEqual([
    "ALLOWED_PRIVATE_HOSTS",
    "HIGHLEVEL_PUBLIC_KEYS",
    "HIGHLEVEL_URL",
    "PROVIDERS_URL",
  ]);
  ({ HIGHLEVEL_URL: sandboxUrl = "", PROVIDERS_URL: standInsUrl = "" } = settings);
  const ofDatabase = { DATABASE_URL: database.url, ENCRYPTION_KEYS: randomBytes(32).toString("base64") };
  const own = { PUBLIC_URL, PORT: String(port), ADMIN_API_KEY: adminApiKey, ...ofDatabase };
  bridge = await spawnBridge(inject("program"), { ...settings, ...own });
  await admin("PUT", "/locations/sandbox-location", '{"token":"sandbox-token"}');
  for (const [line] of standIns.printed().matchAll(/^\{.*\}$/gm)) {
    const { provider, webhookUrl } = mapping.parse(await admin("POST", "/mappings", line));
    webhookUrls[provider] = webhookUrl;
    const pasted = await fetch(`${standInsUrl}/webhooks/${provider}`, { method: "PUT", body: webhookUrl });
    expect(await pasted.text()).toContain(`${provider} posts receipts to `);
  }
}, 300_000);

afterAll(async () => {
  for (const { child } of scripts) child.kill("SIGKILL");
  bridge?.kill("SIGKILL");
  await bridge?.exited;
  await database.drop();
});

const mapping = z.object({ provider: z.string(), webhookUrl: z.string() });

async function admin(method: string, path: string, body: string): Promise<unknown> {
  const headers = { Authorization: `Bearer ${adminApiKey}`, "Content-Type": "application/json" };
  const answer = await fetch(`${bridge.url}/admin${path}`, { method, headers, body });
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
  return answer.json();
}

const state = async () =>
  (await (await fetch(`${sandboxUrl}/_sandbox/state`)).json()) as { messages: StoredMessage[]; contacts: Contact[] };
const inbound = async () => (await state()).messages.filter(({ direction }) => direction === "inbound");

describe("whoever tries the bridge without an account anywhere", () => {
  test("registers a mapping for every provider from what the stand-ins print", () => {
    expect(Object.keys(webhookUrls)).toEqual(providerNames);
  });

  test("sends a sample of every provider, answers each as an agent, and sees all of it delivered", async () => {
    for (const name of providerNames) await sendSample([name, "--to", webhookUrls[name] ?? ""], () => undefined);
    const arrived = await until(inbound, ({ length }) => length >= providerNames.length, 60);
    expect(arrived).toHaveLength(providerNames.length);
    for (const { contactId, emailMessageId: replyToMessageId } of arrived) {
      const answer = replyToMessageId ? { html: "<p>Yes</p>", replyToMessageId } : { message: "Yes" };
      const body = JSON.stringify({ contactId, ...answer });
      const headers = { "Content-Type": "application/json" };
      expect((await fetch(`${sandboxUrl}/_sandbox/agent`, { method: "POST", headers, body })).status).toBe(200);
    }
    const answers = async () => (await state()).messages.filter(({ direction }) => direction === "outbound");
    const isDelivered = ({ status }: StoredMessage) => status === "delivered";
    const delivered = await until(answers, (all) => all.length >= arrived.length && all.every(isDelivered), 60);
    expect(delivered).toHaveLength(arrived.length);
  }, 150_000);

  test("sends another message each time, and a duplicate only when they ask for it", async () => {
    const to = webhookUrls["twilio"] ?? "";
    const before = (await inbound()).length;
    for (const more of [["--same"], ["--same"], []]) {
      await sendSample(["twilio", "--to", to, "--fixture", "text-emoji", ...more], () => undefined);
    }
    expect(await until(inbound, ({ length }) => length >= before + 2)).toHaveLength(before + 2);
  }, 60_000);

  test("sees what the command did by its exit code and its words", async () => {
    const sent = startScript("tools/send-sample.ts", ["twilio", "--to", webhookUrls["twilio"] ?? ""]);
    const refused = startScript("tools/send-sample.ts", ["twilio"]);
    expect(await sent.exited, sent.printed()).toBe(0);
    expect(sent.printed()).toMatch(/^twilio: .*\nPOST http:\S+ → 200\n$/);
    expect(await refused.exited).toBe(1);
    expect(refused.printed()).toMatch(/^--to is missing\nnpm run send-sample/);
  }, 60_000);
});

describe("send-sample says what is wrong", () => {
  const to = () => ["--to", webhookUrls["twilio"] ?? ""];
  test.each<[string, () => string[], RegExp]>([
    ["where the provider is unknown", () => ["acme", ...to()], /^acme is none of twilio, /],
    ["where there is no such webhook", () => ["twilio", ...to(), "--fixture", "x"], /^twilio has no x: .* --list$/],
    ["where no bridge answers", () => ["twilio", "--to", "http://127.0.0.1:9/x"], /^no bridge answers at http:/],
    [
      "where the URL is another",
      () => ["twilio", "--to", webhookUrls["twilio"]?.replace("127.0.0.1", "localhost") ?? ""],
      /→ 401\n.*letter by letter/s,
    ],
    ["where there is no mapping", () => ["twilio", "--to", `${bridge.url}/webhooks/x`], /→ 404\n.*no such mapping/s],
  ])("%s", async (_case, args, words) => {
    await expect(sendSample(args(), () => undefined)).rejects.toThrow(words);
  });

  test("and lists what can be sent", async () => {
    const lines: string[] = [];
    await sendSample(["--list"], (line) => lines.push(line));
    await sendSample(["twilio", "--list"], (line) => lines.push(line));
    expect(lines[0]?.split("\n")).toEqual(providerNames);
    expect(lines[1]).toMatch(/^mms +\S/m);
  });
});
