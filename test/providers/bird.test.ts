import { expect, test } from "vitest";
import { bird } from "../../src/providers/sms/bird.ts";
import { signer } from "../fixtures/bird/sign.ts";
import { readFixtures } from "../support/fixtures.ts";

const url = "https://bridge.example.com/webhooks/1";
const at = new Date("2026-11-21T10:00:00.000Z");

test("accepts a signature that was computed by Bird's document alone, for its URL and body", async () => {
  const body = '{"service":"channels","event":"sms.inbound","payload":{"id":"m1"}}';
  const of = (text: string, of: string) => ({
    url: of,
    headers: {
      "messagebird-signature": "KccEZH7qtSHBwkPkOm93Ag/dPApAAX99uRZwrfpAee4=",
      "messagebird-request-timestamp": "1767225600",
    },
    ...{ body: Buffer.from(text), receivedAt: new Date(1767225600_000) },
  });
  const hooked = "https://bridge.example/hooks/bird";
  const credentials = { signingKey: "birdkey" };
  expect(await bird.verify(of(body, hooked), credentials)).toBe(true);
  expect(await bird.verify(of(body.replace("m1", "m2"), hooked), credentials)).toBe(false);
  expect(await bird.verify(of(body, `${hooked}?line=1`), credentials)).toBe(false);
});

test("where Bird does not name the number, a text came to the mapping's, and without one it cannot be read", async () => {
  const { fixture } = readFixtures("bird").find(({ name }) => name === "text") ?? expect.unreachable("no text");
  const body = structuredClone(fixture.request.body) as { payload: Record<string, unknown> };
  for (const receiver of [{ connector: { id: "86cc4dc0-3dc0-41b7-ac43-8ec829ead56f" } }, {}, null, undefined]) {
    const request = signer.sign(
      { ...fixture.request, body: { ...body, payload: { ...body.payload, receiver } } },
      { url, at },
    );
    expect(await bird.parse(request, "+15005550010")).toMatchObject([{ to: ["+15005550010"], text: "Hello" }]);
    await expect(bird.parse(request)).rejects.toThrow("payload.receiver.connector.identifierValue: is missing");
  }
});
