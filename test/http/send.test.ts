import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer as postmark } from "../fixtures/postmark/sign.ts";
import type { Answer } from "../support/bridge.ts";
import { locationId, publicUrl } from "../support/location.ts";
import { startTwoWay, type TwoWay } from "../support/two-way.ts";
import { until } from "../support/until.ts";

let twoWay: TwoWay;
beforeAll(async () => {
  twoWay = await startTwoWay();
});
afterAll(() => twoWay.stop());

let counter = 0;
const newContact = () =>
  twoWay.bridge.sandbox.addContact({
    locationId,
    phone: `+1500555${String(4000 + ++counter)}`,
    email: `reader${counter}@example.org`,
  });
const send = (body: unknown, headers: Record<string, string> = {}, query = ""): Promise<Answer> =>
  twoWay.bridge.send(body, headers, query);
const inHighlevel = (contactId: string) =>
  twoWay.bridge.sandbox.messages().filter((message) => message.contactId === contactId);

describe("POST /v1/messages", () => {
  test("has HighLevel send it, answers with HighLevel's ids, and keeps them", async () => {
    const contact = newContact();
    const answer = await send({ type: "SMS", contactId: contact.id, message: "Your order has shipped" });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      id: expect.any(Number),
      conversationId: expect.any(String),
      messageId: expect.any(String),
      msg: expect.any(String),
    });
    expect(inHighlevel(contact.id)).toMatchObject([{ body: "Your order has shipped", direction: "outbound" }]);
    const kept = await twoWay.bridge.admin("GET", `/messages/${answer.body.id}`);
    expect(kept.body).toMatchObject({ state: "sent", highlevelMessageId: answer.body.messageId, origin: "api" });
  });

  test("by a conversation provider of ours goes out once, through the mapping", async () => {
    const contact = newContact();
    const by = twoWay.ways["twilio"];
    const conversationProviderId = by?.providerId;
    const answer = await send({ type: "SMS", contactId: contact.id, message: "By Twilio", conversationProviderId });
    expect(answer.status).toBe(200);
    const sent = await until(
      () => by?.standIn.sent.filter((message) => message.to.includes(contact.phone ?? "")) ?? [],
      (list) => list.length > 0,
    );
    expect(sent).toMatchObject([{ text: "By Twilio" }]);
  });

  test("an email that HighLevel sent by its own means gets the person's answer into its thread", async () => {
    const contact = newContact();
    const subject = `Your invoice ${counter}`;
    const answer = await send({ type: "Email", contactId: contact.id, html: "<p>Attached.</p>", subject });
    expect(answer.body.emailMessageId).toEqual(expect.any(String));
    const by = twoWay.ways["postmark"];
    const id = `reply-to-highlevel-${counter}`;
    const body = {
      MessageID: id,
      FromFull: { Email: contact.email },
      ToFull: [{ Email: by?.address }],
      Subject: `Re: ${subject}`,
      TextBody: "Thanks!",
      Headers: [
        { Name: "Message-ID", Value: `<${id}@example.org>` },
        { Name: "In-Reply-To", Value: "<nobody-told-us@highlevel.example>" },
      ],
    };
    const url = `${publicUrl}/webhooks/${by?.mappingId}`;
    await twoWay.bridge.post(postmark.sign({ contentType: "application/json", body }, { url, at: new Date() }));
    const posted = await until(
      () => inHighlevel(contact.id),
      (messages) => messages.length === 2,
    );
    expect(posted[1]?.threadId).toBe(posted[0]?.threadId);
  });

  test.each([
    [400, { type: "SMS", contactId: "nobody", message: "hi" }, /Contact with id nobody not found/],
    [422, { type: "SMS", contactId: "CONTACT", attachments: ["a.png"] }, /attachments must be a URL address/],
    [400, { type: "SMS", contactId: "CONTACT", message: "x", conversationProviderId: "not-ours" }, /don't have access/],
  ])("passes HighLevel's %d on in its words, with the traceId", async (status, body, words) => {
    const contactId = body.contactId === "CONTACT" ? newContact().id : body.contactId;
    const answer = await send({ ...body, contactId });
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    expect(answer.body).toMatchObject({
      source: "highlevel",
      detail: expect.stringMatching(words),
      traceId: expect.any(String),
    });
  });

  test("passes a 401 of HighLevel's on, and tells it from a wrong key of ours", async () => {
    const wrongKey = await send({ type: "SMS", contactId: "x", message: "x" }, { authorization: "Bearer wrong" });
    expect(wrongKey.status).toBe(401);
    expect(wrongKey.body.source).toBeUndefined();
    twoWay.bridge.sandbox.setFaults([{ kind: "status", path: "/conversations/messages", status: 401, times: 1 }]);
    const refused = await send({ type: "SMS", contactId: newContact().id, message: "x" });
    expect(refused.status).toBe(401);
    expect(refused.body.source).toBe("highlevel");
  });

  test("takes every field that HighLevel's own description of the call has", async () => {
    const contact = newContact();
    const given = {
      ...{ type: "Email", subType: { any: "thing" }, status: "pending", customSubtypeId: "507f1f77bcf86cd799439011" },
      ...{ appointmentId: "appt123", attachments: [], emailFrom: "Shop <sender@example.com>", emailTo: contact.email },
      ...{ emailCc: ["One <cc1@example.com>"], emailBcc: [], emailReplyMode: "reply_all", html: "<p>Hello</p>" },
      ...{ message: "Hello", subject: "Update", scheduledTimestamp: 1_796_000_000.5, fromNumber: "(415) 555-0123" },
      ...{ usesNativeSchedulingAi: false, optimizationPeriod: "48h", mentions: ["user-1"], userId: "user-2" },
      ...{ toNumber: "+1439499299", templateId: "template123" },
      forward: { isForwarded: true, forwardWholeThread: false, messageId: "m", toEmail: "forward@example.com" },
    };
    const answer = await send({ ...given, contactId: contact.id });
    expect(answer.body.errors).toBeUndefined();
    expect(answer.body).toMatchObject({ messageId: expect.any(String), status: "pending" });
    const kept = (await twoWay.bridge.admin("GET", `/messages/${answer.body.id}`)).body;
    expect(kept.state).toBe("sent");
  });

  test("takes HTML beside an empty text", async () => {
    const { id: contactId } = newContact();
    expect((await send({ type: "Custom", contactId, message: "", html: "<p>Hello</p>" })).body.errors).toBeUndefined();
    expect((await send({ type: "Custom", contactId, message: "", html: "" })).status).toBe(422);
  });

  test("that is answered by several ids was sent", async () => {
    const contact = newContact();
    const answer = await send({ type: "GMB", contactId: contact.id, message: "Thanks for the review" });
    expect(answer).toMatchObject({ status: 200, body: { messageIds: [expect.any(String)] } });
    expect(inHighlevel(contact.id)).toHaveLength(1);
  });

  test("says which field is wrong, and what would fit", async () => {
    const answer = await send({ type: "Letter", scheduledTimestamp: 1_790_000_000_000, html: "x", colour: "red" });
    expect(answer.status).toBe(422);
    const paths = answer.body.errors.map((error: { path: string }) => error.path);
    expect(paths).toEqual(expect.arrayContaining(["type", "contactId", "scheduledTimestamp"]));
    const unknown = await send({ type: "SMS", contactId: "x", message: "x", locationId: "nowhere" });
    expect(unknown.body.errors).toMatchObject([{ path: "locationId" }]);
  });
});

describe("an Idempotency-Key", () => {
  test("sends once, however often the request is repeated, and answers the same", async () => {
    const contact = newContact();
    const body = { type: "SMS", contactId: contact.id, message: "once" };
    const headers = { "idempotency-key": `key-${counter}` };
    const answers = [await send(body, headers), await send(body, headers)];
    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    expect(answers[1]?.body).toEqual(answers[0]?.body);
    expect(answers[1]?.headers["idempotency-replayed"]).toBe("true");
    expect(inHighlevel(contact.id)).toHaveLength(1);

    const together = await Promise.all(
      [1, 2, 3, 4].map(() => send({ ...body, message: "together" }, { "idempotency-key": `together-${counter}` })),
    );
    expect(together.every(({ status }) => status === 200 || status === 409)).toBe(true);
    expect(inHighlevel(contact.id)).toHaveLength(2);
  });

  test("is refused for another request", async () => {
    const contact = newContact();
    const headers = { "idempotency-key": `other-${counter}` };
    await send({ type: "SMS", contactId: contact.id, message: "one" }, headers);
    const other = await send({ type: "SMS", contactId: contact.id, message: "two" }, headers);
    expect(other.status).toBe(422);
    expect(other.body.errors).toMatchObject([{ path: "Idempotency-Key" }]);
  });

  test("may be used again after a refusal, but not when HighLevel may have sent it", async () => {
    const contact = newContact();
    const body = { type: "SMS", contactId: contact.id, message: "again" };
    const headers = { "idempotency-key": `again-${counter}` };
    twoWay.bridge.sandbox.setFaults([{ kind: "status", path: "/conversations/messages", status: 429, times: 1 }]);
    expect((await send(body, headers)).status).toBe(429);
    expect((await send(body, headers)).status).toBe(200);

    const lost = { "idempotency-key": `lost-${counter}` };
    twoWay.bridge.sandbox.setFaults([{ kind: "no-answer", path: "/conversations/messages", times: 1 }]);
    expect((await send({ ...body, message: "lost" }, lost)).status).toBe(504);
    const repeated = await send({ ...body, message: "lost" }, lost);
    expect(repeated.status).toBe(409);
    expect(inHighlevel(contact.id).filter((message) => message.body === "lost")).toHaveLength(1);
  });
});

describe("?wait=false", () => {
  test("queues it, and tells later what became of it", async () => {
    const contact = newContact();
    const headers = { "idempotency-key": `queued-${counter}` };
    const body = { type: "SMS", contactId: contact.id, message: "later" };
    const queued = await send(body, headers, "?wait=false");
    expect(queued.status).toBe(202);
    expect(queued.body).toEqual({ id: expect.any(Number), state: "queued" });
    const told = await until(
      () => twoWay.bridge.sent(queued.body.id),
      (answer) => answer.body.state === "sent",
    );
    expect(told.body).toMatchObject({ messageId: expect.any(String), conversationId: expect.any(String) });
    expect((await send(body, headers, "?wait=false")).body.id).toBe(queued.body.id);
    expect(inHighlevel(contact.id)).toHaveLength(1);
  });

  test("never has HighLevel send it twice: where the answer was lost, it has failed for a person to look", async () => {
    const contact = newContact();
    twoWay.bridge.sandbox.setFaults([{ kind: "no-answer", path: "/conversations/messages", times: 1 }]);
    const queued = await send({ type: "SMS", contactId: contact.id, message: "lost later" }, {}, "?wait=false");
    const told = await until(
      () => twoWay.bridge.sent(queued.body.id),
      (answer) => answer.body.state === "failed",
    );
    expect(told.body.error).toMatchObject({ code: "unconfirmed" });
    expect(inHighlevel(contact.id)).toHaveLength(1);
  });
});
