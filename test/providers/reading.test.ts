import { afterAll, expect, test } from "vitest";
import type { WebhookRequest } from "../../src/model.ts";
import { createReading } from "../../src/providers/reading.ts";
import { signer } from "../fixtures/generic-sms/sign.ts";
import { signer as mailgunSigner } from "../fixtures/mailgun/sign.ts";

const reading = createReading();
afterAll(() => reading.stop());

test("everything else has its turn while a batch of webhooks is read, none of which is large", async () => {
  const text = { id: "1", from: "+15005550006", to: "+15005550009", text: "x" };
  const padding = Array.from({ length: 4900 }, () => ({ pad: 123 }));
  const body = { type: "message.received", data: { ...text, padding } };
  const url = "https://bridge.example.com/webhooks/1";
  const request = signer.sign({ contentType: "application/json", body }, { url, at: new Date() });
  expect(request.body.length).toBeLessThan(100_000);
  // So many that reading them takes ten turns' time, however fast the machine is.
  for (let count = 1000; ; count *= 2) {
    const { turns, tookMs } = await turnsWhileReading(count, request);
    if (tookMs < 200) continue;
    expect(turns).toBeGreaterThan(3);
    break;
  }
});

test("the files of a large form come from its thread each in memory of its own, without the form", async () => {
  const contents = ["A".repeat(200_000), "B".repeat(300_000)];
  const files = contents.map((content, index) => {
    return { field: `attachment-${index + 1}`, filename: `${index}.pdf`, contentType: "application/pdf", content };
  });
  const body = { recipient: "support@example.com", sender: "rosa@client.example", from: "rosa@client.example" };
  const sample = { contentType: "multipart/form-data", body, files };
  const request = mailgunSigner.sign(sample, { url: "https://bridge.example.com/webhooks/1", at: new Date() });
  const opened = await reading.openFiles("mailgun", request, null);
  expect(opened.map(String)).toEqual(contents);
  expect(opened.map((file) => file?.buffer.byteLength)).toEqual(contents.map(({ length }) => length));
});

async function turnsWhileReading(count: number, request: WebhookRequest) {
  let turns = 0;
  const countTurn = () => {
    turns++;
    next = setImmediate(countTurn);
  };
  let next = setImmediate(countTurn);
  const began = performance.now();
  const all = await Promise.all(Array.from({ length: count }, () => reading.parse("generic-sms", request)));
  clearImmediate(next);
  expect(all.map(({ events }) => events.length)).toEqual(Array(count).fill(1));
  return { turns, tookMs: performance.now() - began };
}
