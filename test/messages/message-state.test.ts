import { describe, expect, test } from "vitest";
import { applyReceipt, isWorthReporting, reportInSeconds } from "../../src/messages/message-state.ts";
import type { Channel, Receipt, ReceiptStatus } from "../../src/model.ts";
import type { Message } from "../../src/store/schema.ts";
import { expectSwift } from "../fuzz/slowness.ts";

const address = { sms: "+15005550006", email: "person@example.org" };
const message = (more: Partial<Message> = {}): Message => ({
  id: 1,
  mappingId: "mapping",
  conversationId: 1,
  webhookId: null,
  origin: "highlevel",
  direction: "outbound",
  state: "queued",
  reportedState: null,
  error: null,
  recipients: null,
  leftOut: null,
  providerMessageId: null,
  rfcMessageId: null,
  fingerprint: null,
  fates: null,
  requestedId: null,
  highlevelMessageId: "m",
  highlevelEmailMessageId: null,
  idempotencyKey: null,
  sendRequest: null,
  sendAnswer: null,
  automatic: null,
  content: null,
  sentAt: null,
  receivedAt: new Date(0),
  createdAt: new Date(0),
  ...more,
});
const receipt = (status: ReceiptStatus, more: Partial<Receipt> = {}): Receipt => ({
  kind: "receipt",
  providerMessageId: "p",
  status,
  ...(status === "failed" ? { error: { code: "30003", message: "switched off" } } : {}),
  ...more,
});
const complaint = receipt("complained", { error: { code: "SpamComplaint", message: "marked as spam" } });
const apply = (channel: Channel, before: Message, ...receipts: Receipt[]) =>
  receipts.reduce((known, each) => applyReceipt({ channel, address: address[channel], message: known }, each), before);

function* permutations<Item>(items: readonly Item[]): Generator<Item[]> {
  if (items.length === 0) yield [];
  for (const [index, first] of items.entries()) {
    for (const rest of permutations(items.toSpliced(index, 1))) yield [first, ...rest];
  }
}

describe("in whatever order receipts come, and how often, the end is the same", () => {
  const told: [Channel, Receipt[], Message["state"], string | undefined][] = [
    ["sms", [receipt("sent")], "sent", undefined],
    ["sms", [receipt("sent"), receipt("delivered")], "delivered", undefined],
    ["sms", [receipt("sent"), receipt("failed")], "failed", "30003"],
    // One that was delivered had not failed after all.
    ["sms", [receipt("sent"), receipt("failed"), receipt("delivered")], "delivered", undefined],
    ["sms", [receipt("sent"), receipt("delivered"), receipt("read"), receipt("failed")], "read", undefined],
    ["email", [receipt("sent"), receipt("delivered")], "delivered", undefined],
    // Accepted by the person's server, and returned later.
    ["email", [receipt("sent"), receipt("delivered"), receipt("failed")], "failed", "30003"],
    ["email", [receipt("delivered"), receipt("read"), receipt("failed")], "read", undefined],
    ["email", [receipt("delivered"), complaint], "complained", "SpamComplaint"],
    ["email", [receipt("sent"), receipt("delivered"), receipt("read"), complaint], "complained", "SpamComplaint"],
    ["email", [receipt("failed"), complaint], "complained", "SpamComplaint"],
  ];
  test.each(told)("%s %j", (channel, receipts, state, code) => {
    for (const order of permutations([...receipts, ...receipts.slice(-1)])) {
      for (const before of [message(), message({ state: "sent", providerMessageId: "p" })]) {
        const after = apply(channel, before, ...order);
        expect([after.state, after.error?.code]).toEqual([state, code]);
        expect(after.providerMessageId).toBe("p");
        if (channel === "email") expect(after.recipients?.[address.email]?.status).toBe(state);
      }
    }
  });
});

describe("a failure that was only our own guess", () => {
  const unconfirmed = message({ state: "failed", error: { code: "unconfirmed", message: "nobody can say" } });

  test.each(["sms", "email"] as const)("gives way to whatever a receipt says: %s", (channel) => {
    for (const status of ["sent", "delivered", "read"] as const) {
      expect(apply(channel, unconfirmed, receipt(status))).toMatchObject({ state: status, error: null });
    }
    expect(apply(channel, unconfirmed, receipt("failed"))).toMatchObject({ state: "failed", error: { code: "30003" } });
    const known = { ...unconfirmed, providerMessageId: "p" };
    expect(apply(channel, known, receipt("sent"))).toMatchObject({ state: "sent", error: null });
  });

  test("and to one about somebody in cc: the email went out", () => {
    const after = apply("email", unconfirmed, receipt("delivered", { recipient: "boss@example.org" }));
    expect(after).toMatchObject({
      state: "sent",
      error: null,
      recipients: { "boss@example.org": { status: "delivered" } },
    });
    expect(isWorthReporting("email", unconfirmed, after)).toBe(true);
  });
});

describe("what becomes of an email with somebody in cc", () => {
  test("does not change what became of it with the person", () => {
    const boss = { recipient: "boss@example.org" };
    const after = apply("email", message(), receipt("delivered"), receipt("failed", boss), receipt("read", boss));
    expect(after).toMatchObject({
      state: "delivered",
      error: null,
      recipients: { [address.email]: { status: "delivered" }, "boss@example.org": { status: "read" } },
    });
  });
});

test("of 20,000 people whom receipts of one email name 200 are kept, and the one whom it is for, in a time that grows with their number alone", async () => {
  const receipts = Array.from({ length: 20_000 }, (_, index) =>
    receipt("delivered", { recipient: `p${index}@example.org` }),
  );
  const after = await expectSwift(
    () => apply("email", message(), ...receipts, receipt("failed", { recipient: address.email })),
    () => "20,000 receipts",
  );
  expect(Object.keys(after.recipients ?? {})).toHaveLength(201);
  expect(after).toMatchObject({ state: "failed", recipients: { [address.email]: { status: "failed" } } });
  expect(after.leftOut, "and how many were not").toBe(19_800);
});

describe("news", () => {
  test("a receipt that tells nothing new leaves the very same object", () => {
    for (const channel of ["sms", "email"] as const) {
      const after = apply(channel, message(), receipt("delivered"));
      for (const status of ["sent", "delivered"] as const) expect(apply(channel, after, receipt(status))).toBe(after);
    }
  });

  test("HighLevel has no word for a text that was sent; of an email it is told each change, by recipient", () => {
    const news = (channel: Channel, ...receipts: Receipt[]) => {
      const before = message();
      return isWorthReporting(channel, before, apply(channel, before, ...receipts));
    };
    expect(news("sms", receipt("sent"))).toBe(false);
    expect(news("sms", receipt("delivered"))).toBe(true);
    expect(news("email", receipt("sent"))).toBe(true);
    expect(news("email", receipt("delivered", { recipient: "boss@example.org" }))).toBe(true);
  });
});

describe("when HighLevel is told", () => {
  const receivedAgo = (seconds: number) => ({ receivedAt: new Date(Date.now() - seconds * 1000) });

  test("once it shows the message: at once where that was long ago", () => {
    expect(reportInSeconds(3600, receivedAgo(1800))).toBeGreaterThan(0);
    expect(reportInSeconds(3600, receivedAgo(1800))).toBeLessThanOrEqual(1800);
    expect(reportInSeconds(5, receivedAgo(60))).toBe(0);
  });

  test("never later than that by a process whose clock is behind the database's", () => {
    expect(reportInSeconds(5, receivedAgo(-240))).toBe(5);
  });
});
