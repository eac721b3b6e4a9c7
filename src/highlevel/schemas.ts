import { z } from "zod";

/** What HighLevel answers, reduced to what we use. Fields that its pages promise but live answers lack are optional. */

const id = z.string().min(1);
/** Seen as null, as an empty string and not at all. */
const maybeId = z
  .string()
  .nullish()
  .transform((value) => value || undefined);

/** https://marketplace.gohighlevel.com/docs/ghl/conversations/add-an-inbound-message. A 2xx without messageId stored nothing. */
export const inboundAnswer = z.object({
  messageId: id,
  conversationId: maybeId,
  contactId: maybeId,
  emailMessageId: maybeId,
});
export type InboundAnswer = z.infer<typeof inboundAnswer>;

export const contactAnswer = z.object({ contact: z.object({ id }) });
export const duplicateAnswer = z.object({ contact: z.object({ id }).nullish() });
export const conversationAnswer = z.object({ conversation: z.object({ id }) });
/** The refusal to make a second conversation for a contact names the first one. */
export const existingConversation = z.object({ conversationId: id });
export const conversationSearchAnswer = z.object({ conversations: z.array(z.object({ id })) });

const listedMessage = z.object({
  id,
  altId: maybeId,
  direction: z.string().optional(),
  body: z.string().nullish(),
  dateAdded: z.string().optional(),
  conversationId: maybeId,
  contactId: maybeId,
  meta: z.object({ email: z.object({ messageIds: z.array(z.string()) }).optional() }).nullish(),
});
export type ListedMessage = z.infer<typeof listedMessage>;

const messagePage = z.object({
  messages: z.array(listedMessage),
  lastMessageId: maybeId,
  nextPage: z.boolean().nullish(),
});
export type MessagePage = z.infer<typeof messagePage>;
/** Documented flat, answered nested. */
export const messagesAnswer = z.union([
  z.object({ messages: messagePage }).transform((body) => body.messages),
  messagePage,
]);

const email = z.object({ id, altId: maybeId, conversationId: maybeId, contactId: maybeId });
export type Email = z.infer<typeof email>;
export const emailAnswer = z.union([z.object({ emailMessage: email }).transform((body) => body.emailMessage), email]);
