import { randomUUID } from "node:crypto";
import express, { type Response } from "express";
import { Webhook } from "standardwebhooks";
import { z } from "zod";
import type { WebhookRequest } from "../../../src/model.ts";
import { signer } from "../../fixtures/generic-sms/sign.ts";
import { answerHeaders } from "./mail-answer.ts";
import type { StandIn, StandInMessage } from "./stand-in.ts";

const { secret } = signer.sendCredentials as { secret: string };
const reference = z.string().regex(/^\d+$/);
const number = z.string().regex(/^\+[1-9]\d{6,14}$/);
const attachments = z.array(
  z.strictObject({ url: z.url({ protocol: /^https?$/ }), name: z.string(), contentType: z.string() }),
);

const sms = z.strictObject({ reference, from: number, to: number, text: z.string().min(1).optional(), attachments });

const mailId = z.string().regex(/^[^<>\s]+$/);
const email = z.strictObject({
  reference,
  from: z.email(),
  fromName: z.string().min(1).optional(),
  to: z.email(),
  cc: z.array(z.email()),
  bcc: z.array(z.email()),
  replyTo: z.email().optional(),
  subject: z.string().optional(),
  text: z.string().optional(),
  html: z.string().optional(),
  messageId: mailId.optional(),
  inReplyTo: mailId.optional(),
  references: z.array(mailId),
  attachments,
});

/** A gateway that an integrator wrote for texts, by the manual in src/providers/generic.ts. */
export function createGenericSmsStandIn(): StandIn {
  return createStandIn({
    provider: "generic-sms",
    host: "sms.example.net",
    schema: sms,
    toMessage: toText,
    answer: answerText,
  });
}

/** The same for email. */
export function createGenericEmailStandIn(): StandIn {
  return createStandIn({
    provider: "generic-email",
    host: "mail.example.net",
    schema: email,
    toMessage: toEmail,
    answer: answerEmail,
  });
}

interface Gateway<Data> extends Pick<StandIn, "provider" | "host" | "answer"> {
  schema: z.ZodType<Data>;
  toMessage(data: Data): StandInMessage;
}

/** `POST /send`. A repeated webhook-id is the same message: answered as before, sent once. */
function createStandIn<Data>({ provider, host, schema, toMessage, answer }: Gateway<Data>): StandIn {
  const sent: StandInMessage[] = [];
  const messageByWebhookId = new Map<string, StandInMessage>();
  const envelope = z.strictObject({ type: z.literal("message.send"), timestamp: z.iso.datetime(), data: schema });
  const router = express.Router();
  router.post("/send", express.raw({ type: () => true, limit: "20mb" }), (req, res) => {
    const bytes = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
    if (!isSigned(bytes, req.headers)) return refuse(res, 401, "Unauthorized", "the signature does not fit");
    if (!req.is("application/json")) return refuse(res, 415, "Unsupported Media Type", "send JSON");
    const parsed = envelope.safeParse(readJson(bytes));
    if (!parsed.success) return refuse(res, 422, "Unprocessable Content", z.prettifyError(parsed.error));
    const webhookId = String(req.headers["webhook-id"]);
    const message = messageByWebhookId.get(webhookId) ?? toMessage(parsed.data.data);
    if (!messageByWebhookId.has(webhookId)) sent.push(message);
    messageByWebhookId.set(webhookId, message);
    res.status(202).json({ id: message.id });
  });
  router.use((_req, res) => refuse(res, 404, "Not Found", "there is only POST /send"));
  return { provider, host, router, sent, receipt, answer };
}

function isSigned(body: Buffer, headers: Record<string, string | string[] | undefined>): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

function refuse(res: Response, status: number, title: string, detail: string): void {
  res.status(status).type("application/problem+json").send(JSON.stringify({ title, status, detail }));
}

function toText({ reference: given, from, to, text, attachments: files }: z.infer<typeof sms>): StandInMessage {
  const media = files.map(({ url }) => url);
  const people = { from, to: [to], cc: [], bcc: [] };
  return { id: `sms-${randomUUID()}`, reference: given, ...people, text, headers: {}, media, receiptUrl: undefined };
}

function toEmail(data: z.infer<typeof email>): StandInMessage {
  const { from, to, cc, bcc, subject, text, html } = data;
  const id = `mail-${randomUUID()}`;
  const bracketed = (ids: string[]) => ids.map((each) => `<${each}>`).join(" ");
  return {
    id,
    reference: data.reference,
    ...{ from, to: [to], cc, bcc, subject, text, html },
    headers: {
      "message-id": `<${data.messageId ?? `${id}@mail.example.net`}>`,
      ...(data.inReplyTo ? { "in-reply-to": `<${data.inReplyTo}>` } : {}),
      ...(data.references.length > 0 ? { references: bracketed(data.references) } : {}),
      ...(data.replyTo ? { "reply-to": data.replyTo } : {}),
    },
    media: data.attachments.map(({ name }) => name),
    receiptUrl: undefined,
  };
}

const receipt: StandIn["receipt"] = (message, status, { url, at, recipient }) => {
  const error = status === "failed" ? { code: "unreachable", message: "It could not be delivered" } : undefined;
  return post("message.status", { id: message.id, reference: message.reference, status, recipient, error }, url, at);
};

const answerText: StandIn["answer"] = (message, { url, at, id, text }) =>
  post("message.received", { id, from: message.to[0], to: message.from, text, sentAt: at.toISOString() }, url, at);

const answerEmail: StandIn["answer"] = (message, { url, at, id, text }) => {
  const headers = answerHeaders(message, id);
  return post("message.received", { id, from: message.to[0], text, sentAt: at.toISOString(), ...headers }, url, at);
};

function post(type: string, data: Record<string, unknown>, url: string, at: Date): WebhookRequest {
  const body = { type, timestamp: at.toISOString(), data };
  return signer.sign({ contentType: "application/json", body }, { url, at });
}
