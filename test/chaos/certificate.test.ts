import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { makeCertificate } from "../../chaos/certificate.ts";

test("the certificate of the TLS scenario is one that OpenSSL reads", () => {
  const { cert } = makeCertificate(new Date("2049-01-01T00:00:00Z"));
  const read = new X509Certificate(cert);
  expect(read.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(read.verify(read.publicKey)).toBe(true);
});
