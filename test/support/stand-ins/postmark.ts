import { randomUUID } from "node:crypto";
import express, { type Response } from "express";
import { addressParser } from "postal-mime";
import { z } from "zod";
import type { ReceiptStatus, WebhookRequest } from "../../../src/model.ts";
import { signer } from "../../fixtures/postmark/sign.ts";
import { answerHeaders } from "./mail-answer.ts";
import type { StandIn, StandInMessage } from "./stand-in.ts";

const { serverToken } = signer.sendCredentials as { serverToken: string };

const email = z.strictObject({
  From: z.string(),
  To: z.string(),
  Cc: z.string().optional(),
  Bcc: z.string().optional(),
  ReplyTo: z.string().optional(),
  Subject: z.string().optional(),
  TextBody: z.string().optional(),
  HtmlBody: z.string().optional(),
  MessageStream: z.string().optional(),
  Metadata: z.record(z.string(), z.string()).optional(),
  Headers: z.array(z.strictObject({ Name: z.string().min(1), Value: z.string().regex(/^[^\r\n]*$/) })).optional(),
  Attachments: z
    .array(z.strictObject({ Name: z.string().min(1), Content: z.base64(), ContentType: z.string() }))
    .optional(),
});
type Email = z.infer<typeof email>;

/**
 * Postmark's email API: https://postmarkapp.com/developer/api/email-api. Stricter than the original in this: a field that
 * it does not know is refused, so that no name is misspelt unseen.
 */
export function createPostmarkStandIn(): StandIn {
  const sent: StandInMessage[] = [];
  const router = express.Router();
  router.post("/email", express.raw({ type: () => true, limit: "60mb" }), (req, res) => {
    if (req.get("x-postmark-server-token") !== serverToken) {
      return refuse(
        res,
        401,
        10,
        "The Server Token you provided in the X-Postmark-Server-Token request header was invalid.",
      );
    }
    if (!req.is("application/json") || !/\bapplication\/json\b/.test(req.get("accept") ?? "")) {
      return void res.status(415).end();
    }
    const body: Buffer = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
    if (body.length > 10_000_000) return void res.status(413).end();
    const { data, problem } = readEmail(body);
    if (problem) return refuse(res, 422, ...problem);
    const message = toMessage(data);
    sent.push(message);
    const { To, Cc, Bcc } = data;
    const SubmittedAt = new Date().toISOString();
    res.json({ To, Cc, Bcc, SubmittedAt, MessageID: message.id, ErrorCode: 0, Message: "OK" });
  });
  router.use((_req, res) => void res.status(404).end());
  return { provider: "postmark", host: "api.postmarkapp.com", router, sent, receipt, answer };
}

/** https://postmarkapp.com/developer/api/overview#error-codes */
function refuse(res: Response, status: number, code: number, message: string): void {
  res.status(status).set("X-PM-ApiErrorCode", String(code)).json({ ErrorCode: code, Message: message });
}

type Problem = [code: number, message: string];

function readEmail(body: Buffer): { data: Email; problem?: undefined } | { data?: undefined; problem: Problem } {
  const json = readJson(body);
  if (json === undefined) return { problem: [402, "Invalid JSON"] };
  const { data, error } = email.safeParse(json);
  if (data) {
    const problem = problemOf(data);
    return problem ? { problem } : { data };
  }
  const fields = error.issues.map(({ path, message }) => `'${path.join(".")}' (${message})`);
  return { problem: [403, `Invalid request field(s): ${fields.join(", ")}.`] };
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** https://postmarkapp.com/developer/user-guide/send-email-with-api#attachments */
const forbiddenFile =
  /\.(vbs|exe|bin|bat|chm|com|cpl|crt|hlp|hta|inf|ins|isp|jse|lnk|mdb|pcd|pif|reg|scr|sct|shs|vbe|vba|wsf|wsh|wsl|msc|msi|msp|mst)$/i;

/** The first that is wrong. */
function problemOf(data: Email): Problem | undefined {
  const { From, To, Cc = "", Bcc = "", ReplyTo = "", TextBody, HtmlBody, Attachments = [], Metadata = {} } = data;
  const lists = { From, To, Cc, Bcc, ReplyTo };
  const wrong = Object.entries(lists).find(([name, list]) => !isList(list, name === "From" || name === "To" ? 1 : 0));
  if (wrong) return [300, `Invalid '${wrong[0]}' address: '${wrong[1]}'.`];
  const recipients = [To, Cc, Bcc].flatMap(addressesOf).length;
  if (recipients > 50) return [300, "Maximum of 50 recipients allowed per email message."];
  if (!TextBody && !HtmlBody) return [300, "Provide either email TextBody or HtmlBody or both."];
  if ([TextBody, HtmlBody].some((part) => Buffer.byteLength(part ?? "") > 5_000_000)) return [300, "Body is too long."];
  const forbidden = Attachments.find(({ Name }) => forbiddenFile.test(Name));
  if (forbidden) return [411, `The attachment '${forbidden.Name}' is of a type that is not allowed.`];
  const odd = Attachments.find(({ ContentType }) => !/^[\w.+-]+\/[\w.+-]+(\s*;.*)?$/.test(ContentType));
  if (odd) return [300, `Invalid content type '${odd.ContentType}'.`];
  // https://postmarkapp.com/support/article/1125-custom-metadata-faq
  const entries = Object.entries(Metadata);
  const isLong = entries.length > 10 || entries.some(([name, value]) => name.length > 20 || value.length > 80);
  return isLong ? [300, "Metadata has too many fields, or too long ones."] : undefined;
}

const addressesOf = (list: string) => addressParser(list, { flatten: true }).map(({ address = "" }) => address);

function isList(list: string, atLeast: number): boolean {
  const addresses = addressesOf(list);
  return addresses.length >= atLeast && addresses.every((address) => /^[^\s@]+@[a-z\d.-]+$/i.test(address));
}

function toMessage(data: Email): StandInMessage {
  const id = randomUUID();
  const given = Object.fromEntries((data.Headers ?? []).map(({ Name, Value }) => [Name.toLowerCase(), Value]));
  const { "message-id": own, "in-reply-to": inReplyTo, references, "x-pm-keepid": keeps } = given;
  return {
    id,
    reference: data.Metadata?.["message"],
    from: addressesOf(data.From)[0] ?? "",
    to: addressesOf(data.To),
    cc: addressesOf(data.Cc ?? ""),
    bcc: addressesOf(data.Bcc ?? ""),
    ...{ subject: data.Subject, text: data.TextBody, html: data.HtmlBody },
    headers: {
      "message-id": own !== undefined && keeps === "true" ? own : `<${id}@mtasv.net>`,
      ...(inReplyTo === undefined ? {} : { "in-reply-to": inReplyTo }),
      ...(references === undefined ? {} : { references }),
      ...(data.ReplyTo === undefined ? {} : { "reply-to": data.ReplyTo }),
    },
    media: (data.Attachments ?? []).map(({ Name }) => Name),
    receiptUrl: undefined,
  };
}

const bounce = {
  ...{ ID: 42, Type: "HardBounce", TypeCode: 1, Name: "Hard bounce", Inactive: true, CanActivate: true },
  Description: "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
  ...{ Details: "smtp;550 5.1.1 The email account that you tried to reach does not exist.", DumpAvailable: true },
};

/** https://postmarkapp.com/developer/webhooks/webhooks-overview */
const events: Record<ReceiptStatus, ((recipient: string, at: string) => object) | undefined> = {
  sent: undefined,
  delivered: (Recipient, at) => ({ RecordType: "Delivery", Recipient, DeliveredAt: at, Details: "smtp;250 2.0.0 OK" }),
  read: (Recipient, at) => ({ RecordType: "Open", Recipient, FirstOpen: true, ReceivedAt: at, UserAgent: "x" }),
  failed: (Email, at) => ({ RecordType: "Bounce", ...bounce, Email, BouncedAt: at }),
};

/** Postmark says nothing when it has handed a mail on and waits: `sent` is an error here. */
const receipt: StandIn["receipt"] = (message, status, { url, at, recipient = message.to[0] ?? "" }) => {
  const event = events[status]?.(recipient, at.toISOString());
  if (!event) throw new Error(`Postmark has no webhook for a mail that is ${status}`);
  const Metadata = message.reference === undefined ? {} : { message: message.reference };
  return post({ MessageStream: "outbound", MessageID: message.id, ServerID: 23, Tag: "", Metadata, ...event }, url, at);
};

/** https://postmarkapp.com/developer/webhooks/inbound-webhook */
const answer: StandIn["answer"] = (message, { url, at, id, text }) => {
  const { to, subject, messageId, inReplyTo, references } = answerHeaders(message, id);
  const from = message.to[0] ?? "";
  const headers = {
    "Return-Path": `<${from}>`,
    "Message-ID": messageId,
    "In-Reply-To": inReplyTo,
    References: references,
  };
  const body = {
    ...{ MessageID: id, MessageStream: "inbound", Subject: subject, Date: at.toUTCString(), Tag: "", MailboxHash: "" },
    ...{ From: from, FromName: "", FromFull: { Email: from, Name: "", MailboxHash: "" }, ReplyTo: "" },
    ...{
      To: to,
      ToFull: [{ Email: to, Name: "", MailboxHash: "" }],
      OriginalRecipient: "a1b2@inbound.postmarkapp.com",
    },
    ...{ Cc: "", CcFull: [], Bcc: "", BccFull: [], Attachments: [] },
    ...{ TextBody: text, HtmlBody: "", StrippedTextReply: text },
    Headers: Object.entries(headers).map(([Name, Value]) => ({ Name, Value })),
  };
  return post(body, url, at);
};

function post(body: Record<string, unknown>, url: string, at: Date): WebhookRequest {
  return signer.sign({ contentType: "application/json", body }, { url, at });
}
