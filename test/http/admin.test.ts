import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { signer as mailgun } from "../fixtures/mailgun/sign.ts";
import { signer as postmark } from "../fixtures/postmark/sign.ts";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { signer as twilio } from "../fixtures/twilio/sign.ts";
import { type Answer, startTestBridge, type TestBridge } from "../support/bridge.ts";
import { readFixtures } from "../support/fixtures.ts";
import { locationId, publicUrl, smsProviderId } from "../support/location.ts";
import { until } from "../support/until.ts";

let bridge: TestBridge;
beforeAll(async () => {
  bridge = await startTestBridge();
});
afterAll(() => bridge.stop());

const mapping = (extra: Record<string, unknown> = {}) => ({
  locationId,
  provider: "twilio",
  address: "+15005550009",
  conversationProviderId: smsProviderId,
  credentials: twilio.credentials,
  ...extra,
});

test("401 for everybody without the key, on every route", async () => {
  const routes = ["/locations", "/mappings", "/messages", "/deliveries", "/webhooks", "/nothing"];
  for (const path of routes) {
    for (const authorization of ["", "Bearer", "Bearer wrong", "Basic abc"]) {
      const answer = await fetch(`${bridge.url}/admin${path}`, { headers: { authorization } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
  }
});

test("400 and 415 for a body that is not JSON, 404 for a route that is not there", async () => {
  const headers = { authorization: "Bearer test-admin-key-of-more-than-32-characters" };
  const put = (contentType: string, body: string) =>
    fetch(`${bridge.url}/admin/locations/x`, {
      method: "PUT",
      body,
      headers: { ...headers, "content-type": contentType },
    });
  expect((await put("application/json", "{broken")).status).toBe(400);
  expect((await put("application/x-www-form-urlencoded", "token=x")).status).toBe(415);
  expect(await bridge.admin("GET", "/nothing")).toMatchObject({ status: 404, body: { title: "Not Found" } });
});

test.each([
  ["GET", "/locations", "limit, cursor"],
  ["GET", "/accounts", "limit, cursor"],
  ["GET", "/keys", "limit, cursor"],
  ["GET", "/mappings", "limit, cursor, locationId, accountId, address"],
  ["POST", "/mappings", "check"],
  ["POST", "/mappings/import", "accountId, dryRun"],
  ["GET", "/messages", "rfcMessageId, from, until"],
  ["GET", "/deliveries", "kind, reason, code, state"],
  ["GET", "/webhooks", "source, reason, accountId"],
  ["GET", "/webhooks/1", "no query"],
  ["POST", "/webhooks/1/replay", "no query"],
  ["POST", "/deliveries/replay", "no query"],
  ["PUT", "/locations/x", "no query"],
  ["DELETE", "/mappings/x", "no query"],
] as const)(
  "422 for %s %s with a parameter that it does not take, and which it takes: %s",
  async (method, path, takes) => {
    const body = path === "/mappings" ? mapping() : {};
    const answer = await bridge.admin(method, `${path}?colour=blue`, method === "GET" ? undefined : body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([{ path: "colour", message: expect.stringContaining(takes) }]);
  },
);

test("422 for a parameter that the send route does not take", async () => {
  const answer = await bridge.send({ type: "SMS", contactId: "c", message: "x" }, {}, "?await=false");
  expect(answer).toMatchObject({
    status: 422,
    body: { errors: [{ path: "await", message: expect.stringMatching(/takes wait$/) }] },
  });
  expect((await fetch(`${bridge.url}/admin/messages?colour=blue`)).status, "strangers learn nothing").toBe(401);
});

describe("/admin/locations", () => {
  test("are put, listed by cursor, read and deleted, and never give their token back", async () => {
    for (const id of ["loc-a", "loc-b", "loc-c"]) {
      const answer = await bridge.admin("PUT", `/locations/${id}`, { name: id, token: "pit-very-secret" });
      expect(answer.status).toBe(200);
      expect(JSON.stringify(answer.body)).not.toMatch(/secret|sealed/);
    }
    const seen: string[] = [];
    let cursor = "";
    do {
      const page = await bridge.admin("GET", `/locations?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.body.items.map((item: { id: string }) => item.id));
      cursor = page.body.nextCursor;
    } while (cursor);
    expect(seen).toEqual(["loc-a", "loc-b", "loc-c", locationId]);
    expect((await bridge.admin("GET", "/locations/loc-a")).body).toMatchObject({
      id: "loc-a",
      name: "loc-a",
      paused: null,
    });
    expect((await bridge.admin("DELETE", "/locations/loc-a")).status).toBe(204);
    expect((await bridge.admin("GET", "/locations/loc-a")).status).toBe(404);
    expect((await bridge.admin("DELETE", "/locations/loc-a")).status).toBe(404);
    expect((await bridge.admin("PUT", "/locations/loc-a", { token: "pit-again" })).body.id).toBe("loc-a");
  });

  test("422 names the field", async () => {
    const answer = await bridge.admin("PUT", "/locations/x", { name: 7, tokn: "x" });
    expect(answer).toMatchObject({ status: 422, headers: { "content-type": expect.stringContaining("problem+json") } });
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual(
      expect.arrayContaining(["name", "token"]),
    );
    expect(JSON.stringify(answer.body.errors)).toContain("tokn");
  });

  test("409 for deleting one that still has mappings", async () => {
    await bridge.admin("PUT", "/locations/loc-full", { token: "pit-x" });
    await bridge.addMapping(mapping({ locationId: "loc-full", address: "+15005550100" }));
    expect(await bridge.admin("DELETE", "/locations/loc-full")).toMatchObject({ status: 409 });
  });
});

describe("/admin/mappings", () => {
  test("201 with the URL to paste at the provider, and never the credentials again", async () => {
    const created = await bridge.admin("POST", "/mappings", mapping());
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      type: "Custom",
      unknownSender: "create",
      postAutomatic: false,
      address: "+15005550009",
    });
    expect(created.body.webhookUrl).toBe(`${publicUrl}/webhooks/${created.body.id}`);
    const read = await bridge.admin("GET", `/mappings/${created.body.id}`);
    for (const { body } of [created, read]) expect(JSON.stringify(body)).not.toMatch(/authToken|sealed|1234567890/);
    const list = await bridge.admin("GET", `/mappings?locationId=${locationId}`);
    expect(list.body.items.map((item: { id: string }) => item.id)).toContain(created.body.id);
  });

  test("put the credentials into the URL of a provider that signs nothing, only in the answer to who set them", async () => {
    const created = await bridge.admin(
      "POST",
      "/mappings",
      mapping({ provider: "postmark", address: "p@example.com", credentials: postmark.credentials }),
    );
    expect(created.body.webhookUrl).toMatch(/^https:\/\/postmark:a-long.*@bridge\.example\.com\/webhooks\//);
    const read = await bridge.admin("GET", `/mappings/${created.body.id}`);
    expect(read.body.webhookUrl).toBe(`${publicUrl}/webhooks/${created.body.id}`);
    const rotated = await bridge.admin("PATCH", `/mappings/${created.body.id}`, {
      credentials: postmark.foreignCredentials,
    });
    expect(rotated.body.webhookUrl).toContain("another-long-password");
  });

  test("take an address in any writing, and keep it in one", async () => {
    const created = await bridge.admin("POST", "/mappings", mapping({ address: "+1 (500) 555-0042" }));
    expect(created.body.address).toBe("+15005550042");
  });

  test.each([
    [{ provider: "carrier-pigeon" }, "provider", "twilio, telnyx"],
    [{ locationId: "nowhere" }, "locationId", "PUT /admin/locations/nowhere"],
    [{ address: "support@example.com" }, "address", "E.164"],
    [{ provider: "mailgun", address: "+15005550009", credentials: mailgun.credentials }, "address", "mailbox"],
    [{ type: "Email" }, "type", "SMS, Custom"],
    [{ type: "Fax" }, "type", "Invalid option"],
    [{ credentials: { accountSid: "AC1", authToken: "" } }, "credentials.accountSid", "32 hexadecimal"],
    [{ credentials: [twilio.credentials, { authToken: "x" }] }, "credentials.1.accountSid", "Invalid input"],
    [{ credentials: [] }, "credentials", "at least one"],
    [{ credentials: [1, 2, 3].map(() => twilio.credentials) }, "credentials", "at most two"],
    [{ credentials: undefined }, "credentials", "required"],
    [{ conversationProviderId: undefined, type: "Custom" }, "conversationProviderId", "is required for type Custom"],
    [{ name: 7 }, "name", "must be a text"],
    [{ unknownSender: "drop" }, "unknownSender", "Invalid option"],
    [{ conversationProviderId: "" }, "conversationProviderId", "empty"],
    [{ colour: "blue" }, "", "colour"],
  ])("422 for %j, which says what would fit", async (wrong, path, sentence) => {
    const answer = await bridge.admin("POST", "/mappings", mapping({ address: "+15005550077", ...wrong }));
    expect(answer.status).toBe(422);
    const error = answer.body.errors.find((each: { path: string }) => each.path === path);
    expect(error?.message).toContain(sentence);
  });

  test("409 for an address that the location has at this provider already, and which mapping stands for it", async () => {
    const id = await bridge.addMapping(mapping({ address: "+15005550055" }));
    const answer = await bridge.admin("POST", "/mappings", mapping({ address: "+1 500 555 0055" }));
    expect(answer.status).toBe(409);
    expect(answer.body.errors[0]).toMatchObject({ path: "address", message: expect.stringContaining(id) });
    await bridge.admin("DELETE", `/mappings/${id}`);
    expect((await bridge.admin("POST", "/mappings", mapping({ address: "+15005550055" }))).status).toBe(201);
  });

  test("404 for one that is not there, in any shape", async () => {
    for (const id of ["x", "5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11"]) {
      for (const method of ["GET", "PATCH", "DELETE"] as const) {
        expect((await bridge.admin(method, `/mappings/${id}`, {})).status).toBe(404);
      }
    }
  });

  test("change what is given and nothing else", async () => {
    const id = await bridge.addMapping(mapping({ address: "+15005550066", name: "Front desk" }));
    const changed = await bridge.admin("PATCH", `/mappings/${id}`, { unknownSender: "hold" });
    expect(changed.body).toMatchObject({ unknownSender: "hold", name: "Front desk", type: "Custom" });
    expect((await bridge.admin("PATCH", `/mappings/${id}`, { address: "+1" })).status).toBe(422);
    expect((await bridge.admin("PATCH", `/mappings/${id}`, { name: null })).body.name).toBeNull();
  });
});

test("a mapping without a conversation provider is the default one's, and has the channel's own type", async () => {
  const created = await bridge.admin(
    "POST",
    "/mappings",
    mapping({ address: "+15005550067", conversationProviderId: undefined }),
  );
  expect(created).toMatchObject({ status: 201, body: { conversationProviderId: null, type: "SMS" } });
  const change = (body: object) => bridge.admin("PATCH", `/mappings/${created.body.id}`, body);
  expect((await change({ name: "Desk" })).body).toMatchObject({ conversationProviderId: null, type: "SMS" });
  const custom = await change({ type: "Custom" });
  expect(custom).toMatchObject({ status: 422, body: { errors: [{ path: "conversationProviderId" }] } });
  const extra = { conversationProviderId: smsProviderId, type: "Custom" };
  expect((await change(extra)).body).toMatchObject(extra);
  expect((await change({ conversationProviderId: null })).body).toMatchObject({
    conversationProviderId: null,
    type: "SMS",
  });
});

describe("/admin/mappings/{id}/conversations", () => {
  test("are put, read, listed and forgotten, by an address in any writing", async () => {
    const id = await bridge.addMapping(mapping({ address: "+15005550088" }));
    const path = `/mappings/${id}/conversations`;
    const put = await bridge.admin("PUT", `${path}/${encodeURIComponent("+1 500 555 0006")}`, {
      conversationId: "c-1",
      contactId: "p-1",
    });
    expect(put).toMatchObject({
      status: 200,
      body: { address: "+15005550006", conversationId: "c-1", contactId: "p-1", replayed: 0 },
    });
    expect((await bridge.admin("GET", `${path}/+15005550006`)).body.conversationId).toBe("c-1");
    expect((await bridge.admin("GET", path)).body.items).toHaveLength(1);
    expect((await bridge.admin("DELETE", `${path}/+15005550006`)).status).toBe(204);
    expect((await bridge.admin("GET", `${path}/+15005550006`)).status).toBe(404);
    expect((await bridge.admin("GET", path)).body.items).toEqual([]);
  });

  test("422 without an id, or for an address that is none", async () => {
    const id = await bridge.addMapping(mapping({ address: "+15005550089" }));
    expect((await bridge.admin("PUT", `/mappings/${id}/conversations/+15005550006`, {})).status).toBe(422);
    expect((await bridge.admin("PUT", `/mappings/${id}/conversations/a@b.c`, { contactId: "x" })).status).toBe(422);
  });
});

describe("/admin/mappings/{id}/preview", () => {
  const sample = readFixtures("twilio").find(({ name }) => name === "mms")?.fixture.request;

  test("shows what would be posted, stores nothing and calls nobody", async () => {
    const id = await bridge.addMapping(mapping({ address: "+15005550200" }));
    const body = { ...(sample?.body as object), To: "+15005550200" };
    const calls = bridge.sandbox.callCount("/");
    const { status, body: preview } = await bridge.admin("POST", `/mappings/${id}/preview`, { body });
    expect(status).toBe(200);
    expect(preview).toMatchObject({
      verified: false,
      events: [
        {
          outcome: "posted",
          before: ["GET /contacts/search/duplicate", "POST /contacts/upsert", "POST /conversations/"],
          request: {
            method: "POST",
            path: "/conversations/messages/inbound",
            body: {
              altId: "MM00000000000000000000000000000002",
              direction: "inbound",
              conversationProviderId: smsProviderId,
            },
          },
        },
      ],
    });
    expect(preview.events[0].request.body.attachments).toHaveLength(2);
    expect(bridge.sandbox.callCount("/")).toBe(calls);
    expect((await bridge.admin("GET", `/webhooks?mappingId=${id}`)).body.items).toEqual([]);
    expect((await bridge.admin("GET", `/mappings/${id}/conversations`)).body.items).toEqual([]);
  });

  test("says whether a whole recorded request would have been accepted", async () => {
    const id = await bridge.addMapping(
      mapping({ provider: "generic-sms", address: "+15005550009", credentials: genericSms.credentials }),
    );
    const request = genericSms.sign(
      {
        contentType: "application/json",
        body: { type: "message.received", data: { id: "1", from: "+15005550006", to: "+15005550009" } },
      },
      { url: `${publicUrl}/webhooks/${id}`, at: new Date() },
    );
    const recorded = {
      headers: request.headers,
      contentType: "application/json",
      bodyBase64: request.body.toString("base64"),
    };
    expect((await bridge.admin("POST", `/mappings/${id}/preview`, recorded)).body.verified).toBe(true);
  });

  test("without a body takes one that is made and signed here, which would have been accepted", async () => {
    const id = await bridge.addMapping(mapping({ address: "+15005550204" }));
    const { body: preview } = await bridge.admin("POST", `/mappings/${id}/preview`, {});
    expect(preview).toMatchObject({ verified: true, events: [{ outcome: "posted" }] });
    expect(preview.events[0].request.body.message).toMatch(/^A test of the bridge/);
    expect((await bridge.admin("GET", `/webhooks?mappingId=${id}`)).body.items).toEqual([]);
    const signedElsewhere = { provider: "telnyx", credentials: telnyx.credentials, address: "+15005550205" };
    const another = await bridge.addMapping(mapping(signedElsewhere));
    const refused = await bridge.admin("POST", `/mappings/${another}/preview`, {});
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([
      422,
      expect.stringContaining("only Telnyx can sign"),
    ]);
  });

  test("follows what is registered and what the mapping says of strangers", async () => {
    const id = await bridge.addMapping(mapping({ address: "+15005550201", unknownSender: "hold" }));
    const body = { ...(sample?.body as object), To: "+15005550201" };
    const preview = () => bridge.admin("POST", `/mappings/${id}/preview`, { body });
    expect((await preview()).body.events[0].outcome).toBe("held");
    await bridge.admin("PUT", `/mappings/${id}/conversations/+15005550006`, { conversationId: "c-9" });
    expect((await preview()).body.events[0]).toMatchObject({
      outcome: "posted",
      before: [],
      request: { body: { conversationId: "c-9" } },
    });
  });

  test("422 for what cannot be read, with the field", async () => {
    const id = await bridge.addMapping(mapping({ address: "+15005550202" }));
    const answer = await bridge.admin("POST", `/mappings/${id}/preview`, {
      body: { MessageSid: "SM1", To: "+15005550202" },
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].message).toContain("From");
    const both = { body: {}, bodyBase64: "e30=" };
    expect((await bridge.admin("POST", `/mappings/${id}/preview`, both)).status).toBe(422);
  });

  test("takes an object for a field of a form as its JSON, whatever the object's toString is", async () => {
    const id = await bridge.addMapping(mapping({ address: "+15005550203" }));
    const body = { ...(sample?.body as object), To: "+15005550203", ToCity: { toString: "US" } };
    expect((await bridge.admin("POST", `/mappings/${id}/preview`, { body })).status).toBe(200);
  });
});

describe("what happened", () => {
  test("/admin/messages/{id} tells the whole story, and lists go by mapping, address, state and time", async () => {
    const id = await bridge.addMapping(
      mapping({ provider: "generic-sms", address: "+15005550300", credentials: genericSms.credentials }),
    );
    const post = (messageId: string, from: string) =>
      bridge.post(
        genericSms.sign(
          {
            contentType: "application/json",
            body: { type: "message.received", data: { id: messageId, from, to: "+15005550300", text: "hi" } },
          },
          { url: `${publicUrl}/webhooks/${id}`, at: new Date() },
        ),
      );
    for (const number of [1, 2, 3]) await post(`story-${number}`, `+150055504${number}0`);
    const list = (query: string) =>
      bridge.admin("GET", `/messages?mappingId=${id}${query}`).then((answer) => answer.body);
    const { items } = await until(
      () => list("&deliveryState=delivered"),
      (body) => body.items.length === 3,
    );
    expect(items.map((item: { providerMessageId: string }) => item.providerMessageId)).toEqual([
      "story-3",
      "story-2",
      "story-1",
    ]);
    expect(items[0]).not.toHaveProperty("content");
    expect((await list(`&address=${encodeURIComponent("+15005550420")}`)).items).toHaveLength(1);
    expect((await list("&until=2020-01-01T00:00:00Z")).items).toEqual([]);
    expect((await list("&from=2020-01-01T00:00:00%2B01:00&state=received")).items).toHaveLength(3);
    const firstPage = await list("&limit=2");
    expect((await list(`&limit=2&cursor=${firstPage.nextCursor}`)).items).toHaveLength(1);
    expect((await bridge.admin("GET", "/messages?from=yesterday")).status).toBe(422);
    const odd = [" ", "a\0", "x".repeat(8000), Buffer.from("1\0").toString("base64url"), "LTk5OTk5OTk5OTk5OTk5OTk5OTk"];
    for (const cursor of odd) {
      const answer = await bridge.admin("GET", `/messages?cursor=${encodeURIComponent(cursor)}`);
      expect(answer.status, cursor.slice(0, 20)).toBeOneOf([400, 422]);
      expect(JSON.stringify(answer.body).length).toBeLessThan(1000);
    }
    for (const path of ["messages", "deliveries", "webhooks", "mappings", "locations"]) {
      for (const id of ["a%00b", "9".repeat(8000), "x".repeat(8000)]) {
        const answer = await bridge.admin("GET", `/${path}/${id}`);
        expect(answer.status, `${path}/${id.slice(0, 20)}`).toBeOneOf([400, 404]);
        expect(JSON.stringify(answer.body).length).toBeLessThan(1000);
      }
    }

    const { body: story } = await bridge.admin("GET", `/messages/${items[0].id}`);
    expect(story).toMatchObject({
      providerMessageId: "story-3",
      address: "+15005550430",
      content: { text: "hi" },
      webhooks: [{ state: "processed" }],
      deliveries: [
        { state: "delivered", kind: "post-inbound", attempts: 1, attemptLog: [{ outcome: "delivered", status: 200 }] },
      ],
    });
    await expectFound(id, story);

    for (const path of ["/messages/999999", "/messages/x", "/deliveries/999999/replay", "/webhooks/0"]) {
      const method = path.endsWith("replay") ? "POST" : "GET";
      expect((await bridge.admin(method, path)).status).toBe(404);
    }
    expect((await bridge.admin("POST", `/deliveries/${story.deliveries[0].id}/replay`)).status).toBe(409);
    expect((await bridge.admin("POST", `/webhooks/${story.webhooks[0].id}/replay`)).status).toBe(409);
    expect(
      (await bridge.admin("POST", "/deliveries/replay", { kind: "post-inbound", reason: "rejected" })).body,
    ).toEqual({
      replayed: 0,
      nextCursor: null,
    });
    expect(
      (await bridge.admin("POST", "/deliveries/replay", { kind: "post-inbound", reason: "bad luck" })).status,
    ).toBe(422);
    const ofPerson = { kind: "post-inbound", address: "(500) 555-0430", mappingId: id, dryRun: true };
    expect((await bridge.admin("POST", "/deliveries/replay", ofPerson)).body).toEqual({
      dryRun: true,
      count: 0,
      sample: [],
      nextCursor: null,
    });
  });

  test.each([
    ["/deliveries/replay", "kind"],
    ["/deliveries/discard", "kind"],
    ["/webhooks/replay", "source"],
    ["/webhooks/discard", "source"],
  ])("422 for %s without its %s: what goes to HighLevel and what goes to people is not mixed", async (path, field) => {
    const { status, body } = await bridge.admin("POST", path, path.endsWith("discard") ? { note: "x" } : {});
    expect(status).toBe(422);
    expect(body.errors).toEqual([{ path: field, message: expect.stringMatching(/^must be named/) }]);
  });
});

/** The message is found by whatever is known of it, and with it its delivery and its webhook. */
async function expectFound(id: string, story: Answer["body"]) {
  const found = async (list: string, query: Record<string, string>) => {
    const answer = await bridge.admin("GET", `/${list}?mappingId=${id}&${new URLSearchParams(query)}`);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body.items;
  };
  for (const query of [
    { address: "+1 (500) 555-0430" },
    { address: " 15005550430" },
    { address: "500 555 0430" },
    { highlevelMessageId: story.highlevelMessageId },
    { contactId: (await bridge.admin("GET", `/mappings/${id}/conversations/+15005550430`)).body.contactId },
    { providerMessageId: "story-3" },
  ]) {
    const [message, ...others] = await found("messages", query);
    expect(message, JSON.stringify(query)).toMatchObject({ id: story.id, locationId });
    expect(others).toEqual([]);
    expect(await found("deliveries", query)).toMatchObject([
      { messageId: story.id, address: "+15005550430", mappingId: id, locationId },
    ]);
    expect(await found("webhooks", query)).toMatchObject([
      { id: story.webhooks[0].id, messages: [{ id: story.id, mappingId: id, address: "+15005550430" }] },
    ]);
  }
  expect(await found("deliveries", { kind: "send-outbound" })).toEqual([]);
  expect(await found("deliveries", { kind: "post-inbound", locationId })).toHaveLength(3);
  expect(await found("deliveries", { locationId: "elsewhere" })).toEqual([]);
  expect(await found("webhooks", { source: "highlevel" })).toEqual([]);
}

test("logs hold no bodies, addresses, tokens or credentials", () => {
  const written = bridge.logLines.map((line) => JSON.stringify(line)).join("\n");
  expect(written).toContain("delivery.attempted");
  expect(written).not.toMatch(/\+1500555|pit-|whsec_|example\.org|"hi"/);
});

test("/livez and /readyz say that it runs, and how long the oldest delivery waits", async () => {
  expect(await (await fetch(`${bridge.url}/livez`)).json()).toEqual({ status: "ok" });
  const ready = (await (await fetch(`${bridge.url}/readyz`)).json()) as { oldestWaitingSeconds: number };
  expect(ready).toMatchObject({
    status: "ok",
    database: "ok",
    migrations: "done",
    oldestWaitingSeconds: expect.any(Number),
    waiting: expect.any(Array),
  });
});
