import type { RequestHandler, Response } from "express";
import { z } from "zod";
import { locationOf, requireOwnLocation } from "../access.ts";
import { ApiError, refuse } from "../api-error.ts";
import type { OutboundDraft } from "../outbound.ts";
import { parseRequest } from "../parse-request.ts";
import {
  addConversation,
  type Contact,
  type Conversation,
  type Provider,
  type State,
  type StoredMessage,
} from "../state.ts";
import { list, optional, requireTakenUrls } from "./message-fields.ts";

/** Those of the files; GMB, which their answer speaks of; and InternalComment of the pages, which are newer. */
const types = [
  ...["SMS", "RCS", "Email", "WhatsApp", "IG", "FB", "Custom", "Live_Chat", "TIKTOK"],
  ...["GMB", "InternalComment"],
] as const;

/** `ForwardConfigDto` */
const forward = z.strictObject({
  isForwarded: z.boolean(),
  forwardWholeThread: z.boolean().optional(),
  ...{ messageId: optional, emailMessageId: optional, toEmail: optional },
  ...{ sourceContactId: optional, sourceConversationId: optional },
  ...{ recipientContactId: optional, recipientConversationId: optional },
});

/** `SendMessageBodyDto`, of which type and contactId are required; mentions and userId are of the pages. */
const sendBody = z.strictObject({
  type: z.enum(types),
  contactId: z.string().min(1),
  ...{ message: optional, html: optional, subject: optional, attachments: z.array(z.url()).optional() },
  ...{ emailFrom: optional, emailTo: optional, emailCc: list, emailBcc: list },
  emailReplyMode: z.enum(["reply", "reply_all"]).optional(),
  ...{ replyMessageId: optional, templateId: optional, threadId: optional, appointmentId: optional },
  scheduledTimestamp: z.number().optional(),
  ...{ conversationProviderId: optional, fromNumber: optional, toNumber: optional },
  subType: z.looseObject({}).optional(),
  customSubtypeId: optional,
  status: z.enum(["delivered", "failed", "pending", "read"]).optional(),
  forward: forward.optional(),
  usesNativeSchedulingAi: z.boolean().optional(),
  optimizationPeriod: z.enum(["24h", "48h", "72h"]).optional(),
  ...{ mentions: list, userId: optional },
});
type SendBody = z.infer<typeof sendBody>;

/** `POST /conversations/messages`: stored, and sent by the provider that is named, or that is the location's default. */
export function sendMessage(
  state: State,
  send: (conversation: Conversation, draft: OutboundDraft, options: { isScheduled: boolean }) => StoredMessage,
): RequestHandler {
  return (req, res) => {
    const body = parseRequest(sendBody, req.body);
    requireTakenUrls(state, body.attachments);
    const contact = state.contacts.get(body.contactId);
    if (!contact) throw new ApiError(400, `Contact with id ${body.contactId} not found`);
    requireOwnLocation(req, res, contact.locationId);
    const provider = findProvider(res, body);
    requireContent(body, provider, contact);
    const conversation = state.conversationByContact.get(contact.id) ?? addConversation(state, contact);
    const { message, subject, emailFrom, emailCc, emailBcc, attachments } = body;
    const type = ["SMS", "Email", "Custom"].includes(body.type) ? undefined : body.type;
    const draft = { type, provider, message, subject, emailFrom, emailCc, emailBcc, attachments };
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
    return providers.find((each) => !each.extra && each.channel === channelOf[type]);
  }
  const provider = providers.find((each) => each.id === conversationProviderId);
  if (provider && provider.channel !== "call") return provider;
  throw new ApiError(400, `You don't have access to the conversationProvider with id ${conversationProviderId}`);
}

/** Of the others no conversation provider sends: HighLevel has channels of its own for them. */
const channelOf: Partial<Record<SendBody["type"], "sms" | "email">> = {
  ...{ SMS: "sms", RCS: "sms", WhatsApp: "sms", Custom: "sms", Email: "email" },
};

const isEmail = (body: SendBody, provider: Provider | undefined) =>
  body.type === "Email" || provider?.channel === "email";

function requireContent(body: SendBody, provider: Provider | undefined, contact: Contact): void {
  const isMail = isEmail(body, provider);
  const isElsewhere = body.attachments?.length || body.templateId || body.forward?.isForwarded;
  if (!(isMail ? body.html : body.message) && !isElsewhere) {
    throw refuse.code(
      422,
      "There is no message or attachments for this message. Skip sending.",
      "CONVERSATIONS_MSG_NO_CONTENT",
    );
  }
  if (isMail && !contact.email) throw refuse.code(422, "Missing email", "CONVERSATIONS_MSG_NO_EMAIL");
  if (!isMail && channelOf[body.type] === "sms" && !contact.phone)
    throw refuse.code(422, "Missing phone number", "CONVERSATIONS_MSG_NO_PHONE");
}
