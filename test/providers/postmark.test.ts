import { expect, test } from "vitest";
import { postmark } from "../../src/providers/postmark.ts";
import { signer } from "../fixtures/postmark/sign.ts";
import { describeAdapter } from "../support/adapter-contract.ts";

describeAdapter("postmark", signer);

test("gives the URL to paste at Postmark, with credentials that Postmark sends back as they were", async () => {
  const credentials = { username: "post.mark", password: "p@ss:w/rd?with#signs" };
  const url = new URL(postmark.webhookUrl?.("https://bridge.example.com/webhooks/1", credentials) ?? "");
  expect(url.href).not.toContain("p@ss");
  const sent = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const headers = { authorization: `Basic ${Buffer.from(sent).toString("base64")}` };
  const request = { url: url.href, headers, body: Buffer.from("{}"), receivedAt: new Date() };
  expect(await postmark.verify(request, credentials)).toBe(true);
});

test("reads inbound mail also if Postmark should come to name it as it names its other events", async () => {
  const body = { RecordType: "Inbound", MessageID: "1", From: "Ann <ann@example.org>" };
  const request = signer.sign({ contentType: "application/json", body }, { url: "https://x.example/", at: new Date() });
  expect(await postmark.parse(request)).toMatchObject([{ kind: "message", from: "ann@example.org", fromName: "Ann" }]);
});

test("names the fields that it cannot read", async () => {
  const body = { MessageID: "1", From: "ann@example.org", Headers: [{ Name: "Message-ID", Value: 7 }], Subject: [] };
  const request = signer.sign({ contentType: "application/json", body }, { url: "https://x.example/", at: new Date() });
  expect(() => postmark.parse(request)).toThrow(/Subject: .*Headers\.0\.Value: /);
});
