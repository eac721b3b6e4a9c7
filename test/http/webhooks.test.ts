import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { signer as postmark } from "../fixtures/postmark/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { publicUrl } from "../support/location.ts";
import { startPostgres } from "../support/postgres.ts";
import { until } from "../support/until.ts";

let bridge: TestBridge;
let id: string;
const sample = (data: Record<string, unknown> = {}) => ({
  contentType: "application/json",
  body: {
    type: "message.received",
    data: { id: "m-1", from: "+15005550006", to: "+15005550009", text: "hi", ...data },
  },
});
const signed = (mappingId = id, at = new Date(), data = {}) =>
  genericSms.sign(sample(data), { url: `${publicUrl}/webhooks/${mappingId}`, at });

beforeAll(async () => {
  bridge = await startTestBridge();
  id = await bridge.addMapping({
    provider: "generic-sms",
    address: "+15005550009",
    credentials: genericSms.credentials,
  });
});
afterAll(() => bridge.stop());

const problemOf = (answer: { status: number; headers: Record<string, string>; body: unknown }) => {
  expect(answer.headers["content-type"]).toContain("application/problem+json");
  expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|at .*\.ts/);
  return answer.body as { title: string; detail: string; status: number };
};

describe("POST /webhooks/{accountId}", () => {
  test("200 when it is verified and stored", async () => {
    const answer = await bridge.post(signed());
    expect(answer).toMatchObject({ status: 200, body: "" });
    const { items } = (await bridge.admin("GET", `/webhooks?mappingId=${id}`)).body;
    expect(items).toHaveLength(1);
  });

  test("401 when it is forged, stale or unsigned, and nothing is stored", async () => {
    const before = (await bridge.admin("GET", `/webhooks?mappingId=${id}`)).body.items.length;
    const forged = { ...signed(), body: Buffer.from(signed().body.toString().replace("hi", "ho")) };
    const stale = signed(id, new Date(Date.now() - 301_000));
    const unsigned = { ...signed(), headers: { "content-type": "application/json" } };
    for (const request of [forged, stale, unsigned]) {
      const answer = await bridge.post(request);
      expect(answer.status).toBe(401);
      expect(problemOf(answer).detail).toContain("does not verify");
    }
    expect((await bridge.admin("GET", `/webhooks?mappingId=${id}`)).body.items).toHaveLength(before);
  });

  test("404 for a mapping that never was, in any shape", async () => {
    for (const unknown of ["5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11", "1", "%00", "' or 1=1"]) {
      const answer = await bridge.post({ ...signed(), url: `${publicUrl}/webhooks/${unknown}` });
      expect(answer.status).toBe(404);
      problemOf(answer);
    }
  });

  test("200 for a mapping that was deleted lately", async () => {
    const deleted = await bridge.addMapping({
      provider: "generic-sms",
      address: "+15005550010",
      credentials: genericSms.credentials,
    });
    expect((await bridge.post(signed(deleted))).status).toBe(200);
    expect((await bridge.admin("DELETE", `/mappings/${deleted}`)).status).toBe(204);
    expect((await bridge.post(signed(deleted))).status).toBe(200);
  });

  test("413 above the limit of the mapping's channel, whether the length is declared or not", async () => {
    const answer = await bridge.post(signed(id, new Date(), { text: "x".repeat(110_000) }));
    expect(answer.status).toBe(413);
    expect(problemOf(answer).detail).toContain("limit");
    const mail = await bridge.addMapping({
      provider: "postmark",
      address: "a@example.com",
      credentials: postmark.credentials,
    });
    const large = {
      contentType: "application/json",
      body: { MessageID: "1", From: "a@b.c", TextBody: "x".repeat(110_000) },
    };
    const request = postmark.sign(large, { url: `${publicUrl}/webhooks/${mail}`, at: new Date() });
    expect((await bridge.post(request)).status).toBe(200);

    const status = await new Promise((resolve) => {
      const headers = { ...signed().headers, "transfer-encoding": "chunked" };
      const chunked = httpRequest(`${bridge.url}/webhooks/${id}`, { method: "POST", headers }, (res) =>
        resolve(res.statusCode),
      );
      chunked.on("error", () => undefined);
      chunked.end("x".repeat(110_000));
    });
    expect(status).toBe(413);
  });

  test("415 for a content type that this provider never sends, and for a compressed body", async () => {
    for (const contentType of ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""]) {
      const request = signed();
      const answer = await bridge.post({ ...request, headers: { ...request.headers, "content-type": contentType } });
      expect(answer.status, contentType).toBe(415);
      problemOf(answer);
    }
    const compressed = signed();
    for (const encoding of ["gzip", "__proto__", "constructor", "identity, gzip"]) {
      const headers = { ...compressed.headers, "content-encoding": encoding };
      expect((await bridge.post({ ...compressed, headers })).status, encoding).toBe(415);
    }
  });

  test("survives a body that breaks off, and a request that is no HTTP", async () => {
    const { port } = new URL(bridge.url);
    const cut = connect(Number(port), "127.0.0.1", () => {
      cut.write(
        `POST /webhooks/${id} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"a`,
      );
      setTimeout(() => cut.destroy(), 30);
    });
    cut.on("error", () => undefined);
    const junk = connect(Number(port), "127.0.0.1", () => junk.end("\x16\x03\x01junk\r\n\r\n"));
    junk.on("error", () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await bridge.post(signed())).status).toBe(200);
  });

  test("takes either of two credentials while a secret is rotated, and the old one no longer afterwards", async () => {
    const rotated = await bridge.addMapping({
      provider: "generic-sms",
      address: "+15005550011",
      credentials: genericSms.credentials,
    });
    const withNew = () =>
      genericSms.sign(sample(), {
        url: `${publicUrl}/webhooks/${rotated}`,
        at: new Date(),
        credentials: genericSms.foreignCredentials,
      });
    expect((await bridge.post(withNew())).status).toBe(401);
    await bridge.admin("PATCH", `/mappings/${rotated}`, {
      credentials: [genericSms.foreignCredentials, genericSms.credentials],
    });
    expect((await bridge.post(withNew())).status).toBe(200);
    expect((await bridge.post(signed(rotated))).status).toBe(200);
    await bridge.admin("PATCH", `/mappings/${rotated}`, { credentials: genericSms.foreignCredentials });
    expect((await bridge.post(signed(rotated))).status).toBe(401);
  });

  test("keeps no credentials that came in headers", async () => {
    const mail = await bridge.addMapping({
      provider: "postmark",
      address: "b@example.com",
      credentials: postmark.credentials,
    });
    const body = { MessageID: "1", From: "a@b.c" };
    await bridge.post(
      postmark.sign(
        { contentType: "application/json", body },
        { url: `${publicUrl}/webhooks/${mail}`, at: new Date() },
      ),
    );
    const [webhook] = (await bridge.admin("GET", `/webhooks?mappingId=${mail}`)).body.items;
    const kept = (await bridge.admin("GET", `/webhooks/${webhook.id}`)).body;
    expect(kept.headers).not.toHaveProperty("authorization");
    expect(Buffer.from(kept.bodyBase64, "base64").toString()).toBe(JSON.stringify(body));
  });
});

test("503 with Retry-After while the database is away; it goes on by itself when it is back", async () => {
  const postgres = await startPostgres({ durable: true });
  const away = await startTestBridge({ databaseUrl: postgres.url });
  try {
    const mappingId = await away.addMapping({
      provider: "generic-sms",
      address: "+15005550009",
      credentials: genericSms.credentials,
    });
    expect((await away.post(signed(mappingId))).status).toBe(200);
    await postgres.stopImmediately();
    const answer = await away.post(signed(mappingId, new Date(), { id: "m-2" }));
    expect(answer.status).toBe(503);
    expect(answer.headers["retry-after"]).toBe("5");
    problemOf(answer);
    expect((await away.admin("GET", "/messages")).status).toBe(503);
    const ready = await fetch(`${away.url}/readyz`);
    expect(ready.status).toBe(503);
    expect((await fetch(`${away.url}/livez`)).status).toBe(200);
    await postgres.restart();
    await until(
      () => away.post(signed(mappingId, new Date(), { id: "m-2" })),
      ({ status }) => status === 200,
    );
    await until(
      () => away.sandbox.messages().map((message) => message.altId),
      (ids) => ids.length === 2,
    );
    expect((await fetch(`${away.url}/readyz`)).status).toBe(200);
  } finally {
    await away.stop();
    await postgres.stop();
  }
}, 60_000);
