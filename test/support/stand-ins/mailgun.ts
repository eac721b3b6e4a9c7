import { randomUUID } from "node:crypto";
import express, { type Request } from "express";
import { addressParser } from "postal-mime";
import type { ReceiptStatus } from "../../../src/model.ts";
import { signer } from "../../fixtures/mailgun/sign.ts";
import { answerHeaders } from "./mail-answer.ts";
import type { StandIn, StandInMessage } from "./stand-in.ts";

const { apiKey, domain } = signer.sendCredentials as { apiKey: string; domain: string };
const authorization = `Basic ${Buffer.from(`api:${apiKey}`).toString("base64")}`;

/** Mailgun's messages API: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages */
export function createMailgunStandIn(): StandIn {
  const sent: StandInMessage[] = [];
  const router = express.Router();
  router.post("/v3/:domain/messages", express.raw({ type: () => true, limit: "60mb" }), async (req, res) => {
    if (req.headers.authorization !== authorization) return void res.status(401).type("text").send("Forbidden");
    if (req.params["domain"] !== domain) {
      return void res.status(404).json({ message: `Domain not found: ${String(req.params["domain"])}` });
    }
    const form = await readForm(req);
    const problem = problemOf(form);
    if (problem) return void res.status(400).json({ message: problem });
    const message = toMessage(form);
    sent.push(message);
    res.json({ id: `<${message.id}>`, message: "Queued. Thank you." });
  });
  router.use((_req, res) => void res.status(404).type("text").send("404 page not found"));
  return { provider: "mailgun", host: "api.mailgun.net", router, sent, receipt, answer };
}

/** A body that is no form has no parameters. */
async function readForm(req: Request): Promise<FormData> {
  const body = Buffer.isBuffer(req.body) ? new Uint8Array(req.body) : null;
  const headers = { "content-type": req.get("content-type") ?? "" };
  return new Response(body, { headers }).formData().catch(() => new FormData());
}

const textOf = (form: FormData, name: string) => {
  const value = form.get(name);
  return typeof value === "string" ? value : undefined;
};
const addressesOf = (list: string | undefined) =>
  addressParser(list ?? "", { flatten: true }).map(({ address = "" }) => address);
const isList = (list: string) => addressesOf(list).every((address) => /^[^\s@]+@[a-z\d.-]+\.[a-z\d-]+$/i.test(address));

/** The first that is wrong. */
function problemOf(form: FormData): string | undefined {
  for (const name of ["from", "to"]) if (!textOf(form, name)) return `'${name}' parameter is missing`;
  const wrong = ["from", "to", "cc", "bcc"].find((name) => !isList(form.getAll(name).join(", ")));
  if (wrong) return `'${wrong}' parameter is not a valid address. please check documentation`;
  if (!textOf(form, "text") && !textOf(form, "html")) {
    return "Need at least one of 'text' or 'html' parameters specified";
  }
  if (form.getAll("attachment").some((file) => typeof file === "string")) return "'attachment' parameter is not a file";
  const options = [...form].filter(([name]) => /^[ohvt]:/.test(name));
  const size = options.reduce((sum, [name, value]) => sum + Buffer.byteLength(name + String(value)), 0);
  return size > 16 * 1024
    ? "Send options (parameters starting with o:, h:, v:, or t:) are limited to 16 kB"
    : undefined;
}

function toMessage(form: FormData): StandInMessage {
  const header = (name: string) => {
    const [, value] = [...form].find(([field]) => field.toLowerCase() === `h:${name}`) ?? [];
    return typeof value === "string" ? { [name]: value } : {};
  };
  const own = /^<([^<>\s@]+@[^<>\s@]+)>$/.exec(header("message-id")["message-id"] ?? "")?.[1];
  const id = own ?? `${new Date().toISOString().replace(/\D/g, "").slice(0, 14)}.1.${randomUUID()}@${domain}`;
  return {
    id,
    reference: textOf(form, "v:message"),
    from: addressesOf(textOf(form, "from"))[0] ?? "",
    to: form.getAll("to").flatMap((list) => addressesOf(String(list))),
    cc: form.getAll("cc").flatMap((list) => addressesOf(String(list))),
    bcc: form.getAll("bcc").flatMap((list) => addressesOf(String(list))),
    ...{ subject: textOf(form, "subject"), text: textOf(form, "text"), html: textOf(form, "html") },
    headers: {
      ...header("in-reply-to"),
      ...header("references"),
      ...header("reply-to"),
      "message-id": `<${id}>`,
    },
    media: form.getAll("attachment").flatMap((file) => (typeof file === "string" ? [] : file.name)),
    receiptUrl: undefined,
  };
}

const bounced = "5.1.1 The email account that you tried to reach does not exist.";

/** https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads */
const events: Record<ReceiptStatus, object | undefined> = {
  sent: undefined,
  delivered: { event: "delivered", "delivery-status": { code: 250, message: "OK", description: "", "attempt-no": 1 } },
  read: { event: "opened", ip: "192.0.2.1", "client-info": { "client-type": "browser", "device-type": "desktop" } },
  failed: {
    ...{ event: "failed", severity: "permanent", reason: "bounce" },
    "delivery-status": { code: 550, message: bounced, description: "", "attempt-no": 1 },
  },
};

/** Mailgun says nothing when it has handed a mail on and waits: `sent` is an error here. */
const receipt: StandIn["receipt"] = (message, status, { url, at, recipient = message.to[0] ?? "" }) => {
  const event = events[status];
  if (!event) throw new Error(`Mailgun has no webhook for a mail that is ${status}`);
  const headers = { "message-id": message.id, from: message.from, to: message.to.join(", "), subject: message.subject };
  const data = {
    ...{ id: randomUUID(), timestamp: at.getTime() / 1000, recipient, tags: [], flags: { "is-test-mode": false } },
    ...{ message: { headers, size: 341, attachments: [] }, ...event },
    "user-variables": message.reference === undefined ? {} : { message: message.reference },
  };
  return signer.sign({ contentType: "application/json", body: { "event-data": data } }, { url, at });
};

/** https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http */
const answer: StandIn["answer"] = (message, { url, at, id, text }) => {
  const { to, subject, messageId, inReplyTo, references } = answerHeaders(message, id);
  const from = message.to[0] ?? "";
  const headers = {
    ...{ "X-Envelope-From": from, "X-Mailgun-Incoming": "Yes", From: from, To: to, Subject: subject },
    ...{ "Message-Id": messageId, "In-Reply-To": inReplyTo, References: references },
    ...{ Date: at.toUTCString().replace("GMT", "+0000"), "Content-Type": 'text/plain; charset="utf-8"' },
  };
  const body = {
    ...{ recipient: to, sender: from, from, subject, ...headers },
    ...{ "body-plain": text, "stripped-text": text, "message-headers": JSON.stringify(Object.entries(headers)) },
  };
  return signer.sign({ contentType: "application/x-www-form-urlencoded", body }, { url, at });
};
