import { type ChildProcess, spawn } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Contact, StoredMessage } from "../../src/sandbox/state.ts";
import { takePorts } from "../support/take-ports.ts";
import { until } from "../support/until.ts";

const folder = mkdtempSync(join(tmpdir(), "demo-test-"));
/** Where tsx keeps what it has read. */
const readByTsx = `tsx-${process.getuid?.() ?? ""}`;
mkdirSync(join(tmpdir(), readByTsx), { recursive: true });
symlinkSync(join(tmpdir(), readByTsx), join(folder, readByTsx));
const children: ChildProcess[] = [];

let release = () => {};
beforeAll(async () => {
  release = await takePorts(3000, 4010);
});
afterAll(() => {
  release();
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function start(script: string, ...options: string[]) {
  const child = spawn(process.execPath, ["--import", "tsx", script, ...options], {
    cwd: join(import.meta.dirname, "../.."),
    env: { PATH: "/usr/bin:/bin", PORT: "0", TMPDIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      printed += String(chunk);
    });
  }
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const untilPrinted = async (words: RegExp) => {
    const text = await until(
      () => printed,
      (now) => words.test(now) || child.exitCode !== null,
      200,
    );
    const found = words.exec(text);
    if (!found) throw new Error(`${script} ended with ${child.exitCode} and without ${words}: ${text}`);
    return found;
  };
  return { child, exited, untilPrinted, printed: () => printed };
}

test("the demo shows the round trip of texts and emails, and stays up to look around", async () => {
  const demo = start("demo/demo.ts");
  const [, inboxUrl = ""] = await demo.untilPrinted(/the inbox +(\S+)\//);
  const [, adminFile = ""] = await demo.untilPrinted(/curl -K (\S+admin\.curl)/);
  expect(readFileSync(adminFile, "utf8")).toMatch(/^header = "Authorization: Bearer [0-9a-f]{48}"\n$/);
  expectRoundTrip(demo.printed());
  const read = async () =>
    (await (await fetch(`${inboxUrl}/_sandbox/state`)).json()) as { messages: StoredMessage[]; contacts: Contact[] };
  const { contacts, messages } = await read();
  const bob = contacts.find((contact) => contact.email === "bob@example.org");
  const phone = contacts.find((contact) => contact.phone === "+15005550007");
  const email = messages.find((message) => message.contactId === bob?.id);
  for (const answer of [
    { contactId: phone?.id ?? "", text: "Friday is fine" },
    { contactId: bob?.id ?? "", text: "It's back", emailMessageId: email?.emailMessageId ?? "" },
  ]) {
    const posted = await fetch(`${inboxUrl}/answer`, { method: "POST", body: new URLSearchParams(answer) });
    expect(posted.status).toBe(200);
  }
  await demo.untilPrinted(/^out {5}telnyx +to \+15005550007: "Friday is fine"/m);
  await demo.untilPrinted(/^status {2}telnyx +sent to \+15005550007$/m);
  await demo.untilPrinted(/^out {5}mailgun +to bob@example.org: "Re: Broken link on your site"/m);
  await until(
    async () => (await read()).messages.slice(-2).map((message) => message.status),
    (statuses) => statuses.every((status) => status === "delivered"),
  );
  demo.child.kill("SIGTERM");
  expect(await demo.exited).toBe(0);
  expect(readdirSync(folder).filter((name) => name.startsWith("conversation-bridge"))).toEqual([]);
}, 300_000);

function expectRoundTrip(printed: string): void {
  const [text = ""] = printed.split("\nLook around");
  for (const line of [
    /^in {6}twilio +a text {2}→ 200$/m,
    /^ {2}→ {5}to \+15005550006: "It is. Shall I put it aside\?" \(from \+15005550009\)$/m,
    /^status {2}twilio +sent, delivered {2}→ HighLevel: pending, delivered$/m,
    /^status {2}postmark +delivered {2}→ HighLevel: pending, (sent, )?delivered(, delivered)?$/m,
    /^status {2}twilio +refused {2}→ HighLevel: pending, failed: .* exceeds the 1600 character limit/m,
    /^in {6}twilio +a forgery at the delivery URL.* → 401$/m,
    /^All of it arrived as it should\.$/m,
  ])
    expect(text).toMatch(line);
  expect(text).not.toMatch(/token|secret|bearer|basic |"level"/i);
  const lines = text.split("\n");
  expect(lines.length).toBeLessThan(45);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(135);
}

test("the sandbox alone says with which settings a bridge takes it for HighLevel", async () => {
  const sandbox = start("src/sandbox/main.ts");
  const [, url] = await sandbox.untilPrinted(/^HIGHLEVEL_URL=(.*)$/m);
  expect((await fetch(`${url}/`)).status).toBe(200);
  const [, key = ""] = await sandbox.untilPrinted(/^HIGHLEVEL_PUBLIC_KEYS=(.*)$/m);
  const publicKey = createPublicKey({ key: Buffer.from(key, "base64"), format: "der", type: "spki" });
  expect(publicKey.asymmetricKeyType).toBe("ed25519");
  sandbox.child.kill("SIGTERM");
  await sandbox.exited;
}, 300_000);
