import { z } from "zod";
import { ParseError } from "../../../errors.ts";
import { describePlace } from "../../../formats/describe-place.ts";
import { decodeJson, parseValue } from "../../../formats/parse-value.ts";
import type { IgnoredEvent, ProviderMessage } from "../../../model.ts";
import { ignored, incompleteMail, type TextFacts } from "../../kit/events.ts";
import { listOf, maybeText, messageId, text, unixTime } from "../../kit/fields.ts";
import { cardOf, describeReaction, numberOf, shorten } from "../evolution/read-message.ts";

/** A message as WAHA tells it, whatever engine it works by: read into words and files that HighLevel can show. */

/**
 * `false_15005550006@c.us_3EB0C767D097B7C7C030`. The chat may be named by a number once, and by an id that hides it another
 * time: only what follows it is the message's own.
 */
const idPattern = /^(true|false)_([^_@]+@[^_]+)_(.+)$/;
export const fullId = messageId.transform((given, context) => {
  const [, whose, chat, id] = idPattern.exec(given) ?? [];
  if (chat === undefined || id === undefined)
    context.addIssue("is no id such as false_15005550006@c.us_3EB0C767D097B7C7");
  return { isOurs: whose === "true", chat: chat ?? "", id: id ?? "" };
});
/** The same where some engines have the message's own alone. */
export const anyId = messageId.transform((given) => idPattern.exec(given)?.[3] ?? given);

const some = <Fields extends z.ZodRawShape>(fields: Fields) => z.object(fields).nullish();
const degrees = z.union([z.number(), text]).nullish();

/** https://github.com/devlikeapro/waha, src/structures/responses.dto.ts. Of `_data`, the engine's own, what else is missing. */
export const message = z.object({
  ...{
    id: fullId,
    timestamp: unixTime,
    from: maybeText,
    to: maybeText,
    fromMe: z.boolean().nullish(),
    source: maybeText,
  },
  ...{ body: maybeText, hasMedia: z.boolean().nullish(), vCards: listOf(text) },
  media: some({ url: maybeText, mimetype: maybeText, filename: maybeText }),
  location: some({
    ...{ latitude: degrees, longitude: degrees },
    ...{ name: maybeText, address: maybeText, description: maybeText },
  }),
  replyTo: some({ body: maybeText }),
  reaction: some({ text: maybeText, messageId: fullId }),
  _data: some({
    type: maybeText,
    key: some({ remoteJidAlt: maybeText }),
    Info: some({ SenderAlt: maybeText, RecipientAlt: maybeText, PushName: maybeText }),
    ...{ pushName: maybeText, notifyName: maybeText },
  }),
});
type Message = z.infer<typeof message>;

/**
 * Makes a text out of it, where it holds something that an agent can read and answer. `own`: the business's number. `fetched`:
 * what WAHA knows of an id that hides a number; without that it is to be asked for, under no name but our own.
 */
export function readMessage(
  given: Message,
  { own, fetched }: { own: string | undefined; fetched: Buffer | undefined },
  make: (own: string, person: string, said: Omit<TextFacts, "from" | "to">) => ProviderMessage,
): ProviderMessage | IgnoredEvent {
  const { id, timestamp: sentAt, media } = given;
  const words = wordsOf(given);
  const attachments = media?.url ? [{ url: media.url, contentType: media.mimetype, name: media.filename }] : [];
  const isEmpty = words.length === 0 && attachments.length === 0;
  const reason = reasonToIgnore(given, isEmpty);
  if (reason !== undefined) return ignored(reason);
  if (own === undefined)
    throw new ParseError("me.id: is no id of a number, so that nobody knows whom it was written to");
  const person = personOf(given) ?? numberOf(fetched && numberIn(fetched));
  if (person === undefined) {
    const isAsked = fetched === undefined && id.chat.endsWith("@lid");
    if (isAsked) return incompleteMail(id.id, id.chat, { from: own, to: [own] });
    return ignored(`a message of ${id.chat}, which is no number: the bridge could not answer it`);
  }
  const said = isEmpty ? "[A message of which WAHA tells nothing more]" : words.join("\n");
  return make(own, person, { id: id.id, sentAt, text: said || undefined, attachments });
}

/** What is no text between a person and the business, or is known already. */
function reasonToIgnore({ id, fromMe, source, _data: data }: Message, isEmpty: boolean): string | undefined {
  const [, kind = ""] = id.chat.split("@");
  if (["g.us", "broadcast", "newsletter"].includes(kind))
    return `a message of ${kind}: groups, statuses and channels are not bridged`;
  if (fromMe && source !== "app")
    return `a message of the business's own, by ${source ?? "nobody knows what"}: only those by the app are news`;
  const { type = "" } = data ?? {};
  return isEmpty && silent.has(type) ? `a message of type ${type}: says nothing that is bridged` : undefined;
}

/** Beside an id that hides the number stands the number, where WAHA knows it: by the engine at another place. */
function personOf({ id, from, to, fromMe, _data: data }: Message): string | undefined {
  const { SenderAlt, RecipientAlt } = data?.Info ?? {};
  const theirs = fromMe ? [to, RecipientAlt] : [from, SenderAlt];
  return [id.chat, data?.key?.remoteJidAlt, ...theirs].map(numberOf).find(Boolean);
}

/** https://waha.devlike.pro/docs/how-to/contacts#get-phone-number-by-lid */
const numberIn = (fetched: Buffer) => parseValue(z.object({ pn: maybeText }), decodeJson(fetched)).pn;

/** What WhatsApp's programs tell one another: https://github.com/wwebjs/whatsapp-web.js, src/util/Constants.js */
const silent: ReadonlySet<string> = new Set([
  ...["e2e_notification", "notification", "notification_template", "broadcast_notification", "gp2", "protocol"],
  ...["call_log", "revoked", "ciphertext"],
]);

function wordsOf({ body, location, vCards, reaction, replyTo, hasMedia, media }: Message): string[] {
  const file = media?.filename ?? media?.mimetype ?? "of no type";
  const all = [
    // The body of a place is a picture of it, that of contacts their cards once more.
    location || vCards.length > 0 ? undefined : body,
    location ? placeOf(location) : undefined,
    ...vCards.map((vcard) => cardOf({ vcard })),
    reaction ? describeReaction(reaction.text, reaction.messageId.isOurs, reaction.messageId.id) : undefined,
    hasMedia && !media?.url ? `[A file, ${file}, that WAHA did not hand over]` : undefined,
    replyTo?.body ? `[Answers: ${shorten(replyTo.body)}]` : undefined,
  ];
  return all.flatMap((words) => words || []);
}

function placeOf({ latitude, longitude, name, description, address }: NonNullable<Message["location"]>) {
  const coordinates = { latitude: latitude ?? undefined, longitude: longitude ?? undefined };
  return describePlace({ ...coordinates, address, label: name ?? description });
}
