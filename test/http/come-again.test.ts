import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { publicUrl } from "../support/location.ts";
import { mailProviders } from "../support/providers.ts";
import { until } from "../support/until.ts";

const limitBytes = 100_000;
let bridge: TestBridge;
beforeAll(async () => {
  bridge = await startTestBridge({ config: { bodyLimitBytes: { sms: limitBytes, email: limitBytes } } });
});
afterAll(() => bridge.stop());

/** Of these the bridge's 4xx would bounce a mail, or have it thrown away. */
const losing = mailProviders.filter(({ adapter }) => adapter.refusedWith !== undefined);

test("a provider that gives a mail up at a 4xx says what has it come again", () => {
  expect(losing.map(({ name, adapter }) => [name, adapter.refusedWith])).toEqual(
    expect.arrayContaining([
      ["sendgrid", 503],
      ["postal", 503],
      ["cloudmailin", 503],
    ]),
  );
});

describe("of a provider that gives a mail up at a 4xx", () => {
  test.each(losing)("nothing that is refused is lost, and its reason is seen: $name", async (provider) => {
    const { name, adapter, signer, fixtures } = provider;
    const address = `support@${name}.example.com`;
    const id = await bridge.addMapping({ provider: name, address, credentials: signer.credentials });
    const url = `${publicUrl}/webhooks/${id}`;
    const [first] = fixtures;
    if (!first) return expect.unreachable("there are no fixtures");
    const genuine = signer.sign(first.fixture.request, { url, at: new Date() });
    const { "content-type": contentType = "", ...others } = genuine.headers;
    const refused = [
      { ...genuine, headers: { "content-type": contentType } },
      signer.sign(first.fixture.request, { url, at: new Date(), credentials: signer.foreignCredentials }),
      { ...genuine, headers: { ...others, "content-type": "text/csv" } },
      { ...genuine, body: Buffer.alloc(2 * limitBytes + 1) },
    ];
    for (const request of refused) {
      const { status, headers } = await bridge.post(request);
      expect(status).toBe(adapter.refusedWith);
      expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    }
    const reasons = await until(
      async () => (await bridge.admin("GET", `/accounts/${id}`)).body.refused as { reason: string }[],
      (all) => all.reduce((sum, each) => sum + (each as unknown as { count: number }).count, 0) === refused.length,
    );
    expect(reasons.map(({ reason }) => reason)).toEqual(expect.arrayContaining(["too_large", "wrong_type"]));
    expect((await bridge.post(genuine)).status).toBe(200);
  });
});

test("an account says by HEAD that it is there", async () => {
  const [{ name, signer } = { name: "", signer: undefined }] = mailProviders;
  const id = await bridge.addMapping({ provider: name, address: "head@example.com", credentials: signer?.credentials });
  const head = async (path: string) => (await fetch(`${bridge.url}/webhooks/${path}`, { method: "HEAD" })).status;
  expect(await head(id)).toBe(200);
  expect(await head("5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11")).toBe(404);
});
