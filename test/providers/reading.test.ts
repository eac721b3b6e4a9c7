import { afterAll, expect, test } from "vitest";
import { createReading } from "../../src/providers/reading.ts";
import { signer } from "../fixtures/generic-sms/sign.ts";

const reading = createReading();
afterAll(() => reading.stop());

test("everything else has its turn while a batch of webhooks is read, none of which is large", async () => {
  const text = { id: "1", from: "+15005550006", to: "+15005550009", text: "x" };
  const padding = Array.from({ length: 4900 }, () => ({ pad: 123 }));
  const body = { type: "message.received", data: { ...text, padding } };
  const url = "https://bridge.example.com/webhooks/1";
  const request = signer.sign({ contentType: "application/json", body }, { url, at: new Date() });
  expect(request.body.length).toBeLessThan(100_000);
  let turns = 0;
  const count = () => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const all = await Promise.all(Array.from({ length: 2000 }, () => reading.parse("generic-sms", request)));
  clearImmediate(next);
  expect(all.map(({ events }) => events.length)).toEqual(Array(2000).fill(1));
  expect(turns).toBeGreaterThan(3);
});
