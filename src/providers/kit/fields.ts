import { z } from "zod";
import { chatId } from "../../formats/address.ts";
import { parseMailboxes, parseSender } from "../../formats/mailbox.ts";
import { maybeText, requiredText } from "../../formats/parse-value.ts";
import { normalizePhoneNumber, normalizeWholeNumber, serviceOf } from "../../formats/phone-number.ts";
import { parseTime } from "../../formats/read-time.ts";
import { parseReference } from "./reference.ts";

/** Types of fields. What stands in one is normalised as it is read; when it does not fit, the error names its path. */
export { maybeText, requiredText, text } from "../../formats/parse-value.ts";

/** A provider's id of a message. It is a key: one that no index can hold is refused here, where it can be said. */
export const messageId = requiredText.refine((id) => id.length <= 998, "is longer than 998 characters");

/**
 * A phone number in E.164 form, a short code, or a sender's name. A national number is of the country of `ownNumber`. One of
 * another service, as in `whatsapp:+15005550006`, is read only for an adapter that answers by it: see `textPartySeenBy`.
 */
export const phoneSeenBy = (ownNumber: string | undefined, normalize = normalizePhoneNumber) =>
  requiredText.transform((given, context) => {
    const service = serviceOf(given);
    const number = service ? undefined : normalize(given, ownNumber);
    if (service) context.addIssue(`is of ${service}, by which the bridge cannot answer at this provider`);
    else if (number === undefined) context.addIssue("is not a phone number, a short code or a sender's name");
    return number ?? z.NEVER;
  });

/** The same where the provider names countries always. */
export const phone = phoneSeenBy(undefined);

/** The same where the provider names countries always, and leaves the plus away. */
export const phoneWithoutPlus = (ownNumber: string | undefined) => phoneSeenBy(ownNumber, normalizeWholeNumber);

/** Somebody at either end of a text, by whichever service: for adapters that say by `services` that they send by it as well. */
export const textPartySeenBy = (ownNumber: string | undefined) =>
  requiredText.transform((given, context) => {
    const number = normalizePhoneNumber(given, ownNumber);
    if (number === undefined) context.addIssue("is not a phone number, a short code or a sender's name");
    return { number: number ?? z.NEVER, service: serviceOf(given) };
  });

/** The same of a sender that has chats as well, whose people and places have `id:` before their ids. */
export function anyPartySeenBy(ownNumber: string | undefined) {
  const chatParty = z
    .string()
    .regex(chatId, notChatId)
    .transform((number) => ({ number, service: undefined }));
  const textParty = textPartySeenBy(ownNumber);
  return requiredText
    .transform((given) => given.trim())
    .transform((given, context) => {
      const read = (given.startsWith("id:") ? chatParty : textParty).safeParse(given);
      if (!read.success) for (const { message } of read.error.issues) context.addIssue(message);
      return read.data ?? z.NEVER;
    });
}

export const notChatId = "is no id of up to 200 visible characters";

/**
 * A number at either end of a call, also of one by WhatsApp; undefined for who has none: a caller who withholds it, or
 * somebody by SIP or an app.
 */
export const callPartySeenBy = (ownNumber: string | undefined) =>
  maybeText.transform((given = "", context) => {
    const number = normalizePhoneNumber(given, ownNumber);
    const isWordy = given.trim() === "" || /\p{L}/u.test(given.replace(/^\s*(whatsapp|tel):/i, ""));
    if (number === undefined && !isWordy) context.addIssue("is not a phone number or a short code");
    return isWordy ? undefined : (number ?? z.NEVER);
  });

/** The same where the provider names countries always. */
export const callParty = callPartySeenBy(undefined);

/** What reads a webhook to an own number, built once for each: to build a schema takes longer than to read by it. */
export function perNumber<Built>(build: (ownNumber: string | undefined) => Built) {
  const built = new Map<string | undefined, Built>();
  return (ownNumber: string | undefined): Built => {
    const known = built.get(ownNumber) ?? build(ownNumber);
    if (built.size >= maxNumbers) built.clear();
    built.set(ownNumber, known);
    return known;
  };
}

const maxNumbers = 1000;

/** The mailbox of a header that names one person, as From does: whatever stands before its last brackets is a name. */
export const mailbox = maybeText.transform((header, context) => {
  const person = parseSender(header);
  if (!person) context.addIssue("holds no mailbox");
  return person ?? z.NEVER;
});

/** Who somebody is elsewhere. What cannot be read of it is left out: it is no reason to lose a text. */
export const knownContact = z
  .object({
    ...{ id: maybeText.catch(undefined), name: maybeText.catch(undefined) },
    // No sender's name or short code.
    phone: phone.pipe(z.string().startsWith("+")).optional().catch(undefined),
    email: mailbox
      .transform(({ address }) => address)
      .optional()
      .catch(undefined),
  })
  .transform(({ id: contactId, ...known }) => ({ contactId, ...known }));

/** The addresses of a header, each once; none of a header that is missing or holds none. */
export const addresses = maybeText.transform((header) => [
  ...new Set(parseMailboxes(header).map(({ address }) => address)),
]);

/** A time in ISO 8601 with its zone; one that cannot be read is left out. */
export const time = maybeText.transform(parseTime);

/** A time in Unix seconds or milliseconds, as a number or in digits; one that is none is left out. */
export const unixTime = z
  .unknown()
  .optional()
  .transform((value) => {
    const isDigits = typeof value === "string" && /^\d{1,16}$/.test(value);
    const count = isDigits ? Number(value) : value;
    if (typeof count !== "number" || !Number.isFinite(count) || count <= 0) return undefined;
    const time = new Date(count < 100_000_000_000 ? count * 1000 : count);
    return Number.isNaN(time.getTime()) ? undefined : time;
  });

/** A code that some write as a number. */
export const code = z.union([requiredText, z.number().transform(String)]);

/** The reference that a send gave along, as its receipts bring it back. */
export const reference = z
  .string()
  .refine((value) => parseReference(value) !== undefined, "is not one that the bridge gave");

/** The same of a receipt of an account through which others may send as well, who keep there what they like. */
export const maybeReference = code.pipe(reference).optional().catch(undefined);

/** A size or count that may be missing or null. */
export const maybeNumber = z
  .number()
  .nullish()
  .transform((value) => value ?? undefined);

/** How long something was, as a number or in digits. What is none is left out: no reason to lose a call. */
export const seconds = z
  .unknown()
  .optional()
  .transform((value) => {
    const count = typeof value === "string" && /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : value;
    return typeof count === "number" && count >= 0 && count < 1e9 ? count : undefined;
  });

/** A list that may be missing or null: then it is empty. */
export const listOf = <Item>(item: z.ZodType<Item>) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);

/** What may be missing, null or of another shape: no reason to lose the rest. */
export const maybe = <Output>(schema: z.ZodType<Output>) =>
  schema
    .nullish()
    .transform((value) => value ?? undefined)
    .catch(undefined);

/** One item, or a list of them. */
export const oneOrMore = <Item>(item: z.ZodType<Item>) => z.union([z.array(item), item.transform((one) => [one])]);

/** What stands at a path, such as `data.payload`: of a schema, or an object with these fields. `0` is a list's first item. */
export function at<Output>(path: string, schema: z.ZodType<Output>): z.ZodType<Output>;
export function at<Fields extends z.ZodRawShape>(path: string, fields: Fields): z.ZodType<z.infer<z.ZodObject<Fields>>>;
export function at(path: string, wanted: z.ZodType | z.ZodRawShape): z.ZodType {
  const schema = wanted instanceof z.ZodType ? wanted : z.object(wanted);
  return path.split(".").reduceRight<z.ZodType>((inner, name) => within(name, inner), schema);
}

function within(name: string, inner: z.ZodType): z.ZodType {
  if (name === "0") return z.tuple([inner], z.unknown()).transform(([first]) => first);
  return z.object({ [name]: inner }).transform((found) => found[name]);
}

/** JSON within a field; undefined where the field is missing or empty. */
export function jsonText<Output>(schema: z.ZodType<Output>) {
  const decoded = maybeText.transform((value, context) => {
    try {
      return value && JSON.parse(value);
    } catch {
      context.addIssue("is not JSON");
    }
  });
  return decoded.pipe(schema.optional());
}
