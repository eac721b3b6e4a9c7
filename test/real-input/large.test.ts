import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { providerOf } from "../support/providers.ts";
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

test("a mail that is larger than the limit arrives, and names the file that was cut", async () => {
  const mail = { id: "beyond", from: "rosa@client.example", attachments: [fileOf(40_000_000)] };
  expect(await real.receiveEmail(mail)).toMatchObject({ state: "processed" });
  const { body } = await real.posted("beyond");
  expect(body).toContain("The words of beyond");
  expect(body).toContain("plans.pdf");
  expect(body).toContain("cut off");
  const line = real.bridge.logLines.find(({ event }) => event === "webhook.cut");
  const limitBytes = bodyLimitBytes.email;
  expect(line).toMatchObject({ level: "warn", accountId: real.way("postmark").mappingId, limitBytes });
  expect(line?.["bytes"]).toBeGreaterThan(53_000_000);
}, 240_000);

test("what is more than twice the limit leaves a line that says whose it was, how much, and what the limit is", async () => {
  const { mappingId, webhookUrl } = real.way("postmark");
  const sample = { contentType: "application/json", body: "{}" };
  const { headers } = providerOf("postmark").signer.sign(sample, { url: webhookUrl, at: new Date() });
  const status = await new Promise((resolve, reject) => {
    const place = `${real.bridge.url}${new URL(webhookUrl).pathname}`;
    const declared = { ...headers, "content-length": String(2 * bodyLimitBytes.email + 1) };
    const posting = request(place, { method: "POST", headers: declared }, ({ statusCode }) => {
      resolve(statusCode);
      posting.destroy();
    });
    posting.on("error", reject);
    posting.write("{");
  });
  expect(status).toBe(413);
  const line = real.bridge.logLines.find(({ event }) => event === "webhook.limited");
  expect(line).toMatchObject({ level: "warn", accountId: mappingId, status: 413, limitBytes: bodyLimitBytes.email });
});

test("a file of 20 MB, larger than HighLevel takes, is named in the mail that arrives", async () => {
  const mail = { id: "plans", from: "rosa@client.example", subject: "The plans", attachments: [fileOf(20_000_000)] };
  expect(await real.receiveEmail(mail)).toMatchObject({ state: "processed" });
  expect((await real.posted("plans")).body).toContain("plans.pdf");
}, 240_000);
