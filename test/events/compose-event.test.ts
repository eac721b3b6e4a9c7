import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { composeEvent, type EventBody } from "../../src/events/compose-event.ts";
import { slackText } from "../../src/events/slack-text.ts";
import { eventTypes } from "../../src/model.ts";
import { conversation, message, samples } from "./samples.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/events.md"), "utf8");
const shown = [...page.matchAll(/^```json\n(.*?)^```$/gms)]
  .map(([, json = ""]) => JSON.parse(json) as EventBody)
  .filter((block) => "type" in block);

describe("docs/events.md", () => {
  test.each(eventTypes)("shows %s as it is told", (type) => {
    expect(shown.filter((block) => block.type === type)).toEqual([samples[type]]);
  });

  test.each(eventTypes)("shows what Slack is told of %s", (type) => {
    expect(page).toContain(`| \`${type}\` | ${slackText(samples[type])} |`);
  });
});

test.each([
  ["+525512345678", "+5215512345678", "+525512345678"],
  ["ann@example.org", "Ann@example.org", "Ann@example.org"],
])("%s who wrote by %s is told as %s", (address, spelling, told) => {
  const event = { id: "x", type: "message.received", at: "2026-01-31T09:30:00.000Z" } as const;
  const about = { message, conversation: { ...conversation, address, spelling } };
  expect(composeEvent({ event, locationId: "l", about }).data["address"]).toBe(told);
});

test("what people wrote opens neither a link nor a mention in Slack", () => {
  const { data } = samples["message.received"];
  const text = slackText({
    ...samples["message.received"],
    data: { ...data, text: "<!channel> <https://x|y> & more" },
  });
  expect(text).toContain("&lt;!channel&gt; &lt;https://x|y&gt; &amp; more");
});

test("Slack gets the beginning of a long text, and never half a character", () => {
  const { data } = samples["message.received"];
  const text = slackText({ ...samples["message.received"], data: { ...data, text: "😀".repeat(400).slice(1) } });
  expect(text.length).toBeLessThan(400);
  expect(text.isWellFormed()).toBe(true);
});

test("events about messages carry a text when they are received alone", () => {
  const texts = Object.entries(samples).filter(([, { data }]) => "text" in data || "html" in data);
  expect(texts.map(([type]) => type)).toEqual(["message.received"]);
});
