import { expect, test } from "vitest";
import { withoutProvingFields, withoutProvingHeaders, withoutProvingQuery } from "../../src/inbox/without-proofs.ts";
import { providers } from "../support/providers.ts";

const url = "https://bridge.example.com/webhooks/1";

test.each(providers)("what is kept and shown of a webhook does not prove it again: $name", async (provider) => {
  const { adapter, signer, fixtures } = provider;
  for (const { name, fixture } of fixtures) {
    const genuine = signer.sign(fixture.request, { url, at: new Date() });
    expect(await adapter.verify(genuine, signer.credentials), name).toBe(true);
    const shown = {
      ...genuine,
      url: withoutProvingQuery(genuine.url),
      headers: withoutProvingHeaders(genuine.headers),
      body: withoutProvingFields(genuine.body),
    };
    expect(await adapter.verify(shown, signer.credentials), name).toBe(false);
    expect(withoutProvingHeaders(genuine.headers)["content-type"]).toBe(genuine.headers["content-type"]);
  }
});

test("a URL keeps all but what may open something", () => {
  expect(withoutProvingQuery(`${url}?message=42&bodySHA256=ab&token=t&X-%53ignature=s&api_key=k#x`)).toBe(
    `${url}?message=42&bodySHA256=ab&token=***&X-%53ignature=***&api_key=***#x`,
  );
});
