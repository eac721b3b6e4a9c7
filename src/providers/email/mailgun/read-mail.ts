import { z } from "zod";
import { parseContentId } from "../../../formats/mime.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { maybeLink } from "../../kit/email/mail-fields.ts";
import { mailOfParts, openParts, uploadsIn } from "../../kit/email/mail-parts.ts";
import { openRaw, rawMail } from "../../kit/email/mails.ts";
import { jsonText, maybe, maybeText } from "../../kit/fields.ts";

const inbound = z.object({ recipient: maybeText, sender: z.string().optional() });
const storedFile = z.object({ name: maybeText, "content-type": maybeText, size: maybe(z.number()), url: maybeLink });
const header = z.tuple([z.string(), z.string()], z.unknown());
const parsed = z.object({
  ...{ from: maybeText, subject: maybeText, "body-plain": maybeText, "body-html": maybeText },
  "message-headers": jsonText(z.array(header.transform(([name, value]) => ({ name, value })))),
  attachments: jsonText(z.array(storedFile)),
  // By Content-ID the field of an uploaded file, or the URL of a stored one. No reason to lose a mail when it is spoiled.
  "content-id-map": maybe(jsonText(z.record(z.string(), z.string()))),
});

/** `id` is for the rare mail without a Message-ID. */
export async function readMail(webhook: DecodedWebhook, id: () => string) {
  const { recipient: to, sender } = webhook.read(inbound);
  const envelope = { from: sender, to };
  const raw = rawOf(webhook);
  if (raw) return rawMail(raw, envelope, id);
  const given = webhook.read(parsed);
  const { from, subject, "body-plain": text, "body-html": html } = given;
  // Every header is also a field of its own; `message-headers` has them in their order and with repetitions.
  const own = () => webhook.fields.map(({ name, content }) => ({ name, value: content.toString("utf8") }));
  const headers = ownOf(webhook, given, "message-headers") ?? own();
  return mailOfParts({ from, subject, text, html, headers, files: filesIn(webhook, given), envelope }, id);
}

/** A mail that was taken apart always has `body-plain`: in such a one `body-mime` is a header that a person wrote. */
function rawOf({ fields }: DecodedWebhook): Buffer | undefined {
  if (fields.some(({ name }) => name === "body-plain")) return undefined;
  return fields.find(({ name }) => name === "body-mime")?.content;
}

type Parsed = z.output<typeof parsed>;

/** A field if it is Mailgun's own: whatever header a person writes is posted as a field of its name, beside Mailgun's. */
function ownOf<Field extends keyof Parsed>(webhook: DecodedWebhook, given: Parsed, field: Field) {
  const countOf = (wanted: string) => webhook.fields.filter(({ name }) => name === wanted).length;
  if (countOf(field) !== 1 || countOf("message-headers") > 1) return undefined;
  const isHeader = given["message-headers"]?.some(({ name }) => name.toLowerCase() === field);
  return isHeader ? undefined : given[field];
}

export function openFiles(webhook: DecodedWebhook) {
  const raw = rawOf(webhook);
  return raw ? openRaw(raw) : openParts(filesIn(webhook, webhook.read(parsed)));
}

/** Those in the form itself, then those that a route stores for some days, of which there is a URL. */
function filesIn(webhook: DecodedWebhook, given: Parsed) {
  const stored = ownOf(webhook, given, "attachments") ?? [];
  const map = ownOf(webhook, given, "content-id-map") ?? {};
  const ids = new Map(Object.entries(map).map(([id, at]) => [at, parseContentId(id)]));
  const links = stored.map(({ url, name, "content-type": contentType, size: sizeBytes }) => {
    return { url, contentId: ids.get(url ?? ""), name, contentType, sizeBytes };
  });
  return [...uploadsIn(webhook, /^attachment-\d+$/, ids), ...links];
}
