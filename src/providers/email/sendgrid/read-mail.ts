import { z } from "zod";
import { formText } from "../../../formats/form.ts";
import { allOf } from "../../../formats/mail-headers.ts";
import { parseContentId, readHeaders } from "../../../formats/mime.ts";
import type { ProviderEvent } from "../../../model.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { mailOfParts, openParts, uploadsIn } from "../../kit/email/mail-parts.ts";
import { hashOf, openRaw, rawMail } from "../../kit/email/mails.ts";
import { jsonText, listOf, maybe, maybeText, text } from "../../kit/fields.ts";

const record = z.record(z.string(), z.string());
const inbound = z.object({
  envelope: jsonText(z.object({ from: text.optional(), to: listOf(text) })),
  ...{ charsets: maybe(jsonText(record)), SPF: maybeText, dkim: maybeText },
  "content-ids": maybe(jsonText(record)),
});

const rawOf = ({ fields }: DecodedWebhook) => fields.find(({ name }) => name === "email")?.content;

/** A mail that is posted raw, or taken apart. */
export async function readMail(webhook: DecodedWebhook): Promise<ProviderEvent[]> {
  const { envelope: given, charsets = {}, SPF: spf, dkim } = webhook.read(inbound);
  const envelope = { from: given?.from, to: given?.to, verdicts: { spf, dkim: dkimIn(dkim) } };
  const raw = rawOf(webhook);
  if (raw) return rawMail(raw, envelope);
  const field = (name: string) => textOf(webhook, name, charsets[name]);
  const block = field("headers") ?? "";
  const headers = await readHeaders(block);
  const [text, html] = [field("text"), field("html")];
  const parties = { from: field("from"), to: allOf(headers, "to") ?? field("to"), cc: field("cc"), envelope };
  const content = { subject: field("subject"), text, html, headers, files: filesIn(webhook) };
  return [await mailOfParts({ ...parties, ...content }, () => hashOf(`${block}\n${text}\n${html}`))];
}

/** As in `{@example.org : pass, @mailer.example.net : fail}`: one signature that holds is enough. */
function dkimIn(written: string | undefined): string | undefined {
  const words = [...(written ?? "").matchAll(/:\s*([a-z]+)/gi)].map(([, word = ""]) => word);
  return words.find((word) => word === "pass") ?? words[0];
}

/** Each field is in the charset that `charsets` says, which need not be UTF-8. */
function textOf({ fields }: DecodedWebhook, name: string, charset: string | undefined): string | undefined {
  return maybeText.parse(formText(fields, name, charset));
}

/** The contents of its files. */
export function openFiles(webhook: DecodedWebhook) {
  const raw = rawOf(webhook);
  return raw ? openRaw(raw) : openParts(filesIn(webhook));
}

function filesIn(webhook: DecodedWebhook) {
  const ids = Object.entries(webhook.read(inbound)["content-ids"] ?? {});
  const byField = new Map(ids.toReversed().map(([id, field]) => [field, parseContentId(id)]));
  return uploadsIn(webhook, /^attachment\d+$/, byField);
}
