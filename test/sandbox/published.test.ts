import supertest from "supertest";
import { beforeEach, describe, expect, test } from "vitest";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";

/** What the sandbox has of HighLevel's own description, beyond what the bridge uses today. */
let sandbox: Sandbox;
let contactId: string;
const providers = [
  { id: "extra-sms", channel: "sms", extra: true },
  { id: "default-sms", channel: "sms", extra: false, name: "Default" },
  { id: "extra-mail", channel: "email", extra: true },
  { id: "calls", channel: "call", extra: true },
] as const;

beforeEach(() => {
  sandbox = createSandbox({ rateLimit: undefined });
  sandbox.putLocation({ id: "loc", token: "good", providers: [...providers] });
  contactId = sandbox.addContact({
    locationId: "loc",
    phone: "+15005550006",
    email: "ann@example.org",
    name: "Ann",
  }).id;
});

type Method = "get" | "post" | "put" | "delete";
const call = (method: Method, path: string, version = "2021-04-15") =>
  supertest(sandbox.app)[method](path).set({ authorization: "Bearer good", version });
const inbound = (body: Record<string, unknown>) =>
  call("post", "/conversations/messages/inbound").send({ type: "SMS", contactId, direction: "inbound", ...body });
const send = (body: Record<string, unknown>) =>
  call("post", "/conversations/messages").send({ type: "SMS", contactId, ...body });
const control = (method: Method, path: string, body?: object) =>
  supertest(sandbox.app)[method](`/_sandbox${path}`).send(body);
const text = () => sandbox.sendAsAgent(contactId, { providerId: "extra-sms", message: "hello" });
const email = () => sandbox.sendAsAgent(contactId, { providerId: "extra-mail", html: "<p>hello</p>" });

describe("what is not published is refused with a sentence for each field", () => {
  const property = "property more should not exist";
  test.each<[string, () => ReturnType<typeof call>, string[]]>([
    ["a post", () => inbound({ message: "x", more: 1, type: "Fax" }), ["type must be a valid enum value", property]],
    ["a call's data", () => inbound({ call: { status: "lost" } }), ["call.status must be a valid enum value"]],
    ["a send", () => send({ message: "x", more: 1, status: "sent" }), ["status must be a valid enum value", property]],
    [
      "a forward",
      () => send({ forward: { more: 1 } }),
      ["forward.isForwarded must be a boolean value", `forward.${property}`],
    ],
    ["a list", () => send({ emailCc: [1] }), ["each value in emailCc must be a string"]],
    [
      "a status",
      () => call("put", `/conversations/messages/${text().messageId}/status`).send({ status: "sent", more: 1 }),
      ["status must be a valid enum value", property],
    ],
    [
      "an error without its type",
      () =>
        call("put", `/conversations/messages/${text().messageId}/status`).send({
          status: "failed",
          error: { code: 30003, message: "x" },
        }),
      ["error.code must be a string", "error.type must be a string"],
    ],
    [
      "an email's status",
      () =>
        call("put", `/conversations/messages/email/${email().emailMessageId}/status`, "v3").send({
          status: "sent",
          events: { opened: 0.5 },
        }),
      ["events.opened must be an integer number"],
    ],
    [
      "a contact",
      () => call("post", "/contacts/upsert").send({ locationId: "loc", phone: "+15005550007", tags: "a", more: 1 }),
      ["tags must be an array", property],
    ],
    [
      "do not disturb",
      () => call("post", "/contacts/upsert").send({ locationId: "loc", dndSettings: { SMS: { status: "on" } } }),
      ["dndSettings.SMS.status must be a valid enum value"],
    ],
    [
      "a conversation",
      () => call("post", "/conversations/").send({ locationId: "loc" }),
      ["contactId must be a string"],
    ],
    ["a search", () => call("get", "/conversations/search?locationId=loc&more=1"), [property]],
    [
      "a list's limit",
      () => call("get", `/conversations/${text().conversationId}/messages?limit=many`),
      ["limit must be a number conforming to the specified constraints"],
    ],
    ["a message's query", () => call("get", `/conversations/messages/${text().messageId}?more=1`), [property]],
    ["a query beside a body", () => call("post", "/conversations/messages?more=1").send({}), [property]],
    [
      "a form",
      () => supertest(sandbox.app).post("/oauth/token").type("form").send({ client_id: "a", grant_type: "password" }),
      ["client_secret must be a string", "grant_type must be a valid enum value"],
    ],
    [
      "an upload's field",
      () =>
        call("post", "/conversations/messages/upload")
          .field("more", "1")
          .attach("fileAttachment", Buffer.from("x"), "a.pdf"),
      [property],
    ],
  ])("%s", async (_what, request, sentences) => {
    const answer = await request();
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ statusCode: 422, message: sentences, error: "Unprocessable Entity" });
    expect(sandbox.messages().filter(({ status }) => status !== "pending")).toEqual([]);
  });
});

describe("what is published in several forms is answered in the one that is asked for", () => {
  const list = async () => (await call("get", `/conversations/${email().conversationId}/messages`)).body;

  test("the list of messages", async () => {
    expect((await list()).messages.messages).toHaveLength(1);
    await control("put", "/settings", { messageList: "flat" }).expect(200);
    expect((await list()).messages).toHaveLength(2);
  });

  test("meta.email", async () => {
    const plain = (await list()).messages.messages[0];
    expect(plain.meta).toEqual({ email: { messageIds: [plain.id] } });
    await control("put", "/settings", { emailMeta: "nested" }).expect(200);
    const nested = (await list()).messages.messages[0];
    expect(nested.meta).toEqual({ email: { email: { messageIds: [nested.id] } } });
  });

  test.each(["message", "emailMessage", "email"] as const)("an email within %s", async (wrap) => {
    const { emailMessageId } = email();
    await control("put", "/settings", { email: wrap }).expect(200);
    const { body } = await call("get", `/conversations/messages/email/${emailMessageId}`);
    expect(body).toEqual({ [wrap]: expect.objectContaining({ id: emailMessageId, body: "<p>hello</p>" }) });
  });

  test("messages without their altId", async () => {
    const { conversationId } = (await inbound({ message: "x", altId: "a" })).body;
    const shown = async () =>
      (await call("get", `/conversations/${conversationId}/messages`)).body.messages.messages[0];
    expect(await shown()).toMatchObject({ altId: "a" });
    sandbox.setSettings({ showsAltIds: false });
    expect(await shown()).not.toHaveProperty("altId");
  });

  test("URLs of files with a query are refused", async () => {
    const attachments = ["https://files.example/a.png?alt=media"];
    expect((await inbound({ attachments })).status).toBe(200);
    sandbox.setSettings({ takesUrlsWithQuery: false });
    for (const answer of [await inbound({ attachments }), await send({ attachments })]) {
      expect(answer).toMatchObject({ status: 422, body: { message: [expect.stringContaining("attachments")] } });
    }
    expect((await inbound({ attachments: ["https://files.example/a.png"] })).status).toBe(200);
  });

  test("but not in one that nobody knows", async () => {
    await control("put", "/settings", { emailMeta: "both" }).expect(422);
    await control("put", "/settings", { form: "flat" }).expect(422);
  });
});

describe("messages of all types", () => {
  test.each([
    ["SMS", "TYPE_SMS"],
    ["RCS", "TYPE_RCS"],
    ["WhatsApp", "TYPE_WHATSAPP"],
    ["Email", "TYPE_EMAIL"],
    ["IG", "TYPE_INSTAGRAM"],
    ["FB", "TYPE_FACEBOOK"],
    ["GMB", "TYPE_GMB"],
    ["Live_Chat", "TYPE_LIVE_CHAT"],
    ["TIKTOK", "TYPE_TIKTOK"],
    ["InternalComment", "TYPE_INTERNAL_COMMENT"],
  ])("%s is sent as a template alone, and shown as %s", async (type, messageType) => {
    const { status, body } = await send({ type, templateId: "template" });
    expect(status).toBe(200);
    const { conversationId } = body;
    const { messages } = (await call("get", `/conversations/${conversationId}/messages`)).body.messages;
    expect(messages).toMatchObject([{ messageType, contentType: expect.any(String) }]);
  });

  test("by extra providers have words of their own", async () => {
    const shown = async (id: string) => (await call("get", `/conversations/messages/${id}`)).body.messageType;
    const received = await inbound({ type: "Custom", conversationProviderId: "extra-sms", message: "x" });
    expect(await shown(received.body.messageId)).toBe("TYPE_CUSTOM_PROVIDER_SMS");
    expect(await shown(text().messageId)).toBe("TYPE_CUSTOM_SMS");
    expect(await shown(email().messageId)).toBe("TYPE_CUSTOM_EMAIL");
  });

  test.each(["WhatsApp", "RCS"] as const)("%s is asked of the provider of texts by that word", (type) => {
    const deliveryUrl = "http://127.0.0.1:9/delivery";
    sandbox.putLocation({ id: "loc", token: "good", providers: [{ ...providers[0], deliveryUrl }] });
    sandbox.sendAsAgent(contactId, { type, message: "x" });
    expect(sandbox.webhookCalls().at(-1)).toMatchObject({ url: deliveryUrl, body: { type, message: "x" } });
    text();
    expect(sandbox.webhookCalls().at(-1)?.body).toMatchObject({ type: "Custom" });
  });

  test("of channels of HighLevel's own are asked of no provider", async () => {
    const deliveryUrl = "http://127.0.0.1:9/delivery";
    sandbox.putLocation({ id: "loc", token: "good", providers: [{ ...providers[1], deliveryUrl }] });
    for (const type of ["IG", "InternalComment"]) expect((await send({ type, message: "x" })).status).toBe(200);
    expect(sandbox.webhookCalls()).toEqual([]);
  });

  test("are listed by their type", async () => {
    email();
    const { conversationId } = text();
    const listed = async (types: string) =>
      (await call("get", `/conversations/${conversationId}/messages?type=${types}`)).body.messages?.messages?.length;
    await send({ type: "WhatsApp", message: "x" });
    expect([await listed("TYPE_WHATSAPP"), await listed("TYPE_WHATSAPP,TYPE_SMS"), await listed("TYPE_CALL")]).toEqual([
      1, 1, 0,
    ]);
    expect(await listed("TYPE_FAX")).toBeUndefined();
  });
});

describe("a call", () => {
  const call_ = { from: "+15005550006", to: "+15005550000", status: "voicemail" };
  const log = { type: "Call", conversationProviderId: "calls" };

  test("that came in is logged with what became of it", async () => {
    const { body } = await inbound({ ...log, call: call_ });
    const shown = (await call("get", `/conversations/messages/${body.messageId}`)).body;
    expect(shown).toMatchObject({ type: 34, messageType: "TYPE_CUSTOM_CALL", meta: { callStatus: "voicemail" } });
  });

  test("that went out is logged in its conversation", async () => {
    const { conversationId } = text();
    const body = { ...log, conversationId, call: { from: call_.to, to: call_.from, status: "completed" } };
    expect((await call("post", "/conversations/messages/outbound").send(body)).body).toMatchObject({ success: true });
    expect(sandbox.messages().at(-1)).toMatchObject({ type: "Call", direction: "outbound", callStatus: "completed" });
    const asText = await call("post", "/conversations/messages/outbound").send({ ...body, type: "SMS" });
    expect(asText.status).toBe(422);
  });

  test.each([
    ["of somebody else", { ...log, call: { ...call_, from: "+15005550099" } }],
    ["without its numbers", log],
    ["without a provider", { ...log, conversationProviderId: undefined, call: call_ }],
    ["by a provider of texts", { ...log, conversationProviderId: "extra-sms", call: call_ }],
  ])("%s is refused", async (_what, body) => {
    expect((await inbound(body)).status).toBe(400);
    expect(sandbox.messages()).toEqual([]);
  });

  test("provider takes no texts", async () => {
    expect((await inbound({ ...log, type: "Custom", message: "x" })).status).toBe(400);
    expect((await send({ conversationProviderId: "calls", message: "x" })).status).toBe(400);
  });
});

describe("a contact that is gone", () => {
  const gone = `Contact with id`;

  test.each([
    ["deleted", () => control("delete", `/contacts/${contactId}`)],
    [
      "merged into another",
      () => {
        const heir = sandbox.addContact({ locationId: "loc", phone: "+15005550009" });
        return control("post", `/contacts/${contactId}/merge`, { intoId: heir.id });
      },
    ],
  ])("%s is known to no call by its old ids", async (_how, remove) => {
    const { conversationId } = text();
    await remove().expect(200);
    for (const answer of [
      await inbound({ message: "x" }),
      await send({ message: "x" }),
      await call("get", `/contacts/${contactId}`),
      await call("post", "/conversations/").send({ locationId: "loc", contactId }),
    ]) {
      expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining(gone) } });
    }
    for (const answer of [
      await inbound({ contactId: undefined, conversationId, message: "x" }),
      await call("get", `/conversations/${conversationId}`),
      await call("get", `/conversations/${conversationId}/messages`),
    ]) {
      expect(answer).toMatchObject({
        status: 400,
        body: { message: `Conversation with id ${conversationId} not found` },
      });
    }
  });

  test("is found under the one that it was merged into", async () => {
    const heir = sandbox.addContact({ locationId: "loc", phone: "+15005550009" });
    await control("post", `/contacts/${contactId}/merge`, { intoId: heir.id }).expect(200);
    const { body } = await call("get", "/contacts/search/duplicate?locationId=loc&number=%2B15005550006");
    expect(body.contact.id).toBe(heir.id);
  });

  test("cannot go twice, nor into itself or nothing", async () => {
    await control("post", `/contacts/${contactId}/merge`, { intoId: contactId }).expect(422);
    await control("post", `/contacts/${contactId}/merge`, { intoId: "nobody" }).expect(404);
    await control("delete", `/contacts/${contactId}`).expect(200);
    await control("delete", `/contacts/${contactId}`).expect(404);
  });
});

describe("a location's conversation channels", () => {
  const channels = (type: string, version = "v3") =>
    call("get", `/locations/loc/conversationChannels/${type}`, version);

  test("tell the providers, and which one is the default", async () => {
    const entry = (_id: string, name: string, type: string, isDefault: boolean) => ({
      conversationProvider: { _id, name, type, default: isDefault },
    });
    expect((await channels("SMS")).body).toEqual({
      conversationChannel: {
        SMS: [entry("extra-sms", "extra-sms", "SMS", false), entry("default-sms", "Default", "SMS", true)],
      },
    });
    expect((await channels("Email")).body).toEqual({
      conversationChannel: { Email: [entry("extra-mail", "extra-mail", "Email", false)] },
    });
  });

  test("are there from v3 on, of texts and emails, and of the token's own location", async () => {
    expect((await channels("SMS", "2021-07-28")).status).toBe(404);
    expect((await channels("Call")).status).toBe(422);
    expect((await call("get", "/locations/other/conversationChannels/SMS", "v3")).status).toBe(403);
  });
});

describe("the export of messages", () => {
  const exported = async (query: string) =>
    (await call("get", `/conversations/messages/export?locationId=loc&${query}`)).body;

  test("gives all of a location, in pages that follow each other", async () => {
    for (let index = 0; index < 25; index++) {
      await inbound({ message: String(index), date: new Date(1_700_000_000_000 + index * 1000).toISOString() });
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await exported(`limit=10&sortOrder=asc${cursor === undefined ? "" : `&cursor=${cursor}`}`);
      expect(page.total).toBe(25);
      seen.push(...page.messages.map((each: { body: string }) => each.body));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => String(index)));
    expect((await exported("limit=10")).messages[0].body).toBe("24");
  });

  test("gives those of a contact, a channel or a time", async () => {
    await inbound({ message: "old", date: "2024-01-01T00:00:00Z" });
    email();
    const other = sandbox.addContact({ locationId: "loc", phone: "+15005550008" });
    await inbound({ contactId: other.id, message: "other" });
    expect((await exported(`contactId=${contactId}`)).total).toBe(2);
    expect((await exported("channel=Email")).total).toBe(1);
    expect((await exported("endDate=2024-06-01T00:00:00Z")).messages).toMatchObject([{ body: "old" }]);
    expect((await exported("startDate=2024-06-01T00:00:00Z")).total).toBe(2);
  });

  test.each(["limit=9", "limit=501", "channel=Fax", "sortBy=name", "more=1"])("refuses %s", async (query) => {
    expect(await exported(query)).toMatchObject({ statusCode: 422 });
  });
});
