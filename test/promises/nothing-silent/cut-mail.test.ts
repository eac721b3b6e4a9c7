import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WebhookRequest } from "../../../src/model.ts";
import { startTestBridge, type TestBridge } from "../../support/bridge.ts";
import type { Sample } from "../../support/fixtures.ts";
import { emailProviderId, publicUrl } from "../../support/location.ts";
import { allCredentials, providerOf } from "../../support/providers.ts";
import { until } from "../../support/until.ts";

const limit = 20_000;
const metricsToken = "a-token-of-the-metrics";
const note = Buffer.from("a note");
const plans = Buffer.alloc(21_000, "plans of the house ");

let bridge: TestBridge;
beforeAll(async () => {
  const config = { bodyLimitBytes: { sms: 10_000, email: limit }, metricsTokens: [metricsToken] };
  bridge = await startTestBridge({ config });
});
afterAll(() => bridge.stop());

interface Written {
  id: string;
  to: string;
  from: string;
}

const subject = "The plans";
const words = "Here they are.";
const filesOf = [
  { name: "note.txt", type: "text/plain", content: note },
  { name: "plans.pdf", type: "application/pdf", content: plans },
];
const encoded = filesOf.map(({ name, type, content }) => ({ name, type, base64: content.toString("base64") }));
const formFiles = (field: (index: number) => string) =>
  filesOf.map(({ name, type, content }, index) => {
    return { field: field(index + 1), filename: name, contentType: type, content: content.toString() };
  });

const mime = ({ id, from, to }: Written) =>
  [
    ...[`From: ${from}`, `To: ${to}`, `Subject: ${subject}`, `Message-ID: <${id}>`],
    ...["Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: text/plain", "", words],
    ...encoded.flatMap(({ name, type, base64 }) => [
      ...["--b", `Content-Type: ${type}`, `Content-Disposition: attachment; filename=${name}`],
      ...["Content-Transfer-Encoding: base64", "", base64.replace(/(.{76})/g, "$1\r\n")],
    ]),
    "--b--",
    "",
  ].join("\r\n");
const base64 = (mail: string) => Buffer.from(mail).toString("base64");
const json = (body: Record<string, unknown> | unknown[]): Sample => ({
  contentType: "application/json",
  body: Array.isArray(body) ? JSON.stringify(body) : body,
});

/** As each provider posts a mail with two files. Its fields stand in the order in which its documentation has them. */
const samples: Record<string, (mail: Written) => Sample> = {
  postmark: ({ id, from, to }) =>
    json({
      ...{ From: from, FromFull: { Email: from }, To: to, ToFull: [{ Email: to }], OriginalRecipient: to },
      ...{ Subject: subject, MessageID: id, TextBody: words, HtmlBody: `<p>${words}</p>`, Headers: [] },
      Attachments: encoded.map(({ name, type, base64: Content }) => ({ Name: name, Content, ContentType: type })),
    }),
  mailjet: ({ id, from, to }) =>
    json({
      ...{ Sender: from, Recipient: to, From: from, Subject: subject, Headers: { "Message-ID": `<${id}>`, To: to } },
      Parts: encoded.map(({ name, type }, index) => ({
        Headers: { "Content-Type": type, "Content-Disposition": `attachment; filename=${name}` },
        ContentRef: `Attachment${index + 1}`,
      })),
      "Text-part": words,
      ...Object.fromEntries(encoded.map((file, index) => [`Attachment${index + 1}`, file.base64])),
    }),
  cloudmailin: ({ id, from, to }) =>
    json({
      headers: { from, to, subject, message_id: `<${id}>` },
      ...{ envelope: { from, to, recipients: [to] }, plain: words },
      attachments: encoded.map(({ name, type, base64: content }) => ({ file_name: name, content_type: type, content })),
    }),
  mailersend: ({ from, to, ...rest }) =>
    json({
      type: "inbound.message",
      data: {
        ...{ object: "message", id: rest.id, recipients: { rcptTo: [{ email: to }] }, sender: { email: from } },
        raw: mime({ ...rest, from, to }),
      },
    }),
  sparkpost: (mail) =>
    json([
      {
        msys: {
          relay_message: {
            ...{ msg_from: mail.from, rcpt_to: mail.to },
            content: { email_rfc822: base64(mime(mail)), email_rfc822_is_base64: true },
          },
        },
      },
    ]),
  postal: (mail) =>
    json({ id: 1, rcpt_to: mail.to, mail_from: mail.from, message: base64(mime(mail)), base64: true, size: 1 }),
  forwardemail: (mail) => json({ recipients: [mail.to], session: { sender: mail.from }, raw: mime(mail) }),
  "generic-email": (mail) =>
    json({
      type: "message.received",
      data: { envelopeFrom: mail.from, envelopeTo: mail.to, mimeBase64: base64(mime(mail)) },
    }),
  sendgrid: (mail) => ({
    contentType: "multipart/form-data",
    body: { dkim: "{@example.org : pass}", email: mime(mail), to: mail.to, envelope: `{"to":["${mail.to}"]}` },
  }),
  mailgun: ({ id, from, to }) => ({
    contentType: "multipart/form-data",
    body: { recipient: to, sender: from, subject, from, To: to, "Message-Id": `<${id}>`, "body-plain": words },
    files: formFiles((index) => `attachment-${index}`),
  }),
};
/** Its signature covers what is decoded of the whole. */
const unverifiable = ["mandrill"];

let counter = 0;
async function addMailbox(provider: string, credentials: unknown = allCredentials(providerOf(provider))) {
  const address = `box${++counter}@example.com`;
  const mapping = { provider, address, credentials, conversationProviderId: emailProviderId };
  const mappingId = await bridge.addMapping(mapping);
  return { mappingId, mail: { id: `m${counter}@mail.example.org`, to: address, from: `ann${counter}@example.org` } };
}

const requestOf = (provider: string, mappingId: string, sample: Sample) =>
  providerOf(provider).signer.sign(sample, { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() });

/** As a proxy hands it on, that does not say how long it is. */
async function postInChunks({ url, headers, body }: WebhookRequest): Promise<number> {
  const chunks = Array.from({ length: Math.ceil(body.length / 3000) }, (_, at) =>
    body.subarray(at * 3000, (at + 1) * 3000),
  );
  const place = `${bridge.url}${new URL(url).pathname}`;
  return new Promise((resolve, reject) => {
    const posting = request(place, { method: "POST", headers }, ({ statusCode }) => resolve(statusCode ?? 0));
    posting.on("error", reject);
    for (const chunk of chunks) posting.write(chunk);
    posting.end();
  });
}

const untilPosted = (id: string) =>
  until(
    () => bridge.sandbox.messages().find(({ altId }) => altId === id),
    (found) => found !== undefined,
  );

describe.each(Object.keys(samples))("a mail from %s that is larger than the limit", (provider) => {
  const sampleOf = samples[provider] as (mail: Written) => Sample;

  test("arrives as far as it is kept, and names the file that was cut", async () => {
    const { mappingId, mail } = await addMailbox(provider);
    const request = requestOf(provider, mappingId, sampleOf(mail));
    expect(request.body.length).toBeGreaterThan(limit);
    expect((await bridge.post(request)).status).toBe(200);
    const posted = await untilPosted(mail.id);
    expect(posted?.subject).toBe(subject);
    for (const said of [posted?.body, posted?.html]) {
      expect(said).toContain("[This email is too large to be shown whole (1 MB). Its end was cut off");
      expect(said).toContain(words);
      expect(said).toMatch(/\[Attachment: plans\.pdf(, application\/pdf)?: cut off, as the email is too large\]/);
    }
    expect(posted?.attachments).toEqual([expect.stringContaining("note.txt")]);
    const { items } = (await bridge.admin("GET", `/webhooks?accountId=${mappingId}`)).body;
    expect(items).toMatchObject([{ state: "processed" }]);
    const line = bridge.logLines.find(({ event, accountId }) => event === "webhook.cut" && accountId === mappingId);
    expect(line).toMatchObject({ level: "warn", provider, bytes: request.body.length, limitBytes: limit });
  });

  test("comes once, however often it is posted", async () => {
    const { mappingId, mail } = await addMailbox(provider);
    for (const _ of [1, 2]) {
      const request = requestOf(provider, mappingId, sampleOf(mail));
      expect(await postInChunks(request)).toBe(200);
    }
    await until(
      async () => (await bridge.admin("GET", `/webhooks?accountId=${mappingId}`)).body.items as { state: string }[],
      (items) => items.filter(({ state }) => state !== "received").length === 2,
    );
    await untilPosted(mail.id);
    const { items } = (await bridge.admin("GET", `/messages?mappingId=${mappingId}`)).body;
    expect(items).toHaveLength(1);
  });

  test("is refused where it is signed by somebody else, or changed behind the limit", async () => {
    const { signer } = providerOf(provider);
    const { mappingId, mail } = await addMailbox(provider);
    const place = { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() };
    const foreign = signer.sign(sampleOf(mail), { ...place, credentials: signer.foreignCredentials });
    expect((await bridge.post(foreign)).status).toBeGreaterThan(400);
    if (signer.signsBody) {
      const request = signer.sign(sampleOf(mail), place);
      const body = Buffer.from(request.body);
      body[body.length - 10] = (body[body.length - 10] as number) ^ 1;
      expect((await bridge.post({ ...request, body })).status).toBeGreaterThan(400);
    }
    expect((await bridge.admin("GET", `/webhooks?accountId=${mappingId}`)).body.items).toEqual([]);
  });

  test("is refused where it is larger than twice the limit", async () => {
    const { mappingId, mail } = await addMailbox(provider);
    const request = requestOf(provider, mappingId, sampleOf(mail));
    const body = Buffer.concat([request.body, Buffer.alloc(2 * limit, " ")]);
    expect([413, 429, 503]).toContain((await bridge.post({ ...request, body })).status);
    expect([413, 429, 503]).toContain(await postInChunks({ ...request, body }));
  });
});

test.each(unverifiable)(
  "a mail from %s that is larger than the limit does not verify without its end",
  async (provider) => {
    const { mappingId, mail } = await addMailbox(provider);
    const event = { event: "inbound", msg: { raw_msg: mime(mail), email: mail.to } };
    const sample = { contentType: "application/x-www-form-urlencoded", body: { mandrill_events: [event] } };
    expect((await bridge.post(requestOf(provider, mappingId, sample))).status).toBe(413);
    await until(
      async () => JSON.stringify((await bridge.admin("GET", `/accounts/${mappingId}`)).body.refused),
      (refused) => refused.includes("too_large"),
    );
  },
);

test("what tells nobody's mail is a failed webhook that says that it was cut", async () => {
  const { mappingId, mail } = await addMailbox("forwardemail");
  const attachments = [{ filename: "plans.pdf", content: plans.toString() }];
  const sample = json({ attachments, raw: `From: ${mail.from}\r\n\r\nhello`, recipients: [mail.to] });
  expect((await bridge.post(requestOf("forwardemail", mappingId, sample))).status).toBe(200);
  const [webhook] = await until(
    async () => (await bridge.admin("GET", `/webhooks?accountId=${mappingId}`)).body.items as { state: string }[],
    ([first]) => first !== undefined && first.state !== "received",
  );
  const reason = expect.stringMatching(/^it is too large \(1 MB\), and its end was cut off: raw: /);
  expect(webhook).toMatchObject({ state: "failed", reason });
});

test("what was cut is counted", async () => {
  const answer = await fetch(`${bridge.url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } });
  expect(await answer.text()).toMatch(/bridge_webhooks_total\{provider="postmark",outcome="cut"\} [1-9]/);
});

test("a signature by Ed25519 does not verify without the end", async () => {
  const { mappingId } = await addMailbox("generic-email", {
    ...allCredentials(providerOf("generic-email")),
    secret: `whpk_${Buffer.from("302a300506032b6570032100", "hex").subarray(12).toString("base64")}${"A".repeat(43)}=`,
  });
  const headers = {
    ...{ "content-type": "application/json", "webhook-id": "1", "webhook-signature": "v1a,AAAA" },
    "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
  };
  const request = { url: `${publicUrl}/webhooks/${mappingId}`, headers, receivedAt: new Date() };
  expect((await bridge.post({ ...request, body: Buffer.alloc(limit + 1, "x") })).status).toBe(413);
});
