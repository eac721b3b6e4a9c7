import supertest from "supertest";
import { beforeEach, describe, expect, test } from "vitest";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";

let sandbox: Sandbox;
let contactId: string;
beforeEach(() => {
  sandbox = createSandbox({ rateLimit: undefined });
  setUp(sandbox);
});

function setUp(target: Sandbox) {
  target.putLocation({
    id: "loc",
    token: "good",
    providers: [
      { id: "extra-sms", channel: "sms", extra: true },
      { id: "default-sms", channel: "sms", extra: false },
      { id: "extra-mail", channel: "email", extra: true },
    ],
  });
  target.putLocation({ id: "other", token: "other", providers: [] });
  contactId = target.addContact({
    locationId: "loc",
    phone: "+15005550006",
    email: "ann@example.org",
    name: "<b>Ann</b>",
  }).id;
}

const call = (method: "get" | "post", path: string, headers: Record<string, string> = {}, target = sandbox) =>
  supertest(target.app)
    [method](path)
    .set({ authorization: "Bearer good", version: "2021-04-15", ...headers });
const inbound = (body: Record<string, unknown>) =>
  call("post", "/conversations/messages/inbound").send({
    type: "Custom",
    conversationProviderId: "extra-sms",
    contactId,
    direction: "inbound",
    message: "hi",
    ...body,
  });
const mail = (body: Record<string, unknown> = {}) =>
  inbound({
    conversationProviderId: "extra-mail",
    html: "<p>hi</p>",
    emailFrom: "ann@example.org",
    emailTo: "us@example.com",
    ...body,
  });

describe("access", () => {
  test.each([
    [{ authorization: "" }, 401, /Invalid token/],
    [{ authorization: "Bearer bad" }, 401, /Invalid token/],
    [{ version: "" }, 401, /version header was not found/],
    [{ version: "2020-01-01" }, 401, /version header is invalid/],
  ])("%j is refused in HighLevel's shape", async (headers, status, words) => {
    const answer = await call("get", "/conversations/search?locationId=loc", headers);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({
      statusCode: status,
      message: expect.stringMatching(words),
      error: "Unauthorized",
      traceId: expect.any(String),
    });
  });

  test("a token reaches its own location only", async () => {
    const headers = { authorization: "Bearer other" };
    expect((await call("get", `/contacts/${contactId}`, headers)).status).toBe(403);
    expect(
      (await call("post", "/contacts/upsert", headers).send({ locationId: "loc", phone: "+15005550001" })).status,
    ).toBe(403);
  });

  test("a revoked token is refused at once", async () => {
    sandbox.revokeToken("loc");
    expect((await inbound({})).status).toBe(401);
  });

  test("what is not there is a 404", async () => {
    expect(await call("get", "/nothing")).toMatchObject({ status: 404, body: { message: "Cannot GET /nothing" } });
  });
});

describe("POST /conversations/messages/inbound", () => {
  test("stores the message and answers with its ids", async () => {
    const answer = await inbound({ altId: "a-1", date: "2026-11-21T10:00:00+01:00" });
    expect(answer).toMatchObject({
      status: 200,
      body: { success: true, contactId, dateAdded: "2026-11-21T09:00:00.000Z" },
    });
    expect(sandbox.messages()).toMatchObject([
      { altId: "a-1", body: "hi", direction: "inbound", messageId: answer.body.messageId },
    ]);
  });

  test.each([
    [{ type: "Fax" }, 422, "type must be a valid enum value"],
    [{ type: undefined }, 422, "type must be a valid enum value"],
    [{ type: "SMS" }, 400, "Incorrect conversationProviderId/type"],
    [{ conversationProviderId: "default-sms" }, 400, "Incorrect conversationProviderId/type"],
    [{ conversationProviderId: "unknown" }, 400, "You don't have access to the conversationProvider with id unknown"],
    [{ attachments: [] }, 422, "attachments must contain at least 1 elements"],
    [{ attachments: "x" }, 422, "attachments must be an array"],
    [{ message: "" }, 422, "There is no message or attachments for this message. Skip sending."],
    [{ contactId: "nobody" }, 400, "Contact with id nobody not found"],
    [{ contactId: undefined }, 422, "conversationId or contactId should not be empty"],
    [{ date: "yesterday" }, 422, "date must be a valid ISO 8601 date string"],
    [{ emailMessageId: "unknown" }, 400, "No message found for the id unknown"],
  ])("refuses %j and stores nothing", async (wrong, status, words) => {
    const answer = await inbound(wrong);
    expect(answer.status).toBe(status);
    expect([answer.body.message].flat()).toContain(words);
    expect(sandbox.messages()).toEqual([]);
  });

  test("takes the default provider with its channel's own type, with or without its id", async () => {
    expect((await inbound({ type: "SMS", conversationProviderId: "default-sms" })).status).toBe(200);
    expect((await inbound({ type: "SMS", conversationProviderId: undefined })).status).toBe(200);
  });

  test("answers Custom without a provider with an empty 201, and stores nothing", async () => {
    const answer = await inbound({ conversationProviderId: undefined });
    expect(answer).toMatchObject({ status: 201, text: "" });
    expect(sandbox.messages()).toEqual([]);
  });

  test("is outbound unless the direction is given", async () => {
    await inbound({ direction: undefined });
    expect(sandbox.messages()[0]?.direction).toBe("outbound");
  });

  test("stores a second message for a second post with the same altId", async () => {
    await inbound({ altId: "same" });
    await inbound({ altId: "same" });
    expect(sandbox.messages()).toHaveLength(2);
  });

  test("breaks down over an email without emailTo", async () => {
    expect((await mail({ emailTo: undefined })).status).toBe(500);
  });

  test("threads an email under the one that it names, and only within its conversation", async () => {
    const first = (await mail({ altId: "m-1" })).body;
    expect(first.emailMessageId).toBe(first.messageId);
    const second = (await mail({ altId: "m-2", emailMessageId: first.emailMessageId })).body;
    const [one, two] = sandbox.messages();
    expect(two?.threadId).toBe(one?.threadId);
    const list = await call("get", `/conversations/${first.conversationId}/messages`);
    expect(list.body.messages.messages).toMatchObject([
      { altId: "m-1", meta: { email: { messageIds: [first.emailMessageId, second.emailMessageId] } } },
    ]);
    expect(list.body.messages.messages[0]).not.toHaveProperty("body");
    const read = await call("get", `/conversations/messages/email/${second.emailMessageId}`);
    expect(read.body).toMatchObject({ altId: "m-2", to: ["us@example.com"] });
    const stranger = sandbox.addContact({ locationId: "loc", email: "eve@example.org" });
    expect((await mail({ contactId: stranger.id, emailMessageId: first.emailMessageId })).status).toBe(400);
  });
});

describe("conversations and contacts", () => {
  test("there is one conversation per contact, made only with the slash at the end", async () => {
    const body = { locationId: "loc", contactId };
    expect((await call("post", "/conversations").send(body)).status).toBe(404);
    const made = await call("post", "/conversations/").send(body);
    expect(made.status).toBe(201);
    const again = await call("post", "/conversations/").send(body);
    expect(again).toMatchObject({ status: 400, body: { conversationId: made.body.conversation.id } });
    const found = await call("get", `/conversations/search?locationId=loc&contactId=${contactId}`);
    expect(found.body.conversations[0].id).toBe(made.body.conversation.id);
  });

  test("messages are listed in pages, the newest first", async () => {
    for (const number of [1, 2, 3]) await inbound({ message: String(number) });
    const conversationId = sandbox.messages()[0]?.conversationId;
    const first = (await call("get", `/conversations/${conversationId}/messages?limit=2`)).body.messages;
    expect(first.messages.map((each: { body: string }) => each.body)).toEqual(["3", "2"]);
    expect(first.nextPage).toBe(true);
    const rest = await call(
      "get",
      `/conversations/${conversationId}/messages?limit=2&lastMessageId=${first.lastMessageId}`,
    );
    expect(rest.body.messages).toMatchObject({ nextPage: false, messages: [{ body: "1" }] });
  });

  test("an upsert finds by phone or email, and overwrites the name that it is given", async () => {
    const upsert = (body: object) => call("post", "/contacts/upsert").send({ locationId: "loc", ...body });
    expect((await upsert({ phone: "+15005550006" })).body).toMatchObject({
      new: false,
      contact: { id: contactId, name: "<b>Ann</b>" },
    });
    expect((await upsert({ email: "ANN@example.org", name: "A" })).body.contact).toMatchObject({
      id: contactId,
      name: "A",
    });
    expect((await upsert({ phone: "+15005550099" })).body.new).toBe(true);
    expect((await upsert({ phone: "26296" })).status).toBe(422);
    const search = await call("get", "/contacts/search/duplicate?locationId=loc&number=%2B15005550006");
    expect(search.body.contact.id).toBe(contactId);
  });
});

test("the rate limit counts per location, tells what is left, and answers 429 beyond", async () => {
  const limited = createSandbox({ rateLimit: { max: 2, intervalMs: 60_000, perDay: 100, sendsRetryAfter: true } });
  setUp(limited);
  const get = () => call("get", "/conversations/search?locationId=loc", {}, limited);
  expect((await get()).headers).toMatchObject({
    "x-ratelimit-max": "2",
    "x-ratelimit-remaining": "1",
    "x-ratelimit-daily-remaining": "99",
  });
  await get();
  const beyond = await get();
  expect(beyond.status).toBe(429);
  expect(Number(beyond.headers["retry-after"])).toBeGreaterThan(0);
  expect(
    (await call("get", "/conversations/search?locationId=other", { authorization: "Bearer other" }, limited)).status,
  ).toBe(200);
});

test("faults come as often as asked for, where asked for, and by HTTP as well", async () => {
  await supertest(sandbox.app)
    .put("/_sandbox/faults")
    .send([{ kind: "status", status: 429, retryAfterSeconds: 3, path: "/conversations", times: 2 }])
    .expect(200);
  expect((await inbound({})).headers["retry-after"]).toBe("3");
  expect((await call("get", `/contacts/${contactId}`)).status).toBe(200);
  expect((await inbound({})).status).toBe(429);
  expect((await inbound({})).status).toBe(200);
  await supertest(sandbox.app)
    .put("/_sandbox/faults")
    .send([{ kind: "fire" }])
    .expect(422);

  sandbox.setFaults([{ kind: "drop", times: 1 }]);
  await expect(inbound({ altId: "dropped" })).rejects.toThrow();
  sandbox.setFaults([{ kind: "no-answer", times: 1 }]);
  await expect(inbound({ altId: "kept" })).rejects.toThrow();
  expect(sandbox.messages().map((message) => message.altId)).toEqual([undefined, "kept"]);
  const { body } = await supertest(sandbox.app).get("/_sandbox/state");
  expect(body.messages).toHaveLength(2);
});

test("the same seed draws the same faults", async () => {
  const drawn = async () => {
    const seeded = createSandbox({ rateLimit: undefined, seed: 7 });
    setUp(seeded);
    seeded.setFaults([{ kind: "status", status: 503, rate: 0.5 }]);
    const statuses: number[] = [];
    for (let index = 0; index < 12; index++)
      statuses.push((await call("get", "/conversations/search?locationId=loc", {}, seeded)).status);
    return statuses;
  };
  expect(await drawn()).toEqual(await drawn());
  expect(new Set(await drawn())).toEqual(new Set([200, 503]));
});

test("the front page shows conversations, and nothing of a message as markup", async () => {
  await inbound({ message: '<script>alert("x")</script>', attachments: ['https://example.com/a.jpg?"onload=x'] });
  await mail({ subject: "<i>Subject</i>", html: "<img src=x onerror=alert(1)>hello" });
  const page = await supertest(sandbox.app).get("/");
  expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
  expect(page.text).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;");
  expect(page.text).toContain("&lt;b&gt;Ann&lt;/b&gt;");
  expect(page.text).not.toMatch(/<script(?! src="\/inbox\.js" defer>)|<img|<i>|"onload/);
});

test("answers no page and no control under a name that somebody else may have pointed here", async () => {
  for (const path of ["/", "/inbox.js", "/_sandbox/state", "/_sandbox/public-key"]) {
    for (const [host, status] of [
      ["rebound.example", 403],
      ["localhost:4010", 200],
      ["127.0.0.1", 200],
    ] as const) {
      expect((await supertest(sandbox.app).get(path).set("Host", host)).status, `${host}${path}`).toBe(status);
    }
  }
});
