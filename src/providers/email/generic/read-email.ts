import { z } from "zod";
import type { ProviderEvent } from "../../../model.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { asHeaders, mailOfParts } from "../../kit/email/mail-parts.ts";
import { type Envelope, openRaw, rawMail } from "../../kit/email/mails.ts";
import { at, listOf, maybeNumber, maybeText, messageId, oneOrMore, text, time } from "../../kit/fields.ts";

const url = z.url({ protocol: /^https?$/ });
const sizeBytes = z.number().int().min(0).nullish().pipe(maybeNumber);
export const attachments = listOf(z.object({ url, name: maybeText, contentType: maybeText, sizeBytes }));

/** A header's value, or its values in a list. */
const header = oneOrMore(text)
  .nullish()
  .transform((values) => values ?? []);
/** Of what was cut there may be no more than a part of the last four signs. */
const base64 = z.string().regex(/^[\w+/-]*={0,2}$/, "is not base64");
const fields = z.object({
  ...{ id: messageId.nullish(), envelopeFrom: text.nullish(), envelopeTo: header },
  ...{ mime: z.string().min(1).nullish(), mimeBase64: base64.nullish() },
  ...{ from: maybeText, replyTo: maybeText, to: header, cc: header, bcc: header },
  ...{ subject: maybeText, text: maybeText, html: maybeText },
  ...{ messageId: maybeText, inReplyTo: header, references: header, autoSubmitted: maybeText, sentAt: time },
  verdicts: z.partialRecord(z.enum(["spf", "dkim", "dmarc"]), text).nullish(),
  attachments,
});
const email = at("data", fields);
const id = at("data.id", messageId);
const files = at("data", fields.pick({ mime: true, mimeBase64: true, attachments: true }));

/** An email as a whole, which needs no id, or in fields. */
export async function readEmail(webhook: DecodedWebhook): Promise<ProviderEvent[]> {
  const data = webhook.read(email);
  const envelope = { from: data.envelopeFrom, to: data.envelopeTo, verdicts: data.verdicts ?? {} };
  const raw = wholeEmail(data);
  return raw ? rawMail(raw, envelope, data.id ?? undefined) : [await readFields(data, envelope, webhook.read(id))];
}

function wholeEmail({ mime, mimeBase64 }: Pick<z.infer<typeof fields>, "mime" | "mimeBase64">) {
  return mimeBase64 ? Buffer.from(mimeBase64, "base64") : mime;
}

async function readFields(data: z.infer<typeof fields>, envelope: Envelope, messageId: string) {
  const { from, to, cc, bcc, replyTo, subject, text, html, attachments: files, sentAt } = data;
  const headers = asHeaders({
    ...{ From: from, "Reply-To": replyTo, Subject: subject, "Auto-Submitted": data.autoSubmitted },
    ...{ "Message-ID": data.messageId, "In-Reply-To": data.inReplyTo.join(" ") },
    References: data.references.join(" "),
  });
  const email = await mailOfParts({ from, to, cc, bcc, subject, text, html, files, headers, envelope }, messageId);
  return { ...email, sentAt };
}

/** The contents of the files in a whole email; elsewhere they are URLs. */
export function openFiles(webhook: DecodedWebhook): Promise<Buffer[]> | undefined[] {
  const { attachments: links, ...whole } = webhook.read(files);
  const raw = wholeEmail(whole);
  return raw ? openRaw(raw) : links.map(() => undefined);
}
