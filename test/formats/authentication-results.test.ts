import { expect, test } from "vitest";
import { readAuthenticationResults } from "../../src/formats/email/authentication-results.ts";

const read = (...values: string[]) =>
  readAuthenticationResults(
    values.map((value) => ({ name: "Authentication-Results", value })),
    "mx.example.net",
  );

test.each([
  [
    "mx.example.net; spf=pass smtp.mailfrom=a@example.org; dkim=fail header.d=example.org; dmarc=fail (p=NONE) header.from=example.org",
    { spf: "pass", dkim: "fail", dmarc: "fail" },
  ],
  [
    'mx.example.net 1;\r\n\tdkim=fail reason="no key; dkim=pass" header.d=a.example;\r\n dkim=pass header.d=b.example',
    { dkim: "pass" },
  ],
  ["mx.example.net; dkim=pass header.d=b.example; dkim=fail header.d=a.example", { dkim: "pass" }],
  ["MX.Example.NET; DMARC=Fail", { dmarc: "fail" }],
  ["mx.example.net (a comment (in a comment; dmarc=pass)); dmarc=fail", { dmarc: "fail" }],
  ["mx.example.net; dmarc/1 = fail", { dmarc: "fail" }],
  ["mx.example.net; spf=pass smtp.mailfrom=a;dmarc=pass@example.org; dmarc=fail", { spf: "pass", dmarc: "fail" }],
  ["mx.example.net; none", {}],
  ["mx.example.net; x-dmarc=pass; dmarc-arc=pass; dmarcs=pass", {}],
  ["mx.example.net.evil.example; dmarc=pass", {}],
  ["evil.example; mx.example.net; dmarc=pass", {}],
  ["", {}],
  [";;;", {}],
])("reads %j", (value, verdicts) => {
  expect(read(value)).toEqual(verdicts);
});

test("the first header that tells of a method counts, as whoever wrote the email can only have put others below", () => {
  expect(
    read("mx.example.net; spf=fail", "mx.example.net; dmarc=fail", "mx.example.net; spf=pass; dmarc=pass"),
  ).toEqual({
    spf: "fail",
    dmarc: "fail",
  });
  expect(read("other.example; dmarc=pass", "mx.example.net; dmarc=fail")).toEqual({ dmarc: "fail" });
});

test("is done soon with what nobody writes", () => {
  expect(read(`mx.example.net; ${"(".repeat(1_000_000)} dmarc=pass`)).toEqual({});
  expect(read(`mx.example.net${"()".repeat(1_000_000)}; dmarc=pass`)).toEqual({});
  expect(read(...Array.from({ length: 500 }, () => `mx.example.net; "${'\\"'.repeat(500_000)}`))).toEqual({});
});
