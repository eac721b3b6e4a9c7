import { describe, expect, test } from "vitest";
import { emailAnswer, inboundAnswer, messagesAnswer, sendAnswer } from "../../src/highlevel/schemas.ts";

describe("the list of messages is read entry by entry", () => {
  const list = (messages: unknown[]) => messagesAnswer.parse({ messages: { lastMessageId: null, messages } }).messages;

  test.each<[string, unknown]>([
    ["one form", { email: { messageIds: ["a", null, 7, ""] } }],
    ["the other form", { email: { email: { messageIds: ["a", null, 7] } } }],
  ])("the ids of a thread's emails in %s of meta.email", (_form, meta) => {
    expect(list([{ id: "thread", meta }])[0]?.meta?.email?.messageIds).toEqual(["a", "7"]);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["an entry without an id", { body: "x" }],
    ["a text", "x"],
  ])("%s does not hide the others", (_what, odd) => {
    expect(list([odd, { id: "m-1", altId: "a-1" }])).toMatchObject([{ id: "m-1", altId: "a-1" }]);
  });

  test("what is null, a number or of another type leaves the rest of its entry readable", () => {
    const odd = { id: 5, altId: 6, body: null, direction: 1, dateAdded: {}, meta: { email: "x" } };
    expect(list([odd])).toMatchObject([{ id: "5", altId: "6", body: undefined, meta: { email: undefined } }]);
  });
});

describe("an email that is read back", () => {
  const email = { id: "e-1", cc: ["b@x.example"], bcc: null, replyToMessageId: "e-0" };

  test.each<[string, unknown]>([
    ["itself", email],
    ["message", { message: email }],
    ["emailMessage", { emailMessage: email }],
    ["email", { email }],
  ])("is read as %s", (_wrap, body) => {
    expect(emailAnswer.parse(body)).toMatchObject({ id: "e-1", cc: ["b@x.example"], bcc: [], replyToMessageId: "e-0" });
  });

  test.each([[null], ["x"], [[]], [{}], [{ id: 1, cc: 5, bcc: {}, replyToMessageId: [] }]])(
    "keeps nothing from being sent, whatever it is: %j",
    (body) => {
      const read = emailAnswer.parse(body);
      expect([read.cc, read.bcc, read.replyToMessageId]).toEqual([[], [], undefined]);
    },
  );
});

describe("a message that HighLevel has taken", () => {
  test("is known by several ids where there is no single one", () => {
    expect(sendAnswer.parse({ messageIds: ["a", "b"] })).toMatchObject({ messageIds: ["a", "b"] });
    expect(inboundAnswer.parse({ messageIds: ["a", "b"] })).toMatchObject({ messageId: "a" });
  });

  test("is not taken for one that was refused, whatever else its answer holds", () => {
    const odd = { conversationId: 5, emailMessageId: null, messageIds: "x", msg: {}, status: [], forwardData: "x" };
    expect(sendAnswer.parse({ ...odd, messageId: 7 })).toMatchObject({ messageId: "7", conversationId: "5" });
    expect(sendAnswer.parse({ messageIds: [null, 3, ""] })).toMatchObject({ messageIds: ["3"] });
    expect(inboundAnswer.parse({ ...odd, messageId: "m", contactId: {} })).toMatchObject({ messageId: "m" });
  });

  test.each([[{ conversationId: "c", messageIds: [] }], [{ messageIds: [null] }], [{ messageId: "" }], [{}], [""]])(
    "has an id: %j is no success",
    (answer) => {
      expect(sendAnswer.safeParse(answer).success).toBe(false);
      expect(inboundAnswer.safeParse(answer).success).toBe(false);
    },
  );
});
