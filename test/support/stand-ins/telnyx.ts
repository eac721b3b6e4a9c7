import { randomUUID } from "node:crypto";
import express, { type ErrorRequestHandler, type Response } from "express";
import { z } from "zod";
import type { ReceiptStatus, WebhookRequest } from "../../../src/model.ts";
import { signer } from "../../fixtures/telnyx/sign.ts";
import type { StandIn, StandInMessage } from "./stand-in.ts";

const { apiKey } = signer.sendCredentials as { apiKey: string };
const profileId = "16fd2706-8baf-433b-82eb-8c7fada847da";

/** Telnyx's messages: https://developers.telnyx.com/api-reference/messages/send-a-message */
export function createTelnyxStandIn(): StandIn {
  const sent: StandInMessage[] = [];
  const router = express.Router();
  router.use((req, res, next) =>
    req.headers.authorization === `Bearer ${apiKey}` ? next() : refuse(res, 401, "10009"),
  );
  router.post("/v2/messages", express.json(), (req, res) => {
    if (!req.is("application/json")) return refuse(res, 415, "10014");
    const parsed = body.safeParse(req.body);
    if (!parsed.success) return refuse(res, 400, ...problemOf(parsed.error.issues[0]));
    const message = toMessage(parsed.data);
    sent.push(message);
    res.json({ data: { ...describe(message, "queued"), webhook_url: message.receiptUrl ?? null } });
  });
  router.use((_req, res) => refuse(res, 404, "10005"));
  const notJson: ErrorRequestHandler = (_error, _req, res, _next) => refuse(res, 400, "10015");
  router.use(notJson);
  return { provider: "telnyx", host: "api.telnyx.com", router, sent, receipt, answer };
}

/** Titles and details: https://developers.telnyx.com/development/api-fundamentals/api-errors */
const errors: Record<string, { title: string; detail: string }> = {
  "10003": { title: "Invalid URL", detail: "The URL provided was invalid, malformed, or too long." },
  "10004": { title: "Missing required parameter", detail: "A required parameter was missing." },
  "10005": { title: "Resource not found", detail: "The requested resource or URL could not be found." },
  "10009": {
    title: "Authentication failed",
    detail: "The required authentication headers were either invalid or missing.",
  },
  "10014": { title: "Unsupported Media Type", detail: "The server does not support the media type." },
  "10015": { title: "Bad Request", detail: "The request failed because it was not well-formed." },
  "40305": { title: "Invalid 'from' address", detail: "The 'from' address is not a valid sender." },
  "40310": { title: "Invalid 'to' address", detail: "The 'to' address should be a single valid number." },
};

function refuse(res: Response, status: number, code: string, pointer?: string): void {
  res.status(status).json({ errors: [{ code, ...errors[code], ...(pointer ? { source: { pointer } } : {}) }] });
}

const number = z.string().regex(/^(\+[1-9]\d{6,14}|\d{3,8})$/);
const webUrl = z.url({ protocol: /^https?$/ }).max(2000);
/** A parameter that Telnyx does not know is refused here, as a mistake of ours. */
const body = z
  .strictObject({
    to: number,
    from: z.union([number, z.string().regex(/^[A-Za-z0-9 ]{1,11}$/)]),
    text: z.string().min(1).optional(),
    subject: z.string().optional(),
    type: z.enum(["SMS", "MMS"]).optional(),
    media_urls: z.array(webUrl).min(1).optional(),
    messaging_profile_id: z.uuid().optional(),
    webhook_url: webUrl.optional(),
    webhook_failover_url: webUrl.optional(),
    use_profile_webhooks: z.boolean().optional(),
  })
  .refine(({ text, media_urls: media }) => text ?? media, { path: ["text"], params: { missing: true } })
  .refine(({ type, media_urls: media }) => type !== "MMS" || media, { path: ["media_urls"], params: { missing: true } })
  .refine(({ type, media_urls: media }) => type !== "SMS" || !media, { path: ["type"] });

const codeByField: Record<string, string> = {
  to: "40310",
  from: "40305",
  media_urls: "10003",
  webhook_url: "10003",
  webhook_failover_url: "10003",
};

function problemOf(issue: z.core.$ZodIssue | undefined): [code: string, pointer: string] {
  const field = String(issue?.path[0] ?? "");
  const isMissing =
    (issue?.code === "invalid_type" && issue.message.endsWith("received undefined")) ||
    (issue?.code === "custom" && issue.params?.["missing"] === true);
  return [isMissing ? "10004" : (codeByField[field] ?? "10015"), `/${field}`];
}

function toMessage(given: z.infer<typeof body>): StandInMessage {
  const receiptUrl = given.webhook_url;
  return {
    id: randomUUID(),
    reference: receiptUrl && (new URL(receiptUrl).searchParams.get("message") ?? undefined),
    from: given.from,
    to: [given.to],
    cc: [],
    bcc: [],
    text: given.text,
    subject: given.subject,
    headers: {},
    media: given.media_urls ?? [],
    receiptUrl,
  };
}

function describe(message: StandInMessage, word: string): Record<string, unknown> {
  return {
    record_type: "message",
    direction: "outbound",
    id: message.id,
    type: message.media.length > 0 ? "MMS" : "SMS",
    messaging_profile_id: profileId,
    from: { phone_number: message.from, carrier: "TELNYX LLC", line_type: "VoIP" },
    to: message.to.map((each) => ({
      phone_number: each,
      status: word,
      carrier: "T-MOBILE USA",
      line_type: "Wireless",
    })),
    cc: [],
    text: message.text ?? "",
    subject: message.subject ?? null,
    media: message.media.map((url) => ({ url, content_type: null, sha256: null, size: null })),
    encoding: "GSM-7",
    parts: 1,
    tags: [],
    errors: [],
    received_at: new Date().toISOString(),
    sent_at: null,
    completed_at: null,
  };
}

const words: Record<ReceiptStatus, string> = {
  sent: "sent",
  delivered: "delivered",
  read: "read",
  failed: "delivery_failed",
};
const undeliverable = { code: "40008", title: "Undeliverable", detail: "The carrier did not accept the message." };

const receipt: StandIn["receipt"] = (message, status, { url, at }) =>
  post(message.receiptUrl ?? url, at, status === "sent" ? "message.sent" : "message.finalized", {
    ...describe(message, words[status]),
    sent_at: at.toISOString(),
    errors: status === "failed" ? [undeliverable] : [],
    ...(status === "sent" ? {} : { completed_at: at.toISOString() }),
  });

const answer: StandIn["answer"] = (message, { url, at, id, text }) =>
  post(url, at, "message.received", {
    ...describe(message, "webhook_delivered"),
    direction: "inbound",
    id,
    type: "SMS",
    from: { phone_number: message.to[0], carrier: "T-MOBILE USA", line_type: "Wireless" },
    to: [{ phone_number: message.from, status: "webhook_delivered", carrier: "TELNYX LLC", line_type: "VoIP" }],
    text,
    media: [],
    received_at: at.toISOString(),
  });

function post(url: string, at: Date, eventType: string, payload: Record<string, unknown>): WebhookRequest {
  const event = {
    record_type: "event",
    id: randomUUID(),
    event_type: eventType,
    occurred_at: at.toISOString(),
    payload,
  };
  const sample = { data: event, meta: { attempt: 1, delivered_to: url } };
  return signer.sign({ contentType: "application/json", body: sample }, { url, at });
}
