import { z } from "zod";
import type { CallApi } from "../calls/call-api.ts";
import { parseMessageIds } from "../formats/mail-headers.ts";
import { messageId } from "../formats/parse-body.ts";
import { maybeText, requiredText } from "../formats/parse-value.ts";
import type { MessageError, OutboundMessage, SentMessage } from "../model.ts";
import { requireCredential } from "./kit/require-credential.ts";
import { decodeSecret, signWebhook } from "./kit/standard-webhooks.ts";

interface SendCredentials {
  secret: string;
  sendUrl?: string | undefined;
  sendSecret?: string | undefined;
}

type SendData = { reference: string } & Record<string, unknown>;

/** What is taken may be answered in any way: also with nothing. */
const taken = z.object({ id: messageId.optional().catch(undefined), messageId: maybeText.catch(undefined) });

/**
 * Posts a message to the integrator's `sendUrl`, signed as the integrator's own webhooks are; generic.ts says how. The time
 * is the signature's, and so our own.
 */
export async function send(data: SendData, given: SendCredentials, callApi: CallApi): Promise<SentMessage> {
  const url = requireCredential(given.sendUrl, "sendUrl");
  const secretKey = requireCredential(decodeSecret(given.sendSecret ?? given.secret), "sendSecret");
  const id = webhookId(data.reference);
  const at = new Date();
  // As bytes: what is signed is what is sent.
  const body = Buffer.from(JSON.stringify({ type: "message.send", timestamp: at.toISOString(), data }));
  const headers = { "content-type": "application/json", ...signWebhook(secretKey, id, at, body) };
  const answer = taken.safeParse((await callApi({ method: "POST", url, headers, body })).body).data;
  return { providerMessageId: answer?.id ?? id, rfcMessageId: parseMessageIds(answer?.messageId)[0] };
}

export function textData({ reference, from, to, text: plain, attachments: files }: OutboundMessage): SendData {
  return { reference, from, to, text: plain, attachments: files.map(link) };
}

export function emailData(message: OutboundMessage): SendData {
  const { reference, from, fromName, to, cc, bcc, replyTo, subject, text: plain, html } = message;
  const { rfcMessageId, inReplyTo, references } = message;
  const envelope = { reference, from, fromName, to, cc, bcc, replyTo };
  const thread = { messageId: rfcMessageId, inReplyTo, references };
  return { ...envelope, subject, text: plain, html, ...thread, attachments: message.attachments.map(link) };
}

const link = ({ url, name, contentType }: OutboundMessage["attachments"][number]) => ({ url, name, contentType });

/** The idempotency key, and the message's id where its sender has none. */
export function webhookId(reference: string): string {
  return `msg_${reference}`;
}

const code = z.union([requiredText, z.number().transform(String)]).default("rejected");
const refusal = z.union([
  z.object({ error: z.object({ code, message: requiredText }) }).transform(({ error }) => error),
  z
    .object({ title: requiredText, detail: maybeText, status: code })
    .transform(({ title, detail, status }) => ({ code: status, message: detail ?? title })),
  z.object({ code, message: requiredText }),
]);

/** Problem details, or the two shapes that are most common besides. */
export function readError(answer: unknown): MessageError | undefined {
  return refusal.safeParse(answer).data;
}
