import MailComposer from "nodemailer/lib/mail-composer/index.js";
import { expect, test } from "vitest";
import { mailgun } from "../../src/providers/mailgun.ts";
import { signer } from "../fixtures/mailgun/sign.ts";
import { describeAdapter } from "../support/adapter-contract.ts";

describeAdapter("mailgun", signer);

const url = "https://bridge.example.com/webhooks/1";

test("reads real MIME with an inline image and a file", async () => {
  const mail = new MailComposer({
    from: { name: "Bob Ünal", address: "Bob@Example.org" },
    to: ["support@mg.example.com", "Sales <sales@mg.example.com>"],
    subject: "Ein längerer Betreff, der gefaltet und kodiert wird: Grüße aus Köln und Zürich",
    messageId: "<composed@mail.example.org>",
    inReplyTo: "<a@x.example>",
    references: ["<root@x.example>", "<a@x.example>"],
    date: new Date("2026-11-21T09:59:50Z"),
    text: "Grüße",
    html: '<p>Grüße <img src="cid:logo"></p>',
    attachments: [
      { filename: "logo.png", content: Buffer.alloc(300, 1), cid: "logo" },
      { filename: "Rechnung März.pdf", content: Buffer.alloc(2000, 2), contentType: "application/pdf" },
    ],
  });
  const mime = (await mail.compile().build()).toString("utf8");
  const body = { recipient: "support@mg.example.com", sender: "bob@example.org", "body-mime": mime };
  const request = signer.sign({ contentType: "multipart/form-data", body }, { url, at: new Date() });
  expect(await mailgun.parse(request)).toMatchObject([
    {
      providerMessageId: "composed@mail.example.org",
      from: "bob@example.org",
      fromName: "Bob Ünal",
      to: ["support@mg.example.com", "sales@mg.example.com"],
      subject: "Ein längerer Betreff, der gefaltet und kodiert wird: Grüße aus Köln und Zürich",
      text: "Grüße\n",
      inReplyTo: ["a@x.example"],
      references: ["root@x.example", "a@x.example"],
      sentAt: new Date("2026-11-21T09:59:50Z"),
      attachments: [
        { name: "logo.png", contentType: "image/png", sizeBytes: 300 },
        { name: "Rechnung März.pdf", contentType: "application/pdf", sizeBytes: 2000 },
      ],
    },
  ]);
});

test("falls back on the webhook's token for a mail without a Message-ID", async () => {
  const body = { from: "bob@example.org", recipient: "support@mg.example.com", "body-plain": "hi" };
  const request = signer.sign({ contentType: "application/x-www-form-urlencoded", body }, { url, at: new Date() });
  const [event] = await mailgun.parse(request);
  expect(event).toMatchObject({ kind: "message", providerMessageId: expect.stringMatching(/^[0-9a-f]{50}$/) });
  expect(event).not.toHaveProperty("rfcMessageId", expect.anything());
});
