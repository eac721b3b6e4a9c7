import { z } from "zod";
import type { ProviderEvent, WebhookRequest } from "../model.ts";
import type { AdapterSpec } from "./adapter.ts";
import { readMailHeaders } from "./mail-headers.ts";
import { addressesOf, requireMailbox } from "./mailbox.ts";
import { decodeJson, maybeText, messageId, parseValue, text } from "./parse-body.ts";
import { isSame } from "./signature.ts";

const credentials = z.strictObject({
  username: z.string().regex(/^[^:\s]+$/, "must not be empty, and hold no colon and no space"),
  password: z.string().min(16, "must have at least 16 characters; make one by: openssl rand -hex 24"),
});

/**
 * Postmark inbound webhooks: https://postmarkapp.com/developer/webhooks/inbound-webhook
 * Postmark signs nothing; what proves that a webhook is its is a user name and a password in the webhook's URL.
 */
export const postmark: AdapterSpec<z.infer<typeof credentials>> = {
  channel: "email",
  contentTypes: ["application/json"],
  credentials,
  verify: (request, { username, password }) => {
    const expected = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    return isSame(request.headers["authorization"] ?? "", expected);
  },
  parse,
  webhookUrl: (url, { username, password }) =>
    url.replace("://", `://${encodeURIComponent(username)}:${encodeURIComponent(password)}@`),
};

const mailboxes = z.array(z.object({ Email: text })).nullish();
const inbound = z.object({
  MessageID: messageId,
  From: maybeText,
  FromFull: z.object({ Email: text, Name: maybeText }).nullish(),
  ToFull: mailboxes,
  CcFull: mailboxes,
  BccFull: mailboxes,
  To: maybeText,
  Cc: maybeText,
  Bcc: maybeText,
  Subject: maybeText,
  Date: maybeText,
  TextBody: maybeText,
  HtmlBody: maybeText,
  Headers: z.array(z.object({ Name: text, Value: text })).nullish(),
  Attachments: z
    .array(z.object({ Name: maybeText, ContentType: maybeText, ContentLength: z.number().nullish() }))
    .nullish(),
});

function parse(request: WebhookRequest): ProviderEvent[] {
  const body = decodeJson(request.body.toString("utf8"));
  const { RecordType: event = "Inbound" } = parseValue(z.object({ RecordType: maybeText }), body);
  if (event !== "Inbound") return [{ kind: "ignored", reason: `event ${event}: only inbound mail is bridged` }];

  const mail = parseValue(inbound, body);
  const from = requireMailbox(mail.FromFull?.Email || mail.From, "FromFull.Email");
  // From and Date are fields of their own and not among the headers; Return-Path is, first, put there by Postmark.
  const headers = (mail.Headers ?? []).map(({ Name, Value }) => ({ name: Name, value: Value }));
  headers.push({ name: "From", value: from.address }, { name: "Date", value: mail.Date ?? "" });
  return [
    {
      kind: "message",
      providerMessageId: mail.MessageID,
      from: from.address,
      fromName: mail.FromFull?.Name ?? from.name,
      to: listOf(mail.ToFull, mail.To),
      cc: listOf(mail.CcFull, mail.Cc),
      bcc: listOf(mail.BccFull, mail.Bcc),
      subject: mail.Subject,
      text: mail.TextBody,
      html: mail.HtmlBody,
      attachments: (mail.Attachments ?? []).map(({ Name, ContentType, ContentLength }) => ({
        name: Name,
        contentType: ContentType,
        sizeBytes: ContentLength ?? undefined,
      })),
      ...readMailHeaders(headers),
    },
  ];
}

function listOf(full: z.infer<typeof mailboxes>, header: string | undefined): string[] {
  return addressesOf(full?.map((mailbox) => mailbox.Email).join(", ") || header);
}
