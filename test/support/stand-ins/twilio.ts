import { randomUUID } from "node:crypto";
import express, { type Request, type Response } from "express";
import type { ReceiptStatus, WebhookRequest } from "../../../src/model.ts";
import { signer } from "../../fixtures/twilio/sign.ts";
import type { StandIn, StandInMessage } from "./stand-in.ts";

const { accountSid, authToken } = signer.sendCredentials as { accountSid: string; authToken: string };
const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`;

/**
 * Twilio's Messages resource: https://www.twilio.com/docs/messaging/api/message-resource
 * As there, parameters that it does not know do nothing, and a body that is no form has no parameters.
 */
export function createTwilioStandIn(): StandIn {
  const sent: StandInMessage[] = [];
  const router = express.Router();
  router.post("/2010-04-01/Accounts/:accountSid/Messages.json", express.raw({ type: () => true }), (req, res) => {
    if (req.headers.authorization !== authorization || req.params["accountSid"] !== accountSid) {
      return refuse(res, 401, 20003, "Authenticate");
    }
    const form = readForm(req);
    const problem = problemOf(form);
    if (problem) return refuse(res, 400, ...problem);
    const message = toMessage(form);
    sent.push(message);
    res.status(201).json(describe(message, form));
  });
  router.use((req, res) => refuse(res, 404, 20404, `The requested resource ${req.path} was not found`));
  return { provider: "twilio", host: "api.twilio.com", router, sent, receipt, answer };
}

/** https://www.twilio.com/docs/usage/twilios-response#response-formats-exceptions */
function refuse(res: Response, status: number, code: number, message: string): void {
  res.status(status).json({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status });
}

function readForm(req: Request): URLSearchParams {
  const isForm = req.is("application/x-www-form-urlencoded") !== false && Buffer.isBuffer(req.body);
  return new URLSearchParams(isForm ? req.body.toString("utf8") : "");
}

const e164 = /^\+[1-9]\d{6,14}$/;
const sender = /^(\+[1-9]\d{6,14}|\d{3,8}|[A-Za-z0-9 ]{1,11})$/;

/** The first that is wrong: https://www.twilio.com/docs/api/errors */
function problemOf(form: URLSearchParams): [code: number, message: string] | undefined {
  const [to, from, body] = ["To", "From", "Body"].map((name) => form.get(name) ?? "") as [string, string, string];
  const service = form.get("MessagingServiceSid");
  const callback = form.get("StatusCallback");
  const media = form.getAll("MediaUrl");
  const checks: [boolean, number, string][] = [
    [to === "", 21604, "A 'To' phone number is required."],
    [!e164.test(to), 21211, `Invalid 'To' Phone Number: ${to}`],
    [from === "" && !service, 21603, "A 'From' phone number is required."],
    [from !== "" && !sender.test(from), 21212, `Invalid 'From' Phone Number: ${from}`],
    [service !== null && !/^MG[0-9a-f]{32}$/i.test(service), 21705, "The Messaging Service Sid is invalid."],
    [body === "" && media.length === 0, 21619, "A text message body or media urls must be specified."],
    [body.length > 1600, 21617, "The concatenated message body exceeds the 1600 character limit."],
    [media.length > 10, 21623, "Number of media files exceeds allowed limit."],
    [!media.every(isWebUrl), 21620, "Invalid media URL(s)"],
    [callback !== null && !isCallback(callback), 21609, `The 'StatusCallback' URL ${callback} is not a valid URL.`],
  ];
  const [, code, message] = checks.find(([isWrong]) => isWrong) ?? [];
  return code === undefined || message === undefined ? undefined : [code, message];
}

const isWebUrl = (url: string) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
const isCallback = (url: string) => isWebUrl(url) && !new URL(url).hostname.includes("_") && url.length <= 4000;

function toMessage(form: URLSearchParams): StandInMessage {
  const media = form.getAll("MediaUrl");
  const receiptUrl = form.get("StatusCallback") ?? undefined;
  return {
    id: `${media.length > 0 ? "MM" : "SM"}${randomUUID().replaceAll("-", "")}`,
    reference: receiptUrl && (new URL(receiptUrl).searchParams.get("message") ?? undefined),
    from: form.get("From") ?? "",
    to: [form.get("To") ?? ""],
    cc: [],
    bcc: [],
    text: form.get("Body") ?? undefined,
    headers: {},
    media,
    receiptUrl,
  };
}

function describe(message: StandInMessage, form: URLSearchParams): Record<string, unknown> {
  const service = form.get("MessagingServiceSid");
  const date = new Date().toUTCString().replace("GMT", "+0000");
  const uri = `/2010-04-01/Accounts/${accountSid}/Messages/${message.id}`;
  return {
    account_sid: accountSid,
    api_version: "2010-04-01",
    body: message.text ?? "",
    date_created: date,
    date_sent: null,
    date_updated: date,
    direction: "outbound-api",
    error_code: null,
    error_message: null,
    from: message.from || null,
    messaging_service_sid: service,
    num_media: String(message.media.length),
    num_segments: service ? "0" : "1",
    price: null,
    price_unit: null,
    sid: message.id,
    status: service ? "accepted" : "queued",
    subresource_uris: { media: `${uri}/Media.json` },
    to: message.to[0],
    uri: `${uri}.json`,
  };
}

const words: Record<ReceiptStatus, Record<string, string>> = {
  sent: { MessageStatus: "sent" },
  delivered: { MessageStatus: "delivered", RawDlrDoneDate: "2611211000" },
  read: { MessageStatus: "read", EventType: "READ" },
  failed: { MessageStatus: "undelivered", ErrorCode: "30003" },
};

const receipt: StandIn["receipt"] = (message, status, { url, at }) => {
  const word = words[status];
  return post(message.receiptUrl ?? url, at, {
    ...{ SmsSid: message.id, SmsStatus: word["MessageStatus"] ?? "", To: message.to[0] ?? "", MessageSid: message.id },
    ...{ AccountSid: accountSid, From: message.from, ApiVersion: "2010-04-01", ...word },
  });
};

const answer: StandIn["answer"] = (message, { url, at, id, text }) =>
  post(url, at, {
    ...{ ToCountry: "US", SmsMessageSid: id, NumMedia: "0", SmsSid: id, SmsStatus: "received", Body: text },
    ...{ To: message.from, NumSegments: "1", MessageSid: id, AccountSid: accountSid, From: message.to[0] ?? "" },
    ApiVersion: "2010-04-01",
  });

function post(url: string, at: Date, body: Record<string, string>): WebhookRequest {
  return signer.sign({ contentType: "application/x-www-form-urlencoded", body }, { url, at });
}
