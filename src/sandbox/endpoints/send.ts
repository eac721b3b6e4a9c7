import type { RequestHandler, Response } from "express";
import { z } from "zod";
import { locationOf, requireOwnLocation } from "../access.ts";
import { ApiError, refuse } from "../api-error.ts";
import type { OutboundDraft } from "../outbound.ts";
import {
  addConversation,
  type Contact,
  type Conversation,
  type Provider,
  type State,
  type StoredMessage,
} from "../state.ts";

const types = [
  ...["SMS", "RCS", "Email", "WhatsApp", "IG", "FB", "GMB", "Custom", "Live_Chat", "TIKTOK"],
  "InternalComment",
] as const;
const optional = z.string().optional();
const list = z.array(z.string()).optional();

const sendBody = z.object({
  type: z.enum(types, "type must be a valid enum value"),
  contactId: z.string("contactId must be a string").min(1, "contactId should not be empty"),
  message: optional,
  html: optional,
  subject: optional,
  attachments: z
    .array(z.url("each value in attachments must be a URL address"), "attachments must be an array")
    .optional(),
  emailFrom: optional,
  emailTo: optional,
  emailCc: list,
  emailBcc: list,
  emailReplyMode: z.enum(["reply", "reply_all"]).optional(),
  replyMessageId: optional,
  templateId: optional,
  threadId: optional,
  appointmentId: optional,
  scheduledTimestamp: z.number().optional(),
  conversationProviderId: optional,
  fromNumber: optional,
  toNumber: optional,
  subType: z.unknown().optional(),
  customSubtypeId: optional,
  status: z.enum(["delivered", "failed", "pending", "read"], "status must be a valid enum value").optional(),
  forward: z.looseObject({ isForwarded: z.boolean("forward.isForwarded must be a boolean value") }).optional(),
  usesNativeSchedulingAi: z.boolean().optional(),
  optimizationPeriod: z.enum(["24h", "48h", "72h"], "optimizationPeriod must be a valid enum value").optional(),
  mentions: list,
  userId: optional,
});
type SendBody = z.infer<typeof sendBody>;

/** `POST /conversations/messages`: stored, and sent by the provider that is named, or that is the location's default. */
export function sendMessage(
  state: State,
  send: (conversation: Conversation, draft: OutboundDraft, options: { isScheduled: boolean }) => StoredMessage,
): RequestHandler {
  return (req, res) => {
    const parsed = sendBody.safeParse(req.body);
    if (!parsed.success) throw refuse.validation(parsed.error.issues.map((issue) => issue.message));
    const body = parsed.data;
    const contact = state.contacts.get(body.contactId);
    if (!contact) throw new ApiError(400, `Contact with id ${body.contactId} not found`);
    requireOwnLocation(req, res, contact.locationId);
    const provider = findProvider(res, body);
    requireContent(body, provider, contact);
    const conversation = state.conversationByContact.get(contact.id) ?? addConversation(state, contact);
    const { message, subject, emailFrom, emailCc, emailBcc, attachments } = body;
    const draft = { provider, message, subject, emailFrom, emailCc, emailBcc, attachments };
    const html = isEmail(body, provider) ? { html: body.html ?? "" } : {};
    const replyToMessageId = body.replyMessageId ?? body.threadId;
    const isScheduled = body.scheduledTimestamp !== undefined;
    const sent = send(conversation, { ...draft, ...html, replyToMessageId }, { isScheduled });
    res.json({
      conversationId: sent.conversationId,
      // Seen of this one channel in the documents.
      ...(body.type === "GMB" ? { messageIds: [sent.messageId] } : { messageId: sent.messageId }),
      ...(sent.emailMessageId ? { emailMessageId: sent.emailMessageId, threadId: sent.threadId } : {}),
      msg: "Message queued successfully.",
      status: body.status ?? "pending",
    });
  };
}

function findProvider(res: Response, { type, conversationProviderId }: SendBody): Provider | undefined {
  const { providers } = locationOf(res);
  if (conversationProviderId === undefined) {
    const channel = type === "Email" ? "email" : "sms";
    return providers.find((each) => !each.extra && each.channel === channel);
  }
  const provider = providers.find((each) => each.id === conversationProviderId);
  if (provider) return provider;
  throw new ApiError(400, `You don't have access to the conversationProvider with id ${conversationProviderId}`);
}

const isEmail = (body: SendBody, provider: Provider | undefined) =>
  body.type === "Email" || provider?.channel === "email";

function requireContent(body: SendBody, provider: Provider | undefined, contact: Contact): void {
  const isMail = isEmail(body, provider);
  if (!(isMail ? body.html : body.message) && !body.attachments?.length && !body.forward?.isForwarded) {
    throw refuse.code(
      422,
      "There is no message or attachments for this message. Skip sending.",
      "CONVERSATIONS_MSG_NO_CONTENT",
    );
  }
  if (isMail && !contact.email) throw refuse.code(422, "Missing email", "CONVERSATIONS_MSG_NO_EMAIL");
  if (!isMail && !contact.phone) throw refuse.code(422, "Missing phone number", "CONVERSATIONS_MSG_NO_PHONE");
}
