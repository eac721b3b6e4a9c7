import type { Channel } from "../src/model.ts";

/** Where everything in the skeleton comes from, until there is a real page to name. */
const source = "https://acme.example/docs";

/** The files of a new provider by their paths, and what its adapter is called in code. */
export function skeletonOf(name: string, channel: Channel): { variable: string; files: Record<string, string> } {
  const variable = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const label = name.replace(/(^|-)(\w)/g, (_, dash: string, letter: string) => (dash && " ") + letter.toUpperCase());
  const fixtures = channel === "sms" ? textFixtures : mailFixtures;
  const inFolder = Object.entries({ ...fixtures, ...receiptFixtures, ...sendFixturesOf(name, channel) });
  const files = {
    [`src/providers/${channel}/${name}.ts`]: adapterOf({ name, variable, label, channel }),
    [`test/fixtures/${name}/sign.ts`]: signer.replaceAll("NAME", name),
    ...Object.fromEntries(
      inFolder.map(([file, content]) => [
        `test/fixtures/${name}/${file}.json`,
        `${JSON.stringify(content, null, 2)}\n`,
      ]),
    ),
  };
  return { variable, files };
}

interface Names {
  name: string;
  variable: string;
  label: string;
  channel: Channel;
}

const adapterOf = ({ name, variable, label, channel }: Names) => `import { z } from "zod";
${channel === "sms" ? "" : mailImports}import type { OutboundMessage } from "../../model.ts";
import { apiKey, atLeast, credentials, secret } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
${channel === "sms" ? "" : mailKit}import { ignored, receipt, type StatusWords${channel === "sms" ? ", text" : ""} } from "../kit/events.ts";
import { ${channel === "sms" ? "at, maybeReference, maybeText, messageId, phone, requiredText, time" : "at, listOf, maybeReference, maybeText, messageId, requiredText, text"} } from "../kit/fields.ts";
import { bearer } from "../kit/proofs.ts";
import { answerOf, idAt, post, refusalAt } from "../kit/sends.ts";
import { hmac, inHeader } from "../kit/signatures.ts";

/** ${label}: ${source}. TODO: everything here is made up. Replace it by facts, each with the page that says so. */
export const ${variable} = defineProvider({
  label: "${label}",
  channel: "${channel}",
  credentials: credentials({
    always: { signingSecret: secret("Signing secret", "On the page of the webhook.", atLeast(16)) },
    toSend: { apiKey: apiKey("On the page API keys.") },
  }),
  pasteAt: "the webhook's URL",
  receives: {
    contentTypes: ["application/json"],
    proof: hmac({
      source: inHeader("x-${name}-signature", { timestamp: "x-${name}-time", over: "{timestamp}.{body}" }),
      ...{ hash: "sha256", encoding: "hex", key: ({ signingSecret }) => signingSecret },
    }),
    isReferenceSigned: true,
    read,
  },
  sends: {
    request: (message, { apiKey }) => post("https://api.${name}.example/messages", bearer(apiKey), compose(message)),
    answer: answerOf({ ...idAt("id"), refused: refusalAt({ code: "error.code", message: "error.message" }) }),
  },
});

const words: StatusWords = { sent: "sent", delivered: "delivered", failed: "failed" };
const kind = at("event", requiredText);
const update = z.object({ id: messageId, reference: maybeReference, status: requiredText, error: maybeText });
${channel === "sms" ? textReading : mailReading}
function read(webhook: DecodedWebhook) {
  const event = webhook.read(kind);
  if (event === "received") return readMessage(webhook);
  if (event === "status") return readReceipt(webhook);
  return ignored(\`event \${event}: says nothing that is bridged\`);
}

function readReceipt(webhook: DecodedWebhook) {
  const { status, error: message, ...ids } = webhook.read(update);
  return receipt(status, words, () => ({ ...ids, message }));
}
${channel === "sms" ? textComposing : mailComposing}`;

const textReading = `const incoming = z.object({ id: messageId, from: phone, to: phone, text: maybeText, sentAt: time });

function readMessage(webhook: DecodedWebhook) {
  const { to, ...rest } = webhook.read(incoming);
  return text({ ...rest, to: [to] });
}
`;

const textComposing = `
function compose({ reference: ours, from, to, text: body, attachments }: OutboundMessage) {
  return { reference: ours, from, to, text: body, mediaUrls: attachments.map(({ url }) => url) };
}
`;

const mailImports = `import { formatMailbox, outgoingHeaders } from "../../formats/outgoing-mail.ts";
`;
const mailKit = `import { mailOfParts } from "../kit/email/mail-parts.ts";
import { byName, filesOf } from "../kit/email/outgoing.ts";
`;

const mailReading = `const incoming = z.object({
  ...{ id: messageId, from: text, to: maybeText, cc: maybeText, subject: maybeText, text: maybeText, html: maybeText },
  headers: listOf(z.object({ name: text, value: text })),
});

function readMessage(webhook: DecodedWebhook) {
  const { id, ...parts } = webhook.read(incoming);
  return mailOfParts({ ...parts, files: [], envelope: { to: undefined } }, id);
}
`;

const mailComposing = `
function compose(message: OutboundMessage) {
  const { reference: ours, to, cc, bcc, replyTo, subject, text: plain, html } = message;
  return {
    ...{ reference: ours, from: formatMailbox(message.from, message.fromName), to, cc, bcc, replyTo },
    ...{ subject, text: plain, html, headers: byName(outgoingHeaders(message)) },
    files: filesOf(message).map(({ name, content }) => ({ name, base64: content })),
  };
}
`;

const signer = `import { createHmac } from "node:crypto";
import { jsonBody, type Signer } from "../../support/fixtures.ts";

const credentials = { signingSecret: "0123456789abcdef0123456789abcdef" };

/** Signs as the provider does. TODO: with the provider's own SDK, where it has one. */
export const signer: Signer = {
  credentials,
  foreignCredentials: { signingSecret: "ffffffffffffffffffffffffffffffff" },
  sendCredentials: { ...credentials, apiKey: "an-api-key" },
  signsBody: true,
  signsTime: true,
  sign(sample, { url, at, credentials: given }) {
    const { signingSecret } = (given ?? credentials) as typeof credentials;
    const body = jsonBody(sample);
    const timestamp = String(Math.floor(at.getTime() / 1000));
    const signature = createHmac("sha256", signingSecret).update(\`\${timestamp}.\`).update(body).digest("hex");
    const signed = { "x-NAME-time": timestamp, "x-NAME-signature": signature };
    return { url, headers: { ...sample.headers, "content-type": sample.contentType, ...signed }, body, receivedAt: at };
  },
};
`;

const fixtureOf = (about: string, body: object, means: object) => ({
  ...{ about, source },
  request: { contentType: "application/json", body },
  means: [means],
});

const person = { sms: "+15005550006", email: "ann@example.org" };
const business = { sms: "+15005550009", email: "support@example.com" };
const none = { cc: [], bcc: [], attachments: [], inReplyTo: [] as string[], references: [] as string[] };
const sentAt = "2026-11-21T09:59:50.000Z";

const textFixtures = {
  text: fixtureOf(
    "a plain text",
    { event: "received", id: "m-1", from: person.sms, to: business.sms, text: "Hello", sentAt },
    { kind: "message", providerMessageId: "m-1", from: person.sms, to: [business.sms], text: "Hello", sentAt, ...none },
  ),
};

const headers = [
  { name: "Message-ID", value: "<a@example.org>" },
  { name: "Date", value: "Sat, 21 Nov 2026 09:59:50 +0000" },
];
const email = { from: "Ann <ann@example.org>", to: business.email, subject: "Invoice", text: "Hello" };
const readEmail = {
  ...{ kind: "message", from: person.email, fromName: "Ann", to: [business.email], subject: "Invoice", text: "Hello" },
  ...{ ...none, sentAt, rfcMessageId: "a@example.org" },
};
const thread = [
  { name: "In-Reply-To", value: "<2@example.com>" },
  { name: "References", value: "<1@example.com> <2@example.com>" },
];

const mailFixtures = {
  mail: fixtureOf(
    "a plain mail",
    { event: "received", id: "m-1", ...email, headers },
    { ...readEmail, providerMessageId: "m-1" },
  ),
  reply: fixtureOf(
    "a reply in a thread",
    { event: "received", id: "m-2", ...email, headers: [...headers, ...thread] },
    {
      ...readEmail,
      providerMessageId: "m-2",
      inReplyTo: ["2@example.com"],
      references: ["1@example.com", "2@example.com"],
    },
  ),
};

const receiptFixtures = {
  delivered: fixtureOf(
    "what the bridge sent has arrived",
    { event: "status", id: "m-3", reference: "42", status: "delivered" },
    { kind: "receipt", reference: "42", providerMessageId: "m-3", status: "delivered" },
  ),
  failed: fixtureOf(
    "what the bridge sent could not be delivered",
    { event: "status", id: "m-3", reference: "42", status: "failed", error: "The phone is switched off" },
    {
      ...{ kind: "receipt", reference: "42", providerMessageId: "m-3", status: "failed" },
      error: { code: "failed", message: "The phone is switched off" },
    },
  ),
  "other-event": fixtureOf(
    "an event that is nothing for the bridge",
    { event: "contact.created" },
    { kind: "ignored", reason: "event contact.created: says nothing that is bridged" },
  ),
};

/** What a stand-in of the provider is made of: it takes what these hold, and refuses what differs from them. */
function sendFixturesOf(name: string, channel: Channel) {
  const ends = { from: business[channel], to: person[channel] };
  const empty = { cc: [], bcc: [], attachments: [], references: [] };
  const receiptUrl = "https://bridge.example.com/webhooks/1?message=42";
  const fixture = (about: string, words: object, message: object, body: object) => ({
    ...{ about, source, message: { reference: "42", ...ends, ...words, ...empty, ...message, receiptUrl } },
    request: {
      ...{
        method: "POST",
        url: `https://api.${name}.example/messages`,
        headers: { authorization: "Bearer an-api-key" },
      },
      body: { reference: "42", ...ends, ...words, ...body },
    },
    ...{ answer: { status: 200, body: { id: "m-3" } }, sent: { providerMessageId: "m-3" } },
  });
  const refusal = (about: string, status: number, error: { code: string; message: string }) => {
    return { about, source, answer: { status, body: { error } }, error };
  };
  return {
    ...(channel === "sms" ? textSends(fixture) : mailSends(fixture)),
    "send/refusals": [
      refusal("a receiver that is none", 400, { code: "wrong_to", message: `${person[channel]} is nobody` }),
      refusal("a wrong API key", 401, { code: "wrong_key", message: "the API key is not known" }),
    ],
  };
}

type MakeFixture = (about: string, words: object, message: object, body: object) => object;

const file = { url: "https://files.example.com/1/cat.jpg", name: "cat.jpg", contentType: "image/jpeg" };

const textSends = (fixture: MakeFixture) => ({
  "send/text": fixture("a plain text", { text: "Hello" }, {}, { mediaUrls: [] }),
  "send/media": fixture("a text with a file", { text: "Hello" }, { attachments: [file] }, { mediaUrls: [file.url] }),
});

function mailSends(fixture: MakeFixture) {
  const unsubscribeUrl = "https://bridge.example.com/unsubscribe/16.Zk3vQm0d1TgN5yXo8hWbLc";
  const words = { subject: "Invoice", text: "Hello" };
  const lists = { cc: ["boss@example.org"], bcc: ["archive@example.com"] };
  const rich = { ...words, html: "<p>Hello</p>", replyTo: "desk@example.com", ...lists };
  const base64 = Buffer.from("a cat").toString("base64");
  return {
    "send/text": fixture(
      "a plain mail",
      words,
      { rfcMessageId: "1@example.com" },
      { cc: [], bcc: [], headers: { "Message-ID": "<1@example.com>" }, files: [] },
    ),
    "send/unsubscribe": fixture(
      "a person can unsubscribe with one click",
      words,
      { unsubscribeUrl },
      {
        ...{ cc: [], bcc: [], files: [] },
        headers: {
          "List-Unsubscribe": `<${unsubscribeUrl}>`,
          "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
      },
    ),
    "send/reply": fixture(
      "a reply with all that a mail can have",
      {},
      {
        ...{ ...rich, fromName: "Support", attachments: [{ ...file, content: { base64 } }] },
        ...{
          rfcMessageId: "3@example.com",
          inReplyTo: "2@example.org",
          references: ["1@example.com", "2@example.org"],
        },
      },
      {
        ...{ ...rich, from: `"Support" <${business.email}>`, files: [{ name: file.name, base64 }] },
        headers: {
          "Message-ID": "<3@example.com>",
          "In-Reply-To": "<2@example.org>",
          References: "<1@example.com> <2@example.org>",
        },
      },
    ),
  };
}
