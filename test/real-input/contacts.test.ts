import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type RealInput, startRealInput } from "../support/real-input.ts";
import { until } from "../support/until.ts";

let real: RealInput;
beforeAll(async () => {
  real = await startRealInput();
});
afterAll(() => real.stop());
afterEach(() => real.bridge.sandbox.setFaults([]));

const inbound = "/conversations/messages/inbound";
const upserts = () => real.bridge.sandbox.callCount("/contacts/upsert");
const contact = (id: string) => real.bridge.sandbox.contacts().find((each) => each.id === id);
const refuse = (words: string, more: { path: string; times?: number; status?: number; exact?: boolean }) => {
  const { status = 400 } = more;
  return { kind: "status" as const, body: { statusCode: status, message: words }, ...more, status };
};
/** What an operator reads of the newest message of this person. */
async function storyOf(address: string): Promise<string> {
  const { admin } = real.bridge;
  const { body: list } = await admin("GET", `/messages?limit=1&address=${encodeURIComponent(address)}`);
  const story = () => admin("GET", `/messages/${list.items[0].id}`).then(({ body }) => body.deliveries[0]);
  return JSON.stringify(await until(story, ({ state }) => state === "delivered"));
}
const hold = (unknownSender: string) =>
  real.bridge.admin("PATCH", `/mappings/${real.way("generic-sms").mappingId}`, { unknownSender });

describe("a contact's record stays as it is when the person writes by another address of it", () => {
  test("a second number", async () => {
    const known = real.addContact({ phone: "+15005550301", additionalPhones: ["+15005550302"] });
    const before = upserts();
    await real.receiveText({ id: "second-number", from: "+15005550302" });
    expect((await real.posted("second-number")).contactId).toBe(known.id);
    expect([contact(known.id)?.phone, upserts()]).toEqual(["+15005550301", before]);
  });

  test.each([undefined, "Ann Lee"])("a second mailbox, by the name %s", async (fromName) => {
    const [email, second] = [`first-${fromName}@home.example`, `second-${fromName}@home.example`];
    const spelled = (address: string) => address.replace(" ", ".").toLowerCase();
    const known = real.addContact({ email: spelled(email), additionalEmails: [spelled(second)], name: "Dr. Lee" });
    const before = upserts();
    const id = `second-mailbox-${fromName}`;
    await real.receiveEmail({ id, from: spelled(second), ...(fromName ? { fromName } : {}) });
    expect((await real.posted(id)).contactId).toBe(known.id);
    expect(contact(known.id)).toMatchObject({ email: spelled(email), name: "Dr. Lee" });
    expect(upserts()).toBe(before);
  });

  test("who is not there yet is made, also where the search answers 404", async () => {
    real.bridge.sandbox.setFaults([refuse("Not Found", { path: "/contacts/search/duplicate", status: 404 })]);
    await real.receiveText({ id: "stranger", from: "+15005550303" });
    expect(contact((await real.posted("stranger")).contactId)?.phone).toBe("+15005550303");
  });

  test("who was made by somebody else at the same moment is taken from the refusal", async () => {
    const known = real.addContact({ phone: "+15005550399" });
    const body = { statusCode: 400, message: "This location does not allow duplicated contacts." };
    const meta = { contactId: known.id, matchingField: "phone" };
    const status = { kind: "status" as const, status: 400, body: { ...body, meta } };
    real.bridge.sandbox.setFaults([{ ...status, path: "/contacts/upsert", times: 1 }]);
    await real.receiveText({ id: "twin", from: "+15005550304" });
    expect((await real.posted("twin")).contactId).toBe(known.id);
  });
});

describe("people whose contact was merged or deleted in HighLevel are heard", () => {
  test("a text after a merge stands with the contact that is left, and so does the next", async () => {
    await real.receiveText({ id: "merge-1", from: "+15005550311" });
    const { contactId } = await real.posted("merge-1");
    const heir = real.addContact({ phone: "+15005550312" });
    real.bridge.sandbox.mergeContact(contactId, heir.id);
    const before = real.bridge.sandbox.callCount(inbound);
    await real.receiveText({ id: "merge-2", from: "+15005550311" });
    expect((await real.posted("merge-2")).contactId).toBe(heir.id);
    const afterSecond = real.bridge.sandbox.callCount(inbound);
    expect(await storyOf("+15005550311")).toContain("ids forgotten that HighLevel has no more");
    expect(afterSecond - before).toBeLessThanOrEqual(3);
    await real.receiveText({ id: "merge-3", from: "+15005550311" });
    expect((await real.posted("merge-3")).contactId).toBe(heir.id);
    expect(real.bridge.sandbox.callCount(inbound)).toBe(afterSecond + 1);
  });

  test("an email with a file that answers one of the old contact", async () => {
    await real.receiveEmail({ id: "del-1", from: "gone@home.example" });
    const { contactId } = await real.posted("del-1");
    real.bridge.sandbox.deleteContact(contactId);
    const Content = Buffer.from("bytes").toString("base64");
    const file = { Name: "plan.pdf", ContentType: "application/pdf", ContentLength: 5, ContentID: "", Content };
    const headers = { "In-Reply-To": "<del-1@mail.example.net>" };
    await real.receiveEmail({ id: "del-2", from: "gone@home.example", headers, attachments: [file] });
    const posted = await real.posted("del-2");
    expect(posted.contactId).not.toBe(contactId);
    expect(posted.attachments).toEqual([expect.stringContaining("plan.pdf")]);
  });

  test.each([
    ["Conversation not found", 404],
    ["The contact was deleted", 400],
    ["Unable to find contact for this conversation", 422],
  ])("%s", async (words, status) => {
    const from = `+1500555032${status % 10}`;
    await real.receiveText({ id: `${words} 1`, from });
    await real.posted(`${words} 1`);
    real.bridge.sandbox.setFaults([refuse(words, { path: inbound, times: 1, status })]);
    await real.receiveText({ id: `${words} 2`, from });
    await real.posted(`${words} 2`);
  });

  test("a refusal that stays is the end after a few calls, and loops never", async () => {
    const from = "+15005550331";
    await real.receiveText({ id: "loop-1", from });
    await real.posted("loop-1");
    const before = real.bridge.sandbox.callCount(inbound);
    real.bridge.sandbox.setFaults([refuse("Contact with id x not found", { path: inbound })]);
    await real.receiveText({ id: "loop-2", from });
    await until(
      async () => (await real.kept("generic-sms", "loop-2")).deliveries[0]?.state,
      (state) => state === "dead",
    );
    expect(real.bridge.sandbox.callCount(inbound) - before).toBeLessThanOrEqual(3);
  });

  test("a mapping that holds unknown senders holds them again, and so until somebody registers them", async () => {
    const from = "+15005550341";
    await real.receiveText({ id: "held-1", from });
    const { contactId } = await real.posted("held-1");
    await hold("hold");
    real.bridge.sandbox.deleteContact(contactId);
    for (const id of ["held-2", "held-3"]) {
      await real.receiveText({ id, from });
      const [delivery] = await until(
        async () => (await real.kept("generic-sms", id)).deliveries,
        ([first]) => first?.state === "dead",
      );
      expect(delivery).toMatchObject({ reason: "unknown_sender" });
    }
    const heir = real.addContact({ phone: from });
    const { mappingId } = real.way("generic-sms");
    await real.bridge.admin("PUT", `/mappings/${mappingId}/conversations/${encodeURIComponent(from)}`, {
      contactId: heir.id,
    });
    expect((await real.posted("held-2")).contactId).toBe(heir.id);
    await hold("create");
  });

  test("only the conversation was deleted: the contact that somebody registered stays", async () => {
    const from = "+15005550351";
    const registered = real.addContact({ email: "shared@home.example", phone: "+15005550352" });
    const { mappingId } = real.way("generic-sms");
    const path = `/mappings/${mappingId}/conversations/${encodeURIComponent(from)}`;
    await real.bridge.admin("PUT", path, { contactId: registered.id, conversationId: "deleted-conversation" });
    await real.receiveText({ id: "conversation-gone", from });
    expect((await real.posted("conversation-gone")).contactId).toBe(registered.id);
  });
});

describe("what HighLevel does not show yet is waited for", () => {
  test.each([
    ["A conversation of the contact already exists", "+15005550361"],
    ["Duplicate conversation", "+15005550362"],
  ])("%s", async (words, from) => {
    const refused = refuse(words, { path: "/conversations/", exact: true });
    const hidden = { kind: "status" as const, status: 400, body: refused.body, path: "/conversations/", times: 3 };
    real.bridge.sandbox.setFaults([{ ...hidden, exact: true }]);
    await real.receiveText({ id: words, from });
    await real.posted(words);
    await until(
      () => real.kept("generic-sms", words),
      ({ deliveries: [delivery] }) => delivery.state === "delivered",
    );
  });
});

describe("a message is not lost for a part of it", () => {
  test.each([
    ["each value in attachments must be a URL address", 422],
    ["attachments: unsupported file extension", 400],
  ])("%s: the text is posted, and the file named", async (words, status) => {
    real.bridge.sandbox.setFaults([refuse(words, { path: inbound, times: 1, status })]);
    const attachments = [
      { url: "https://files.example.com/a.jpg?alt=media", name: "a.jpg", contentType: "image/jpeg" },
    ];
    await real.receiveText({ id: words, from: "+15005550371", attachments });
    const posted = await real.posted(words);
    expect(posted.attachments).toEqual([]);
    expect(posted.body).toBe(`The words of ${words}\n[Attachment: a.jpg, image/jpeg: not taken by HighLevel]`);
  });

  test("of several files those go along that the refusal does not name", async () => {
    const bad = "https://files.example.com/b.jpg?alt=media";
    real.bridge.sandbox.setFaults([
      refuse(`attachments: ${bad} is not allowed`, { path: inbound, times: 1, status: 422 }),
    ]);
    const attachments = [{ url: bad }, { url: "https://files.example.com/c.jpg" }];
    await real.receiveText({ id: "two-files", from: "+15005550372", attachments });
    expect((await real.posted("two-files")).attachments).toEqual(["https://files.example.com/c.jpg"]);
  });

  test("an email whose thread is gone is posted outside it", async () => {
    await real.receiveEmail({ id: "thread-1", from: "thread@home.example" });
    const first = await real.posted("thread-1");
    real.bridge.sandbox.setFaults([
      refuse("No message found for the id of emailMessageId", { path: inbound, times: 1 }),
    ]);
    const headers = { "In-Reply-To": "<thread-1@mail.example.net>" };
    await real.receiveEmail({ id: "thread-2", from: "thread@home.example", headers });
    const second = await real.posted("thread-2");
    expect(second.contactId).toBe(first.contactId);
    expect(second.threadId).not.toBe(first.threadId);
  });
});
