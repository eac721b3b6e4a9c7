import { expect, test } from "vitest";
import { readHighlevelEvent } from "../../src/highlevel/webhook.ts";

const at = new Date("2026-11-21T09:59:59.000Z");
const read = (timestamp: unknown) =>
  readHighlevelEvent(Buffer.from(JSON.stringify({ type: "SMS", messageId: "m", phone: "+15005550006", timestamp })));

test.each([
  ["2026-11-21T09:59:59Z"],
  ["2026-11-21T10:59:59+01:00"],
  [at.getTime()],
  [at.getTime() / 1000],
  [String(at.getTime())],
  [`${at.getTime() / 1000}.0`],
])("a call's time is read however it is written: %j", (timestamp) => {
  expect(read(timestamp)).toMatchObject({ kind: "outbound", at });
});

test.each([[undefined], [null], ["soon"], [""], [{}], [1e300]])(
  "a call without a usable time is one: %j",
  (timestamp) => {
    expect(read(timestamp)).toMatchObject({ kind: "outbound", at: undefined, request: { messageId: "m" } });
  },
);

test.each(["InboundMessage", "OutboundMessage", "ContactCreate", "INSTALL"])(
  "%s, of what happened, is no call that asks us to send, wherever it comes to",
  (type) => {
    const body = Buffer.from(JSON.stringify({ type, messageId: "m", contactId: "c" }));
    for (const isDelivery of [true, false]) expect(readHighlevelEvent(body, isDelivery).kind).not.toBe("outbound");
  },
);
