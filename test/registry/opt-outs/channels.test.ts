import { expect, test } from "vitest";
import { channelsMeantBy, channelsOf } from "../../../src/registry/opt-outs/channels.ts";

test.each([
  ["a text", { channel: "sms", type: "SMS" }, undefined, ["sms"]],
  ["a text of an extra provider", { channel: "sms", type: "Custom" }, undefined, ["sms"]],
  ["a chat that HighLevel has no DND for", { channel: "sms", type: "IG" }, undefined, ["sms"]],
  ["WhatsApp", { channel: "sms", type: "WhatsApp" }, undefined, ["whatsapp"]],
  ["GMB", { channel: "sms", type: "GMB" }, undefined, ["gmb"]],
  ["FB", { channel: "sms", type: "FB" }, undefined, ["fb"]],
  ["a text that goes by WhatsApp", { channel: "sms", type: "SMS" }, "whatsapp", ["sms", "whatsapp"]],
  ["a text that goes by RCS", { channel: "sms", type: "SMS" }, "rcs", ["sms"]],
  ["an email", { channel: "email", type: "Email" }, undefined, ["email"]],
  ["an email of an extra provider", { channel: "email", type: "Custom" }, undefined, ["email"]],
] as const)("%s", (_, way, service, channels) => {
  expect(channelsOf(way, service)).toEqual(channels);
});

test("what goes by a provider of nothing but WhatsApp is WhatsApp, whatever the mapping's type", () => {
  const way = { channel: "sms", type: "Custom", adapter: { onlyService: "whatsapp" } } as const;
  expect(channelsOf(way)).toEqual(["sms", "whatsapp"]);
  expect(channelsOf({ ...way, type: "WhatsApp" })).toEqual(["whatsapp"]);
});

test("a STOP is of all texts as well as of what it came by, and a START of all there is", () => {
  expect(channelsMeantBy("stop", { channel: "sms", type: "GMB" })).toEqual(["sms", "gmb"]);
  expect(channelsMeantBy("stop", { channel: "email", type: "Custom" })).toEqual(["email"]);
  expect(channelsMeantBy("start", { channel: "sms", type: "SMS" })).toEqual(["sms", "whatsapp", "gmb", "fb"]);
  expect(channelsMeantBy("start", { channel: "email", type: "Email" })).toEqual(["email"]);
});
