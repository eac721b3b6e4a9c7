import { expect, test } from "vitest";
import { postmark } from "../../src/providers/postmark.ts";
import { signer } from "../fixtures/postmark/sign.ts";
import { describeAdapter } from "../support/adapter-contract.ts";

describeAdapter("postmark", signer);

test("gives the URL to paste at Postmark, with credentials that Postmark sends back as they were", async () => {
  const credentials = { username: "post mark".replace(" ", "."), password: "p@ss:w/rd?with#signs" };
  const url = new URL(postmark.webhookUrl?.("https://bridge.example.com/webhooks/1", credentials) ?? "");
  expect(url.href).not.toContain("p@ss");
  const sent = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const headers = { authorization: `Basic ${Buffer.from(sent).toString("base64")}` };
  const request = { url: url.href, headers, body: Buffer.from("{}"), receivedAt: new Date() };
  expect(await postmark.verify(request, credentials)).toBe(true);
});
