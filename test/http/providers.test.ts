import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import { adapterOf, declaredOrigins, withdrawProvider } from "../../src/providers/registry.ts";
import { declareFiles } from "../../src/registry/provider-files.ts";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { copyMigrated } from "../support/database.ts";
import { readFixtures } from "../support/fixtures.ts";
import { locationId, publicUrl, smsProviderId } from "../support/location.ts";
import { until } from "../support/until.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "../../docs/declared", `${name}.json`), "utf8");
const document = (name: string) => JSON.parse(read(name));

let bridge: TestBridge;
let database: Awaited<ReturnType<typeof copyMigrated>>;
beforeAll(async () => {
  database = await copyMigrated(inject);
  bridge = await startTestBridge({ databaseUrl: database.url });
});
afterAll(async () => {
  await bridge.stop();
  for (const name of declaredOrigins().keys()) withdrawProvider(name);
});

async function addAccount(provider: string, given: object): Promise<string> {
  const { status, body } = await bridge.admin("POST", "/accounts", { provider, credentials: given });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id;
}

test("a provider is declared, receives by its document, and is not deleted while it has accounts", async () => {
  const made = await bridge.admin("POST", "/providers", document("x-telnyx"));
  expect(made).toMatchObject({ status: 201, body: { name: "x-telnyx", document: { label: "Telnyx" } } });
  expect((await bridge.admin("POST", "/providers", document("x-telnyx"))).status).toBe(409);
  expect((await bridge.admin("GET", "/providers/x-telnyx")).body.document).toMatchObject({ name: "x-telnyx" });

  const accountId = await addAccount("x-telnyx", telnyx.sendCredentials as object);
  const mapping = { locationId, address: "+15005550009", conversationProviderId: smsProviderId };
  expect((await bridge.admin("POST", "/mappings", { accountId, ...mapping })).status).toBe(201);
  const sample = readFixtures("telnyx").find(({ name }) => name === "text")?.fixture.request;
  if (!sample) return expect.unreachable("telnyx has no text");
  const url = `${publicUrl}/webhooks/${accountId}`;
  expect((await bridge.post(telnyx.sign(sample, { url, at: new Date() }))).status).toBe(200);
  const { sandbox } = bridge;
  await until(
    () => sandbox.messages().map(({ body }) => body),
    (bodies) => bodies.includes("Hello from Telnyx"),
  );
  const forged = telnyx.sign(sample, { url, at: new Date(), credentials: telnyx.foreignCredentials });
  expect((await bridge.post(forged)).status).toBe(401);

  const refused = await bridge.admin("DELETE", "/providers/x-telnyx");
  expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining(accountId) } });
});

test("a trial in the same process takes no declared providers, and leaves those of the bridge beside it", async () => {
  const trial = await startTestBridge({ isTrial: true });
  try {
    const changed = { ...document("x-telnyx"), label: "Of the trial" };
    for (const [method, path, body] of [
      ["POST", "/providers", changed],
      ["PUT", "/providers/x-telnyx", changed],
      ["DELETE", "/providers/x-telnyx", undefined],
    ] as const) {
      const refused = { status: 409, body: { detail: expect.stringContaining("a trial takes no declared providers") } };
      expect(await trial.admin(method, path, body)).toMatchObject(refused);
    }
    const account = { provider: "x-telnyx", credentials: telnyx.sendCredentials };
    expect((await trial.admin("POST", "/accounts", account)).status).toBe(422);
    expect(adapterOf("x-telnyx")?.label).toBe("Telnyx");
  } finally {
    await trial.stop();
  }
});

test("a change that would break what accounts have stored is refused, and names the account, not what it has", async () => {
  const changed = document("x-telnyx");
  const put = (given: unknown) => bridge.admin("PUT", "/providers/x-telnyx", given);
  changed.credentials.region = { label: "Region", help: "A new one.", need: "always", secret: false };
  expect(await put(changed)).toMatchObject({
    status: 409,
    body: { detail: expect.stringMatching(/no longer fit: .*region/) },
  });
  changed.credentials.region.need = "to send";
  const refused = await put(changed);
  expect(refused).toMatchObject({
    status: 409,
    body: { detail: expect.stringMatching(/no longer send: it has no region/) },
  });
  expect(JSON.stringify(refused.body)).not.toContain("KEY0123456789_test");
  changed.credentials.region.need = "if wanted";
  changed.label = "Telnyx, changed";
  expect(await put(changed)).toMatchObject({ status: 200, body: { document: { label: "Telnyx, changed" } } });
  expect(adapterOf("x-telnyx")?.label).toBe("Telnyx, changed");
});

test("another process's change is known within seconds, without a word from it", async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const other = JSON.stringify({ ...document("x-telnyx"), label: "Telnyx, by another" });
  await client.query("update providers set document = $1, version = gen_random_uuid()", [other]);
  const label = () => adapterOf("x-telnyx")?.label;
  await until(label, (known) => known === "Telnyx, by another");
  await client.query("update providers set document = '{}', version = gen_random_uuid()");
  const line = { event: "provider.unknown", provider: "x-telnyx", detail: expect.stringContaining("does not take") };
  const unknown = () => bridge.logLines.filter(({ event }) => event === "provider.unknown");
  await until(unknown, (lines) => lines.length > 0);
  expect(bridge.logLines).toContainEqual(expect.objectContaining(line));
  expect(label(), "goes on by what it knew").toBe("Telnyx, by another");
  await client.query("update providers set document = $1, version = gen_random_uuid()", [other]);
  await client.end();
});

test("a deleted one is offered to nobody, and can be made again", async () => {
  expect((await bridge.admin("PUT", "/providers/x-smsgate", document("x-smsgate"))).status).toBe(200);
  expect((await bridge.admin("DELETE", "/providers/x-smsgate")).status).toBe(204);
  expect((await bridge.admin("DELETE", "/providers/x-smsgate")).status).toBe(404);
  expect((await bridge.admin("GET", "/providers/x-smsgate")).status).toBe(404);
  const account = { provider: "x-smsgate", credentials: { signingKey: "k" } };
  expect((await bridge.admin("POST", "/accounts", account)).status).toBe(422);
  expect((await bridge.admin("GET", "/providers")).body.items.map(({ name }: { name: string }) => name)).toEqual([
    "x-telnyx",
  ]);
  expect((await bridge.admin("POST", "/providers", document("x-smsgate"))).status).toBe(201);
  await addAccount("x-smsgate", { signingKey: "k" });
});

test("a provider that signs nothing is pasted with its secret", async () => {
  await bridge.admin("POST", "/providers", document("x-clicksend"));
  const account = { provider: "x-clicksend", credentials: { webhookToken: "a token of our own" } };
  const { body } = await bridge.admin("POST", "/accounts?check=false", account);
  expect(body.webhookUrl).toBe(`${publicUrl}/webhooks/${body.id}?token=a%20token%20of%20our%20own`);
  const short = await bridge.admin("POST", "/accounts", { ...account, credentials: { webhookToken: "short" } });
  expect(short).toMatchObject({ status: 422, body: { errors: [{ path: "credentials.webhookToken" }] } });
});

test("wrong documents are told by their paths, and those of another name or from an integrator's key refused", async () => {
  const wrong = { ...document("x-telnyx"), name: "x-other", sends: { url: "http://x.example" } };
  const answer = await bridge.admin("POST", "/providers", wrong);
  expect(answer).toMatchObject({
    status: 422,
    body: { errors: expect.arrayContaining([{ path: "sends.encoding", message: expect.any(String) }]) },
  });
  expect(await bridge.admin("PUT", "/providers/x-telnyx", wrong)).toMatchObject({
    status: 422,
    body: { errors: [{ path: "name" }] },
  });
  const { body } = await bridge.admin("POST", "/keys", { name: "integrator", access: "write" });
  const headers = { authorization: `Bearer ${body.key}` };
  expect((await fetch(`${bridge.url}/admin/providers`, { headers })).status).toBe(403);
});

test("a pasted webhook shows what a draft makes of it, why it is nothing else, and whether it is proved", async () => {
  const { samples: _none, ...draft } = document("x-telnyx");
  const sample = readFixtures("telnyx").find(({ name }) => name === "receipt-delivered")?.fixture.request;
  const request = { body: sample?.body, query: sample?.query };
  const preview = await bridge.admin("POST", "/providers/preview", { document: draft, request });
  expect(preview).toMatchObject({
    status: 200,
    body: {
      events: [{ kind: "receipt", status: "delivered", reference: "42" }],
      items: [{ event: "receives.events.3" }],
    },
  });
  expect(preview.body.items[0].notBecause[0]).toBe(
    'receives.events.0: data.event_type is "message.finalized", and must be "message.received"',
  );
  const body = '{"data":{"event_type":"message.received","payload":{}}}';
  const given = { publicKey: (telnyx.credentials as { publicKey: string }).publicKey };
  expect(
    (await bridge.admin("POST", "/providers/preview", { document: draft, request: { body }, credentials: given })).body,
  ).toEqual({
    verified: false,
    failure: "data.payload.from.phone_number: is missing",
    items: [{ event: "receives.events.0", notBecause: [] }],
  });
});

test("files of PROVIDERS_DIR are declared; a wrong one stops the start by its name and path", async () => {
  const folder = mkdtempSync(join(tmpdir(), "providers-"));
  try {
    const inFile = (change: object) => JSON.stringify({ ...document("x-telnyx"), name: "x-from-file", ...change });
    writeFileSync(join(folder, "a.json"), inFile({}));
    writeFileSync(join(folder, "notes.txt"), "not read");
    await declareFiles(folder);
    expect(adapterOf("x-from-file")?.label).toBe("Telnyx");
    expect(await bridge.admin("PUT", "/providers/x-from-file", JSON.parse(inFile({})))).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("a.json in PROVIDERS_DIR") },
    });
    const wrongs: [string, RegExp][] = [
      ["{", /PROVIDERS_DIR: b\.json: the body is not JSON/],
      [inFile({ label: "" }), /PROVIDERS_DIR: b\.json: label: /],
      [inFile({}), /PROVIDERS_DIR: b\.json: name: a\.json declares x-from-file, too/],
    ];
    for (const [text, words] of wrongs) {
      writeFileSync(join(folder, "b.json"), text);
      await expect(declareFiles(folder)).rejects.toThrow(words);
      await expect(declareFiles(folder)).rejects.toThrow(ConfigError);
    }
    await expect(declareFiles(join(folder, "nowhere"))).rejects.toThrow(/PROVIDERS_DIR: .*nowhere cannot be read/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
