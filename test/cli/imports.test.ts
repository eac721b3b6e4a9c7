import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signer } from "../fixtures/generic-sms/sign.ts";
import { adminApiKey, startTestBridge, type TestBridge } from "../support/bridge.ts";
import { until } from "../support/until.ts";
import { newFolder, run } from "./run.ts";

let bridge: TestBridge;
const folder = newFolder();
beforeAll(async () => {
  bridge = await startTestBridge();
});
afterAll(async () => {
  await bridge?.stop();
  rmSync(folder, { recursive: true });
});

const cli = (...args: string[]) =>
  run(args, { env: { BRIDGE_URL: bridge.url, BRIDGE_KEY: adminApiKey }, configFolder: folder });

test("a file is tried, told, and posted; its refused lines are listed", async () => {
  const about = { provider: "generic-sms", address: "+15005550009", credentials: signer.credentials };
  const mapping = await bridge.addMapping(about);
  const file = join(folder, "past.jsonl");
  const good = { date: "2024-01-31T09:30:00Z", direction: "inbound", person: "+15005550016", text: "hi" };
  writeFileSync(file, `${JSON.stringify(good)}\n{"text":"no date"}\n`);
  const added = await cli("imports", "add", file, "--mapping", mapping, "--yes");
  expect(added.code).toBe(0);
  expect(added.out).toContain("2 lines, 1 refused, 0 there already");
  expect(added.err).toContain("HighLevel may start workflows");
  expect(added.err).toContain("asks HighLevel which people it knows");
  const { out } = await until(
    () => cli("imports", "show", "1"),
    (shown) => shown.out.includes("is done"),
  );
  expect(out).toContain("by now 1 posted, 0 waiting, 0 given up");
  expect((await cli("imports", "refused", "1")).out).toMatch(/2 +.*date: must be a time/);
  expect((await cli("imports", "list")).out).toContain("1 of 2");
  expect((await cli("imports", "stop", "1")).code).toBe(1);
});
