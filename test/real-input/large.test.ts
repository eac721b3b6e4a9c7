import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { type RealInput, startRealInput } from "../support/real-input.ts";

const { bodyLimitBytes, bodyMemoryBytes, attachmentLimitBytes } = readConfig({
  PUBLIC_URL: "https://bridge.example.com",
  ADMIN_API_KEY: "k".repeat(40),
  ENCRYPTION_KEYS: Buffer.alloc(32, 1).toString("base64"),
});

let real: RealInput;
beforeAll(async () => {
  real = await startRealInput({ config: { bodyLimitBytes, bodyMemoryBytes, attachmentLimitBytes } });
});
afterAll(() => real.stop());

const fileOf = (bytes: number) => {
  const facts = { Name: "plans.pdf", ContentType: "application/pdf", ContentLength: bytes, ContentID: "" };
  return { ...facts, Content: Buffer.alloc(bytes, 7).toString("base64") };
};

test("what is more than the limit leaves a line that says whose it was, how much, and what the limit is", async () => {
  const refused = real.receiveEmail({ id: "beyond", from: "rosa@client.example", attachments: [fileOf(40_000_000)] });
  await expect(refused).rejects.toThrow("413");
  const { mappingId } = real.way("postmark");
  const line = real.bridge.logLines.find(({ event }) => event === "webhook.limited");
  expect(line).toMatchObject({ level: "warn", accountId: mappingId, status: 413, limitBytes: bodyLimitBytes.email });
  expect(line?.["bytes"]).toBeGreaterThan(53_000_000);
});

test("a file of 20 MB, larger than HighLevel takes, is named in the mail that arrives", async () => {
  const mail = { id: "plans", from: "rosa@client.example", subject: "The plans", attachments: [fileOf(20_000_000)] };
  expect(await real.receiveEmail(mail)).toMatchObject({ state: "processed" });
  expect((await real.posted("plans")).body).toContain("plans.pdf");
}, 240_000);
