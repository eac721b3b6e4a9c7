import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { StoredMessage } from "../../../src/sandbox/state.ts";
import { type BridgeProcess, spawnBridge } from "../../support/bridge-process.ts";
import { copyMigrated } from "../../support/database.ts";
import { locationId, publicUrl } from "../../support/location.ts";
import { makeFaulty } from "../../support/stand-ins/faulty.ts";
import { serveStandIns } from "../../support/stand-ins/serve.ts";
import { startTwoWay, type TwoWay } from "../../support/two-way.ts";
import { until } from "../../support/until.ts";

const encryptionKey = randomBytes(32);
const config = { encryptionKeys: [encryptionKey], highlevelTimeoutSeconds: 1, deliveryConcurrency: 2 };

/** The bridge that lives, here, takes the webhooks, and has stand-ins of its own; those of the others share what was sent. */
let twoWay: TwoWay;
let database: Awaited<ReturnType<typeof copyMigrated>>;
/** What the mortal bridges' providers do when they are called, and when they have taken a message. */
let onCall: () => Promise<void> = async () => undefined;
let onTaken: () => Promise<void> = async () => undefined;
let mortal: Awaited<ReturnType<typeof serveStandIns>>;
const running: BridgeProcess[] = [];

beforeAll(async () => {
  database = await copyMigrated(inject);
  twoWay = await startTwoWay({
    databaseUrl: database.url,
    config,
    wrap: (standIn) => makeFaulty(standIn, { onTaken: async () => void (await sleep(20)) }),
  });
  // Some may be called again with what they were asked: only the others' calls are of unknown outcome.
  const standIns = Object.values(twoWay.ways).map(({ standIn, isIdempotent }) =>
    isIdempotent ? standIn : makeFaulty(standIn, { onCall: () => onCall(), onTaken: () => onTaken() }),
  );
  mortal = await serveStandIns(standIns);
});
afterAll(async () => {
  for (const bridge of running) bridge.kill("SIGKILL");
  await Promise.all(running.map((bridge) => bridge.exited));
  await twoWay.stop();
  await mortal.stop();
  await database.drop();
});

async function startMortal(): Promise<BridgeProcess> {
  const bridge = await spawnBridge(inject("program"), {
    PUBLIC_URL: publicUrl,
    ADMIN_API_KEY: "k".repeat(32),
    DATABASE_URL: database.url,
    ENCRYPTION_KEYS: encryptionKey.toString("base64"),
    HIGHLEVEL_URL: twoWay.bridge.sandboxUrl,
    HIGHLEVEL_PUBLIC_KEYS: twoWay.bridge.sandbox.publicKey,
    HIGHLEVEL_TIMEOUT_SECONDS: "1",
    PROVIDERS_URL: mortal.url,
  });
  running.push(bridge);
  return bridge;
}

const messages: StoredMessage[] = [];
/** Several texts and emails of several people by each provider. */
function writeAll(round: string): void {
  const { sandbox } = twoWay.bridge;
  for (const [index, way] of Object.values(twoWay.ways).entries()) {
    for (let person = 0; person < 3; person++) {
      const phone = `+150055${round}${index}${person}0`;
      const contact = sandbox.addContact({ locationId, phone, email: `${round}-${index}-${person}@example.org` });
      for (let number = 0; number < 2; number++) {
        const token = `${round}-${index}-${person}-${number}`;
        const body = way.channel === "sms" ? { message: token } : { html: `<p>${token}</p>`, subject: token };
        messages.push(sandbox.sendAsAgent(contact.id, { providerId: way.providerId, ...body }));
      }
    }
  }
}

const never = () => new Promise<never>(() => undefined);
const sentCounts = () => {
  const counts = new Map<string, number>();
  for (const { standIn } of Object.values(twoWay.ways)) {
    for (const { text = "", html = "" } of standIn.sent) {
      const token = /\d+-\d+-\d+-\d+/.exec(text + html)?.[0] ?? "";
      counts.set(token, (counts.get(token) ?? 0) + 1);
    }
  }
  return counts;
};
const tokenOf = ({ body, html = "" }: StoredMessage) => /\d+-\d+-\d+-\d+/.exec(body + html)?.[0] ?? "";
const reasonOf = ({ error, recipients = {} }: StoredMessage) =>
  error?.message ?? Object.values(recipients)[0]?.failReason ?? "";

async function killInTheMiddle(round: string, where: "before it is taken" | "after it was taken"): Promise<void> {
  const bridge = await startMortal();
  let calls = 0;
  const kill = async () => {
    if (++calls < 3) return;
    bridge.kill("SIGKILL");
    await never();
  };
  onCall = where === "before it is taken" ? kill : async () => undefined;
  onTaken = where === "after it was taken" ? kill : async () => undefined;
  writeAll(round);
  await bridge.exited;
}

test("kill -9 in the middle of sends, and another process goes on: nothing is sent twice, and nothing lost unsaid", async () => {
  await killInTheMiddle("61", "after it was taken");
  await killInTheMiddle("62", "before it is taken");
  await until(
    async () => (await twoWay.bridge.admin("GET", "/deliveries?state=pending&limit=1")).body.items.length,
    (left) => left === 0,
    300,
  );
  const counts = sentCounts();
  expect([...counts].filter(([, count]) => count > 1)).toEqual([]);

  const failed = messages.filter(({ status }) => status === "failed");
  expect(failed.length).toBeGreaterThan(0);
  for (const message of failed) expect(reasonOf(message)).toContain("nobody can say whether it went out");
  const lost = messages.filter((message) => !counts.has(tokenOf(message)) && message.status !== "failed");
  expect(lost.map(tokenOf)).toEqual([]);
  // Those that were under way at both kills, on either side of the call.
  expect(failed.some((message) => counts.has(tokenOf(message)))).toBe(true);
  expect(failed.some((message) => !counts.has(tokenOf(message)))).toBe(true);
  // What may be repeated was repeated.
  for (const { providerId } of Object.values(twoWay.ways).filter(({ isIdempotent }) => isIdempotent)) {
    const mine = messages.filter(({ conversationProviderId }) => conversationProviderId === providerId);
    expect(mine.filter((message) => message.status === "failed" || !counts.has(tokenOf(message)))).toEqual([]);
  }
}, 600_000);
