import { z } from "zod";
import { formText } from "../../../formats/form.ts";
import { attachmentOf, composeMail } from "../../../formats/mail.ts";
import { allOf, findHeader } from "../../../formats/mail-headers.ts";
import { addressesOf, parseSender } from "../../../formats/mailbox.ts";
import { addWords, openMime, parseContentId, readHeaders, unwrapFiles, withoutContent } from "../../../formats/mime.ts";
import type { ProviderMessage } from "../../../model.ts";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { hashOf, mail, rawMail, withVerdicts } from "../../kit/events.ts";
import { jsonText, listOf, maybeText, text } from "../../kit/fields.ts";

const record = z.record(z.string(), z.string());
const inbound = z.object({
  envelope: jsonText(z.object({ from: text.optional(), to: listOf(text) })),
  charsets: jsonText(record).catch(undefined),
  "content-ids": jsonText(record).catch(undefined),
});

const rawOf = ({ fields }: DecodedWebhook) => fields.find(({ name }) => name === "email")?.content;

/** A mail that is posted raw, or taken apart. */
export async function readMail(webhook: DecodedWebhook): Promise<ProviderMessage> {
  const { SPF: spf, dkim } = webhook.read(found);
  return withVerdicts(await readContent(webhook), { spf, dkim: dkimIn(dkim) });
}

const found = z.object({ SPF: maybeText, dkim: maybeText });

/** As in `{@example.org : pass, @mailer.example.net : fail}`: one signature that holds is enough. */
function dkimIn(written: string | undefined): string | undefined {
  const words = [...(written ?? "").matchAll(/:\s*([a-z]+)/gi)].map(([, word = ""]) => word);
  return words.find((word) => word === "pass") ?? words[0];
}

async function readContent(webhook: DecodedWebhook): Promise<ProviderMessage> {
  const { envelope, charsets = {} } = webhook.read(inbound);
  const [from, to] = [envelope?.from, envelope?.to.join(", ")];
  const raw = rawOf(webhook);
  if (raw) return rawMail(raw, { from, to });
  const field = (name: string) => textOf(webhook, name, charsets[name]);
  const block = field("headers") ?? "";
  const headers = await readHeaders(block);
  const { words, files } = await readFiles(webhook);
  const read = { text: field("text"), html: field("html") };
  const content = composeMail({
    from: parseSender(field("from") ?? findHeader(headers, "from")),
    ...{ to: addressesOf(allOf(headers, "to") ?? field("to") ?? to), cc: addressesOf(field("cc")), bcc: [] },
    ...{ subject: field("subject"), text: undefined, html: undefined, ...addWords(read, words) },
    ...{ attachments: files.map(withoutContent), headers, envelopeSender: from },
  });
  const id = content.rfcMessageId ?? hashOf(`${block}\n${read.text}\n${read.html}`);
  return mail(id, content, addressesOf(to));
}

/** Each field is in the charset that `charsets` says, which need not be UTF-8. */
function textOf({ fields }: DecodedWebhook, name: string, charset: string | undefined): string | undefined {
  return maybeText.parse(formText(fields, name, charset));
}

/** The contents of its files. */
export async function openFiles(webhook: DecodedWebhook) {
  const raw = rawOf(webhook);
  return raw ? openMime(raw) : (await readFiles(webhook)).files.map(({ content }) => content?.());
}

function readFiles(webhook: DecodedWebhook) {
  const ids = Object.entries(webhook.read(inbound)["content-ids"] ?? {});
  const uploads = webhook.fields.filter(({ name }) => /^attachment\d+$/.test(name));
  return unwrapFiles(
    uploads.map((file) => {
      const [contentId] = ids.find(([, name]) => name === file.name) ?? [];
      return { ...attachmentOf(file, parseContentId(contentId)), content: () => file.content };
    }),
  );
}
