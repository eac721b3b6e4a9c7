import { describe, expect, test } from "vitest";
import { receipt, type StatusWords, text, wishIn } from "../../../src/providers/kit/events.ts";

test("a text has what texts have in common, and nothing invented", () => {
  const none = { cc: [], bcc: [], attachments: [], inReplyTo: [], references: [] };
  const from = "+15005550006";
  expect(text({ id: "m-1", from, to: ["+15005550009"] })).toEqual({
    ...{ kind: "message", providerMessageId: "m-1", from, to: ["+15005550009"], ...none },
  });
});

describe("a receipt", () => {
  const words: StatusWords = {
    ...{ sent: "sent", gone: "failed", spam: "complained", slow: "remarked" },
    ...{ nobody: "bounced", enough: "unsubscribed", again: "resubscribed" },
  };
  const read = () => ({ id: "m-1", reference: "42", code: "7", message: "because" });

  test.each([
    ["sent", "sent", undefined],
    ["gone", "failed", { code: "7", message: "because" }],
    ["slow", "delivered", { code: "7", message: "because" }],
    ["spam", "complained", { code: "spam", message: "the person marked it as spam" }, "stop", "complaint"],
    ["nobody", "failed", { code: "7", message: "because" }, "stop", "bounce"],
    ["enough", "delivered", undefined, "stop", "unsubscribe"],
    ["again", "delivered", undefined, "start", "unsubscribe"],
  ])("means what the provider's word means: %s", (word, status, error, change?: string, cause?: string) => {
    expect(receipt(word, words, read)).toEqual({
      kind: "receipt",
      providerMessageId: "m-1",
      reference: "42",
      status,
      error,
      ...(change ? { consent: { change, cause } } : {}),
    });
  });

  test("that a person wants no more is told by another code than the provider's refusals", () => {
    const { consent } = receipt("gone", words, () => ({ id: "m-1", isOptedOut: true })) as { consent?: unknown };
    expect(consent).toEqual({ change: "stop", cause: "refusal" });
  });

  test.each([
    ["STOP", "stop"],
    ["optout", "stop"],
    ["opt_out", "stop"],
    ["START", "start"],
    ["optin", "start"],
    ["HELP", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("a provider takes a text for %s", (word, consent) => {
    expect(wishIn(word)).toEqual(consent ? { consent } : {});
  });

  test("says why it failed in the provider's word where there is nothing else", () => {
    const { error } = receipt("gone", words, () => ({ id: "m-1" })) as { error?: unknown };
    expect(error).toEqual({ code: "gone", message: "the provider says gone" });
  });

  test.each(["unheard-of", "constructor", "__proto__", ""])(
    "of a word that says nothing is ignored, unread: %j",
    (word) => {
      expect(receipt(word, words, () => expect.unreachable())).toMatchObject({
        kind: "ignored",
        reason: expect.any(String),
      });
    },
  );
});
