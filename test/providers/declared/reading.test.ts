import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readDocument } from "../../../src/providers/declared/document/read-document.ts";
import { createReading } from "../../../src/providers/reading.ts";
import { declareProvider, withdrawProvider } from "../../../src/providers/registry.ts";

const reading = createReading();
const file = join(import.meta.dirname, "../../../docs/declared/x-smsgate.json");
const document = readDocument({ ...JSON.parse(readFileSync(file, "utf8")), name: "x-in-a-thread" });
afterAll(async () => {
  await reading.stop();
  withdrawProvider(document.name);
});

test("a large webhook is read in a thread as its provider's document says, also after that has changed", async () => {
  const payload = { phoneNumber: "+15005550006", message: "x".repeat(150_000), other: "y" };
  const facts = { url: "/webhooks/1", headers: { "content-type": "application/json" }, receivedAt: new Date() };
  const textOf = async () => {
    const body = Buffer.from(JSON.stringify({ event: "sms:received", id: "1", payload }));
    const { events } = await reading.parse(document.name, { ...facts, body }, "+15005550009");
    expect(body, "it went over to the thread, and was not copied").toHaveLength(0);
    return events.map((event) => (event.kind === "message" ? event.text : event.kind));
  };
  declareProvider(document, { file: "a.json" });
  expect(await textOf()).toEqual([payload.message]);
  const [first, ...more] = document.receives.events;
  const changed = { ...first, text: { ...first?.text, text: "payload.other" } };
  declareProvider(readDocument({ ...document, receives: { ...document.receives, events: [changed, ...more] } }), {
    file: "a.json",
  });
  expect(await textOf()).toEqual(["y"]);
});
