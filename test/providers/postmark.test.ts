import { expect, test } from "vitest";
import type { OutboundMessage } from "../../src/model.ts";
import { postmark } from "../../src/providers/email/postmark.ts";
import { signer } from "../fixtures/postmark/sign.ts";

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
  await expect(postmark.parse(request)).rejects.toThrow(/Subject: .*Headers\.0\.Value: /);
});

test("opens the files that came inside of a webhook, in the order in which it names them", async () => {
  const Attachments = [
    { Name: "a.txt", Content: Buffer.from("Grüße").toString("base64"), ContentLength: 7 },
    { Name: "empty.txt", Content: "", ContentLength: 0 },
    { Name: "left-out.txt", ContentLength: 9 },
  ];
  const open = (body: Record<string, unknown>) =>
    postmark.openFiles?.(
      signer.sign({ contentType: "application/json", body }, { url: "https://x.example/", at: new Date() }),
    );
  expect(await open({ MessageID: "1", From: "ann@example.org", Attachments })).toEqual([
    Buffer.from("Grüße"),
    Buffer.alloc(0),
    undefined,
  ]);
  expect(await open({ RecordType: "Open", MessageID: "1" })).toEqual([]);
});

const message: OutboundMessage = {
  ...{ reference: "42", from: "support@example.com", to: "ann@example.org", cc: [], bcc: [], attachments: [] },
  ...{ references: [], receiptUrl: "https://bridge.example.com/webhooks/1", text: "Hello" },
};

test.each([
  [{ ErrorCode: 406, Message: "Found inactive addresses: ann@example.org." }, "rejected", "406", /inactive/],
  [{ ErrorCode: 300 }, "rejected", "300", /ErrorCode 300/],
  [{ ErrorCode: 0, Message: "OK" }, "invalid_answer", undefined, /no id/],
  [{ MessageID: "1" }, "invalid_answer", undefined, /no id/],
])("takes no refusal within a 200 for a success: %j", async (body, reason, code, words) => {
  const sending = postmark.send(message, signer.sendCredentials as never, async () => ({
    status: 200,
    headers: {},
    body,
  }));
  await expect(sending).rejects.toMatchObject({ reason, code, answer: body, message: expect.stringMatching(words) });
});
