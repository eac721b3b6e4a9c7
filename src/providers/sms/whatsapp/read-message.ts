import { z } from "zod";
import { ParseError } from "../../../errors.ts";
import { describePlace } from "../../../formats/describe-place.ts";
import type { Attachment, IgnoredEvent, ProviderMessage } from "../../../model.ts";
import { ignored, type TextFacts } from "../../kit/events.ts";
import { listOf, maybeText, messageId, phoneWithoutPlus, requiredText, text, unixTime } from "../../kit/fields.ts";
import { graph } from "./graph.ts";

/** What people send by WhatsApp, as Meta's Cloud API tells it: as words and files that HighLevel can show. */

const some = <Fields extends z.ZodRawShape>(fields: Fields) => z.object(fields).nullish();
const file = some({ id: requiredText, mime_type: maybeText, filename: maybeText, caption: maybeText });
const party = phoneWithoutPlus(undefined).nullish();
const problem = z.object({ title: maybeText, message: maybeText, error_data: some({ details: maybeText }) });
const amount = z.union([z.number(), text]).nullish();
const choice = some({ id: maybeText, title: maybeText, description: maybeText });

/** What is said otherwise than by files. */
export const said = z.object({
  type: requiredText,
  text: some({ body: maybeText }),
  location: some({ latitude: amount, longitude: amount, name: maybeText, address: maybeText }),
  contacts: listOf(
    z.object({
      name: some({ formatted_name: maybeText }),
      phones: listOf(z.object({ phone: maybeText, wa_id: maybeText })),
      emails: listOf(z.object({ email: maybeText })),
    }),
  ),
  button: some({ text: maybeText, payload: maybeText }),
  interactive: some({
    ...{ button_reply: choice, list_reply: choice },
    nfm_reply: some({ body: maybeText, response_json: maybeText }),
  }),
  reaction: some({ message_id: maybeText, emoji: maybeText }),
  order: some({
    text: maybeText,
    product_items: listOf(
      z.object({ product_retailer_id: maybeText, quantity: amount, item_price: amount, currency: maybeText }),
    ),
  }),
  system: some({ body: maybeText, type: maybeText, wa_id: maybeText, new_wa_id: maybeText }),
  errors: listOf(problem),
});
type Said = z.infer<typeof said>;

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages */
export const message = said.extend({
  // Who has no number to be seen has a user id instead.
  ...{ from: party, to: party, id: messageId, timestamp: unixTime, group_id: maybeText },
  context: some({
    ...{ id: maybeText, from: maybeText, forwarded: z.boolean().nullish() },
    referred_product: some({ product_retailer_id: maybeText }),
  }),
  referral: some({ headline: maybeText, body: maybeText, source_url: maybeText }),
  ...{ image: file, video: file, audio: file, voice: file, document: file, sticker: file },
});
type Message = z.infer<typeof message>;

/** Makes a text out of it, where it holds something that an agent can read and answer. `own`: the business's number. */
export function readMessage(
  given: Message,
  own: string,
  make: (person: string, said: Omit<TextFacts, "from" | "to">) => ProviderMessage,
): ProviderMessage | IgnoredEvent {
  const { from: person, id, timestamp: sentAt, type, group_id: group, system } = given;
  if (group !== undefined) return ignored("a message in a WhatsApp group: only what one person writes is bridged");
  if (unsaid.has(type)) return ignored(`a message of type ${type}: says nothing that is bridged`);
  if (type === "system" && !/changed_number/.test(system?.type ?? ""))
    return ignored(`a notice of WhatsApp, ${system?.type ?? "without a type"}: says nothing that is bridged`);
  if (!person) return ignored("a message of somebody who hides their number: the bridge could not answer it");
  const words = isFile(type) ? [given[type]?.caption] : wordsOf(given);
  const lines = [...words, ...contextOf(given, own), referralOf(given)];
  const attachments = filesOf(given);
  return make(person, { id, sentAt, text: lines.filter(Boolean).join("\n") || undefined, attachments });
}

/** Opened for the first time, edited or taken back: what was written is in HighLevel. */
export const unsaid: ReadonlySet<string> = new Set(["request_welcome", "edit", "revoke"]);
const fileTypes = ["image", "video", "audio", "voice", "document", "sticker"] as const;
type FileType = (typeof fileTypes)[number];
export const isFile = (type: string): type is FileType => fileTypes.some((each) => each === type);

function filesOf(given: Message): Attachment[] {
  if (!isFile(given.type)) return [];
  const found = given[given.type];
  if (!found) throw new ParseError(`messages.${given.type}: is missing in a message of that type`);
  const url = `${graph}/${encodeURIComponent(found.id)}`;
  return [{ url, contentType: found.mime_type, name: found.filename }];
}

/** What it answers, of which Meta tells the id. A button that was pressed says enough by itself, as does STOP. */
function contextOf({ context, type }: Message, own: string): string[] {
  if (type === "button" || type === "interactive") return [];
  const { id, from, forwarded, referred_product: product } = context ?? {};
  const isOurs = from !== undefined && own.endsWith(from.replace(/^\+/, ""));
  return [
    ...(forwarded ? ["[Forwarded]"] : []),
    ...(product?.product_retailer_id ? [`[About the product ${product.product_retailer_id}]`] : []),
    ...(id && !forwarded ? [`[Answers ${isOurs ? "your" : "the"} message ${id}]`] : []),
  ];
}

function referralOf({ referral }: Message): string | undefined {
  const parts = [referral?.headline, referral?.body, referral?.source_url].filter(Boolean);
  return parts.length > 0 ? `[Written from: ${parts.join(" · ")}]` : undefined;
}

export function wordsOf(given: Said): Words {
  const { type } = given;
  const said = Object.hasOwn(words, type) ? words[type]?.(given).filter(Boolean) : undefined;
  return said && said.length > 0 ? said : [`[A message of type ${type}, of which nothing more is told]`];
}

type Words = (string | undefined)[];

/** By the type of the message. */
const words: Record<string, (given: Said) => Words> = {
  text: ({ text }) => [text?.body],
  button: ({ button }) => [button?.text ?? button?.payload],
  interactive: ({ interactive }) => {
    const { button_reply: button, list_reply: entry, nfm_reply: form } = interactive ?? {};
    const chosen = button ?? entry;
    return [chosen?.title ?? chosen?.id, chosen?.description, form?.body, form?.response_json];
  },
  location: ({ location }) => [describePlace({ ...present(location), label: location?.name })],
  contacts: ({ contacts }) =>
    contacts.map(({ name, phones, emails }) => {
      const ways = [...phones.map(({ phone, wa_id }) => phone ?? wa_id), ...emails.map(({ email }) => email)];
      return `[Contact: ${[name?.formatted_name, ...ways].filter(Boolean).join(", ")}]`;
    }),
  reaction: ({ reaction }) => {
    const { emoji, message_id: id = "before" } = reaction ?? {};
    return [emoji ? `[Reacted ${emoji} to the message ${id}]` : `[Took back the reaction to the message ${id}]`];
  },
  order: ({ order }) => [
    ...(order?.product_items ?? []).map(({ product_retailer_id: product, quantity, item_price, currency }) => {
      const price = item_price === null || item_price === undefined ? "" : ` at ${item_price} ${currency ?? ""}`;
      return `[Ordered: ${quantity ?? 1} × ${product ?? "a product"}${price.trimEnd()}]`;
    }),
    order?.text,
  ],
  system: ({ system }) => {
    const now = system?.new_wa_id ?? system?.wa_id;
    return [
      system?.body && `[${system.body}]`,
      system?.body || !now ? undefined : `[The person's number is now ${now}]`,
    ];
  },
  ...{ unsupported: describeProblem, unknown: describeProblem },
};

function describeProblem({ errors: [problem] }: Said): Words {
  const said = problem?.error_data?.details ?? problem?.message ?? problem?.title;
  return [said && `[A message that WhatsApp does not hand on: ${said}]`];
}

function present(location: Said["location"]) {
  const { address, latitude, longitude } = location ?? {};
  return { address, latitude: latitude ?? undefined, longitude: longitude ?? undefined };
}
