import { z } from "zod";
import { ParseError } from "../../../errors.ts";
import { describePlace } from "../../../formats/describe-place.ts";
import { normalizeWholeNumber } from "../../../formats/phone-number.ts";
import type { Attachment, IgnoredEvent, ProviderMessage } from "../../../model.ts";
import { ignored, type TextFacts } from "../../kit/events.ts";
import { listOf, maybeText, messageId, text, unixTime } from "../../kit/fields.ts";

/** A message as WhatsApp Web has it, which Evolution API hands on: read into words and files that HighLevel can show. */

/** One, or a list of them, as older versions post. */
export const asList = <Item>(item: z.ZodType<Item>) =>
  z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]).pipe(z.array(item).min(1));

const some = <Fields extends z.ZodRawShape>(fields: Fields) => z.object(fields).nullish();
const file = some({ caption: maybeText, mimetype: maybeText, fileName: maybeText });
const degrees = z.union([z.number(), text]).nullish();
const place = some({ degreesLatitude: degrees, degreesLongitude: degrees, name: maybeText, address: maybeText });
const card = z.object({ displayName: maybeText, vcard: maybeText });
const said = {
  conversation: maybeText,
  extendedTextMessage: some({ text: maybeText }),
  ...{ imageMessage: file, videoMessage: file, ptvMessage: file, audioMessage: file, documentMessage: file },
  ...{ stickerMessage: file, locationMessage: place, liveLocationMessage: place, contactMessage: card.nullish() },
  documentWithCaptionMessage: some({ message: some({ documentMessage: file }) }),
  contactsArrayMessage: some({ contacts: listOf(card) }),
  reactionMessage: some({ text: maybeText, key: some({ id: maybeText, fromMe: z.boolean().nullish() }) }),
  buttonsResponseMessage: some({ selectedDisplayText: maybeText, selectedButtonId: maybeText }),
  templateButtonReplyMessage: some({ selectedDisplayText: maybeText, selectedId: maybeText }),
  listResponseMessage: some({ title: maybeText, description: maybeText }),
  pollCreationMessage: some({ name: maybeText, options: listOf(z.object({ optionName: maybeText })) }),
};
type Said = z.infer<z.ZodObject<typeof said>>;

/** https://github.com/EvolutionAPI/evolution-api, src/api/integrations/channel/whatsapp/whatsapp.baileys.service.ts */
export const message = z.object({
  key: z.object({
    ...{ id: messageId, fromMe: z.boolean().nullish(), remoteJid: maybeText, participant: maybeText },
    // Beside an id that hides the number, by the version.
    ...{ remoteJidAlt: maybeText, senderPn: maybeText },
  }),
  ...{ pushName: maybeText, status: maybeText, messageType: maybeText, messageTimestamp: unixTime },
  message: some({ ...said, base64: maybeText, mediaUrl: maybeText }),
  contextInfo: some({ quotedMessage: some(said) }),
});
export type Message = z.infer<typeof message>;

/** The number in an id of WhatsApp's, such as `15005550006:12@s.whatsapp.net`; undefined for an id of anything else. */
export function numberOf(jid: string | undefined): string | undefined {
  const digits = /^(\d{7,15})(?:[:_]\d+)?@(?:s\.whatsapp\.net|c\.us)$/.exec(jid ?? "")?.[1];
  return digits && normalizeWholeNumber(digits);
}

/** Makes a text out of it, where it holds something that an agent can read and answer. `own`: the business's number. */
export function readMessage(
  given: Message,
  own: string | undefined,
  make: (own: string, person: string, said: Omit<TextFacts, "from" | "to">) => ProviderMessage,
): ProviderMessage | IgnoredEvent {
  const { key, status, messageTimestamp: sentAt } = given;
  const { id, remoteJid = "", remoteJidAlt, senderPn } = key;
  if (/@(g\.us|broadcast|newsletter)$/.test(remoteJid))
    return ignored(`a message of ${remoteJid.split("@")[1]}: groups, statuses and channels are not bridged`);
  // What is sent by the API begins so, what is written on the phone comes with SERVER_ACK.
  if (key.fromMe && status === "PENDING") return ignored("a message that was sent by the API");
  if (!given.message || silent.has(given.messageType ?? ""))
    return ignored(`a message of type ${given.messageType ?? "none"}: says nothing that is bridged`);
  const person = [remoteJid, remoteJidAlt, senderPn].map(numberOf).find(Boolean);
  if (!person)
    return ignored(`a message of ${remoteJid || "nobody"}, which is no number: the bridge could not answer it`);
  if (own === undefined)
    throw new ParseError("sender: is no id of a number, so that nobody knows whom it was written to");
  const attachments = filesOf(given.message);
  const words = [...wordsOf(given.message), missingOf(given.message), quoteOf(given)].filter(Boolean);
  const untold = `[A message of type ${given.messageType ?? "unknown"}, of which nothing more is told]`;
  const isEmpty = words.length === 0 && attachments.length === 0;
  return make(own, person, { id, sentAt, text: (isEmpty ? untold : words.join("\n")) || undefined, attachments });
}

/** What WhatsApp's programs tell one another. */
const silent: ReadonlySet<string> = new Set([
  ...["protocolMessage", "senderKeyDistributionMessage", "messageContextInfo", "pollUpdateMessage", "editedMessage"],
]);

function fileOf(content: Said) {
  return (
    content.imageMessage ??
    content.videoMessage ??
    content.ptvMessage ??
    content.audioMessage ??
    content.stickerMessage ??
    content.documentMessage ??
    content.documentWithCaptionMessage?.message?.documentMessage
  );
}

function filesOf(content: NonNullable<Message["message"]>): Attachment[] {
  const found = fileOf(content);
  const { mediaUrl: url, base64 } = content;
  if (!found || !(url || base64)) return [];
  const sizeBytes = url || !base64 ? undefined : Buffer.byteLength(base64, "base64");
  return [{ url, sizeBytes, contentType: found.mimetype, name: found.fileName }];
}

/** In words, what its settings keep from us. */
function missingOf(content: NonNullable<Message["message"]>): string | undefined {
  const found = fileOf(content);
  if (!found || content.mediaUrl || content.base64) return undefined;
  return `[A file, ${found.fileName ?? found.mimetype ?? "of no type"}, that Evolution API did not hand over: its webhook needs base64]`;
}

function wordsOf(content: Said): (string | undefined)[] {
  const { buttonsResponseMessage: button, templateButtonReplyMessage: template, listResponseMessage: entry } = content;
  const { contactMessage, contactsArrayMessage: cards, pollCreationMessage: poll } = content;
  const where = content.locationMessage ?? content.liveLocationMessage;
  return [
    content.conversation ?? content.extendedTextMessage?.text,
    fileOf(content)?.caption,
    button?.selectedDisplayText ?? button?.selectedButtonId ?? template?.selectedDisplayText ?? template?.selectedId,
    ...[entry?.title, entry?.description],
    where ? placeOf(where) : undefined,
    ...[contactMessage, ...(cards?.contacts ?? [])].map((each) => (each ? cardOf(each) : undefined)),
    reactionOf(content),
    poll
      ? `[Poll: ${[poll.name, ...poll.options.map(({ optionName }) => optionName)].filter(Boolean).join(" · ")}]`
      : undefined,
  ];
}

function placeOf({ name: label, address, degreesLatitude, degreesLongitude }: NonNullable<z.infer<typeof place>>) {
  return describePlace({
    label,
    address,
    latitude: degreesLatitude ?? undefined,
    longitude: degreesLongitude ?? undefined,
  });
}

/** https://www.rfc-editor.org/rfc/rfc6350 */
export function cardOf({ displayName, vcard = "" }: { displayName?: string | undefined; vcard?: string | undefined }) {
  const lines = vcard.slice(0, 10_000);
  const name = displayName ?? /^FN[^:\r\n]*:([^\r\n]+)/im.exec(lines)?.[1];
  const numbers = [...lines.matchAll(/^(?:item\d+\.)?TEL[^:\r\n]*:([^\r\n]+)/gim)].map(([, number]) => number);
  return `[Contact: ${[name, ...numbers].filter(Boolean).join(", ")}]`;
}

function reactionOf({ reactionMessage: reaction }: Said): string | undefined {
  if (!reaction) return undefined;
  const { text: emoji, key } = reaction;
  return describeReaction(emoji, key?.fromMe === true, key?.id);
}

/** Nothing but the id tells what it is to. Without an emoji it is taken back. */
export function describeReaction(emoji: string | undefined, isToOurs: boolean, id = "before"): string {
  const answered = `${isToOurs ? "your" : "the"} message ${id}`;
  return emoji ? `[Reacted ${emoji} to ${answered}]` : `[Took back the reaction to ${answered}]`;
}

const maxQuote = 200;
export const shorten = (quoted: string) => quoted.slice(0, maxQuote).toWellFormed();

/** The message that it answers comes along. */
function quoteOf({ contextInfo }: Message): string | undefined {
  const quoted = contextInfo?.quotedMessage;
  if (!quoted) return undefined;
  const words = shorten(wordsOf(quoted).filter(Boolean).join(" "));
  return `[Answers: ${words || (fileOf(quoted) ? "a file" : "a message")}]`;
}
