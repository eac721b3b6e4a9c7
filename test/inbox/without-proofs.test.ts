import { describe, expect, test } from "vitest";
import { withoutProvingFields, withoutProvingHeaders, withoutProvingQuery } from "../../src/inbox/without-proofs.ts";
import { providers } from "../support/providers.ts";

const url = "https://bridge.example.com/webhooks/1";

test.each(providers)("what is kept and shown of a webhook does not prove it again: $name", async (provider) => {
  const { adapter, signer, fixtures } = provider;
  for (const { name, fixture } of fixtures) {
    const genuine = signer.sign(fixture.request, { url, at: new Date() });
    expect(await adapter.verify(genuine, signer.credentials), name).toBe(true);
    for (const secrets of [adapter.proof.secrets, undefined]) {
      const shown = {
        ...genuine,
        url: withoutProvingQuery(genuine.url, secrets),
        headers: withoutProvingHeaders(genuine.headers, secrets),
        body: withoutProvingFields(genuine.body, genuine.headers["content-type"], secrets),
      };
      expect(await adapter.verify(shown, signer.credentials), name).toBe(false);
      expect(shown.headers["content-type"]).toBe(genuine.headers["content-type"]);
      expect(await adapter.parse(shown), "and says what it said").toEqual(await adapter.parse(genuine));
    }
  }
});

test("a URL keeps all but what may open something", () => {
  expect(withoutProvingQuery(`${url}?message=42&bodySHA256=ab&token=t&X-%53ignature=s&api_key=k#x`)).toBe(
    `${url}?message=42&bodySHA256=ab&token=***&X-%53ignature=***&api_key=***#x`,
  );
});

describe("what a provider's proof names is neither kept nor shown, also under a name that says nothing", () => {
  const secrets = ["x-acme", "mac"];

  test("in headers and in the query", () => {
    expect(withoutProvingHeaders({ "x-acme": "s3cret", "x-acme-time": "1" }, secrets)).toEqual({ "x-acme-time": "1" });
    expect(withoutProvingQuery(`${url}?mac=s3cret&macro=1`, secrets)).toBe(`${url}?mac=***&macro=1`);
  });

  const multipart = (value: string) =>
    `--b\r\nContent-Disposition: form-data; name="mac"\r\nContent-Type: text/plain\r\n\r\n${value}\r\n--b\r\n` +
    'Content-Disposition: form-data; name="text"\r\n\r\nmac=s3cret&"mac":"s3cret"\r\n--b--\r\n';
  test.each<[string, (value: string) => string]>([
    ["application/json", (value) => `{"a":{"mac" : "${value}"},"text":"mac=s3cret&\\"mac\\":"}`],
    ["application/json; charset=utf-8", (value) => `{"mac":"${value}","macro":"s3cret"}`],
    ["application/x-www-form-urlencoded", (value) => `a=%22mac%22:s3cret&mac=${value}&macro=s3cret`],
    ["multipart/form-data; boundary=b", multipart],
  ])("in a field of %s", (contentType, bodyWith) => {
    const shown = withoutProvingFields(Buffer.from(bodyWith("s3cret")), contentType, secrets);
    expect(shown.toString()).toBe(bodyWith("******"));
  });
});

describe("a bounce that quotes an email shows no link by which its person unsubscribes", () => {
  const proof = "Pz0c_-5f2c1a520d6c4d5e";
  test.each([
    ["as it is", `List-Unsubscribe: <https://b.example.com/unsubscribe/1z.${proof}>`],
    ["in JSON", `{"raw":"<https:\\/\\/b.example.com\\/unsubscribe\\/1z.${proof}>\\r\\n"}`],
    ["in a form", `mail=%3Chttps%3A%2F%2Fb.example.com%2Funsubscribe%2F1z.${proof}%3E`],
    ["over two lines", `https://b.example.com/unsubscribe/1z.${proof.slice(0, 9)}=\r\n${proof.slice(9)} and on`],
    ["over two lines in JSON", `https://b.example.com/unsubscribe/1z.${proof.slice(0, 9)}=\\r\\n${proof.slice(9)} on`],
    ["over two lines in a form", `%2Funsubscribe%2F1z.${proof.slice(0, 9)}%3D%0D%0A${proof.slice(9)}+and+on`],
  ])("%s", (_how, body) => {
    const shown = withoutProvingFields(Buffer.from(body), "message/rfc822").toString();
    expect(shown).not.toContain(proof.slice(0, 9));
    expect(shown).not.toContain(proof.slice(9));
    expect(shown.length).toBe(body.length);
  });
});
