import { z } from "zod";
import { requiredText as id, maybeText as maybeId, text } from "../formats/parse-value.ts";

/** What HighLevel answers, reduced to what we use. Fields that its pages promise but live answers lack are optional. */

/** What cannot be read is left out, where the rest says enough without it. */
const lenient = z.union([maybeId, z.number().transform(String)]).catch(undefined);
const idList = z.array(lenient).transform((ids) => ids.flatMap((each) => each ?? []));
const lenientList = idList.optional().catch(undefined);

/** https://marketplace.gohighlevel.com/docs/ghl/conversations/add-an-inbound-message. A 2xx without an id stored nothing. */
export const inboundAnswer = z
  .object({
    messageId: lenient,
    messageIds: lenientList,
    conversationId: lenient,
    contactId: lenient,
    emailMessageId: lenient,
  })
  .transform(({ messageIds, ...answer }, context) => {
    const messageId = answer.messageId ?? messageIds?.[0];
    if (messageId !== undefined) return { ...answer, messageId };
    context.addIssue({ code: "custom", path: ["messageId"], message: "is missing" });
    return z.NEVER;
  });
export type InboundAnswer = z.infer<typeof inboundAnswer>;

export const contactAnswer = z.object({ contact: z.object({ id }) });
/** What cannot be read of a name is one: it is not written over. */
export const contactNameAnswer = z.object({
  contact: z
    .object({ name: z.unknown(), firstName: z.unknown(), lastName: z.unknown() })
    .partial()
    .transform(({ name, firstName, lastName }) => {
      const isEmpty = (part: unknown) =>
        part === undefined || part === null || (typeof part === "string" && !part.trim());
      return { isNamed: ![name, firstName, lastName].every(isEmpty) };
    }),
});
/** `dndSettings` of a contact: https://marketplace.gohighlevel.com/docs/ghl/contacts/update-contact */
export const dndEntry = z.object({ status: text, message: maybeId, code: maybeId });
export const dndSettings = z.record(z.string(), dndEntry);
export const contactDndAnswer = z.object({
  contact: z.object({
    dndSettings: z
      .record(z.string(), z.unknown())
      .nullish()
      .transform((settings) => readDndSettings(settings ?? {})),
  }),
});

/** One entry that cannot be read is left out. */
export function readDndSettings(settings: Record<string, unknown>): z.infer<typeof dndSettings> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([channel, given]) => {
      const entry = dndEntry.safeParse(given);
      return entry.success ? [[channel, entry.data]] : [];
    }),
  );
}
/** The refusal to make a second contact with an address names the first one. */
export const existingContact = z.object({ meta: z.object({ contactId: id }) });
export const duplicateAnswer = z.object({ contact: z.object({ id }).nullish() });
export const conversationAnswer = z.object({ conversation: z.object({ id }) });
/** The refusal to make a second conversation for a contact names the first one. */
export const existingConversation = z.object({ conversationId: id });
export const conversationSearchAnswer = z.object({ conversations: z.array(z.object({ id })) });

/** Published in both forms, the second one in an example. */
const emailMeta = z.union([
  z.object({ messageIds: idList }),
  z.object({ email: z.object({ messageIds: idList }) }).transform((meta) => meta.email),
]);

const listedMessage = z.object({
  id: z.union([id, z.number().transform(String)]),
  altId: lenient,
  direction: lenient,
  body: lenient,
  dateAdded: lenient,
  conversationId: lenient,
  contactId: lenient,
  meta: z
    .object({ email: emailMeta.optional().catch(undefined) })
    .nullish()
    .catch(undefined),
});
export type ListedMessage = z.infer<typeof listedMessage>;

/** One entry that cannot be read must not hide the others. */
const readable = z
  .array(z.unknown())
  .transform((entries) => entries.flatMap((each) => listedMessage.safeParse(each).data ?? []));

const messagePage = z.object({
  messages: readable,
  lastMessageId: maybeId,
  nextPage: z.boolean().nullish(),
});
export type MessagePage = z.infer<typeof messagePage>;
/** Documented flat, answered nested. */
export const messagesAnswer = z.union([
  z.object({ messages: messagePage }).transform((body) => body.messages),
  messagePage,
]);

const addresses = z
  .union([z.array(text), text.transform((value) => [value])])
  .nullish()
  .transform((list) => (list ?? []).filter(Boolean));

/** https://marketplace.gohighlevel.com/docs/ghl/conversations/get-email-by-id. The only place that tells cc, bcc and what an email answers. */
const email = z.object({
  id: lenient,
  altId: lenient,
  direction: lenient,
  threadId: lenient,
  conversationId: lenient,
  contactId: lenient,
  cc: addresses.catch([]),
  bcc: addresses.catch([]),
  replyToMessageId: lenient,
});
export type Email = z.infer<typeof email>;
/** Seen by itself, and within one of these. What is unusable in it is left out: an email must not wait for it. */
export const emailAnswer = z.union([
  z.object({ emailMessage: email }).transform((body) => body.emailMessage),
  z.object({ message: email }).transform((body) => body.message),
  z.object({ email }).transform((body) => body.email),
  email,
  z.unknown().transform(() => email.parse({})),
]);

/** https://marketplace.gohighlevel.com/docs/ghl/conversations/get-message. Seen by itself, and within `message`. */
const placed = z.object({ conversationId: id });
export const messageAnswer = z.union([z.object({ message: placed }).transform((body) => body.message), placed]);

/**
 * https://marketplace.gohighlevel.com/docs/ghl/conversations/send-a-new-message. Some channels answer with `messageIds` alone.
 * Whatever else is odd in it, the message was taken.
 */
export const sendAnswer = z
  .object({
    conversationId: lenient,
    messageId: lenient,
    emailMessageId: lenient,
    messageIds: lenientList,
    threadId: lenient,
    status: lenient,
    msg: lenient,
    forwardData: z.record(z.string(), z.unknown()).optional().catch(undefined),
  })
  .refine(({ messageId, messageIds = [] }) => messageId || messageIds.length > 0, {
    path: ["messageId"],
    error: "is missing",
  })
  // Beside it stands the status of the call.
  .transform(({ status: messageStatus, ...answer }) => ({ ...answer, messageStatus }));
export type SendAnswer = z.infer<typeof sendAnswer>;

/** https://marketplace.gohighlevel.com/docs/ghl/conversations/upload-file-attachments: each file's URL by its name. */
export const uploadAnswer = z
  .object({ uploadedFiles: z.record(z.string(), z.url({ protocol: /^https?$/ })) })
  .transform(({ uploadedFiles }) => ({ url: Object.values(uploadedFiles)[0] }))
  .pipe(z.object({ url: id }));

/** Of a status update nothing is used but that it was taken. */
/** Of a conversation, which may come wrapped as a message may. */
const unread = z.object({ unreadCount: z.number().int().nonnegative().optional().catch(undefined) });
export const unreadAnswer = z.union([
  z.object({ conversation: unread }).transform(({ conversation }) => conversation),
  unread,
]);
export const statusAnswer = z.unknown().transform(() => ({}));
