import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { providers } from "../../support/providers.ts";

const url = "https://bridge.example.com/webhooks/0b6a1f6e-9d0c-4e4b-9a53-5d9d4f1f3a11";
const people = {
  sms: { from: "+15005550006", to: "+15005550009" },
  email: { from: "ann@example.org", to: "support@example.com" },
};
const tested = providers.filter(({ adapter }) => adapter.composeTest);

describe("a test that the bridge posts to itself", () => {
  test.each(tested)("is verified and read as a message of $name", async ({ adapter, signer }) => {
    const { from, to } = people[adapter.channel];
    const [id, at] = [randomUUID(), new Date()];
    const message = { id, from, to, subject: "Test", text: "Does it arrive?", at };
    const request = adapter.composeTest?.(message, url, signer.credentials);
    if (!request) throw new Error("these credentials sign nothing");
    expect(await adapter.verify(request, signer.credentials)).toBe(true);
    expect(await adapter.verify(request, signer.foreignCredentials)).toBe(false);
    const [event, ...others] = await adapter.parse(request, to);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      kind: "message",
      from,
      to: [to],
      text: expect.stringMatching(/^Does it arrive\?\n?$/),
    });
    expect(JSON.stringify(event)).toContain(id);
  });

  test("is made for any sender, and not where the provider alone can sign", () => {
    const names = tested.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["generic-sms", "generic-email", "twilio"]));
    const unsigned = providers.filter(({ adapter }) => adapter.proof.isOfProviderAlone);
    expect(unsigned.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["telnyx", "postal", "aws-sms", "amazon-ses"]),
    );
    for (const { adapter } of unsigned) expect(adapter.composeTest).toBeUndefined();
  });
});
