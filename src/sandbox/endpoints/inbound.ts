import type { Request, RequestHandler, Response } from "express";
import { z } from "zod";
import { locationOf, requireOwnLocation } from "../access.ts";
import { ApiError, refuse } from "../api-error.ts";
import { parseRequest } from "../parse-request.ts";
import { addConversation, type Contact, type ProviderChannel, type State, type StoredMessage } from "../state.ts";
import { attachments, callData, date, list, optional, requireTakenUrls } from "./message-fields.ts";
import { isPrivateToken } from "./statuses.ts";
import { type ReceivedMessage, storeReceived } from "./store-received.ts";

const types = [
  ...["SMS", "RCS", "Email", "WhatsApp", "GMB", "IG", "FB", "Custom", "WebChat", "Live_Chat", "Call", "IVR_Call"],
  ...["Campaign_Call", "Campaign_VoiceMail", "TIKTOK", "ALL_IN_ONE_CHAT", "FORM_SUBMISSION"],
] as const;

/** `ProcessMessageBodyDto`, of which only the type is required: of the ids, one is enough. */
const inboundBody = z.strictObject({
  type: z.enum(types),
  ...{ conversationId: optional, contactId: optional, conversationProviderId: optional },
  ...{ message: optional, html: optional, subject: optional },
  ...{ emailFrom: optional, emailTo: optional, emailCc: list, emailBcc: list, emailMessageId: optional },
  altId: optional,
  direction: z.enum(["inbound", "outbound"]).default("outbound"),
  ...{ date, attachments, call: callData.optional() },
});
type InboundBody = z.infer<typeof inboundBody>;

/** `ProcessOutboundMessageBodyDto`: the log of a call that was made elsewhere. */
const outboundCallBody = z.strictObject({
  type: z.enum(["Call"]),
  ...{ conversationId: z.string(), conversationProviderId: z.string(), altId: optional },
  ...{ date, attachments, call: callData.optional() },
});

/**
 * `POST /conversations/messages/inbound`. Stores a second message for a second post, also with the same `altId`:
 * HighLevel promises no uniqueness.
 */
export function postInbound(state: State): RequestHandler {
  return (req, res) => {
    const body = parseRequest(inboundBody, req.body);
    // Seen in the field: nothing is stored, and the answer is empty.
    if (body.type === "Custom" && !body.conversationProviderId) return void res.status(201).end();
    res.json(take(state, req, res, body));
  };
}

/** `POST /conversations/messages/outbound` */
export function postOutboundCall(state: State): RequestHandler {
  return (req, res) => {
    const body = parseRequest(outboundCallBody, req.body);
    res.json(take(state, req, res, { ...body, direction: "outbound" }));
  };
}

function take(state: State, req: Request, res: Response, body: InboundBody) {
  requireTakenUrls(state, body.attachments);
  const channel = requireFittingProvider(req, res, body);
  const contact = requireContact(state, req, res, body);
  if (channel === "call") requireOwnCall(body, contact);
  else requireContent(body, channel, contact);
  const conversation = state.conversationByContact.get(contact.id) ?? addConversation(state, contact);
  const received: ReceivedMessage = { ...body, channel };
  return showTaken(storeReceived(state, conversation, received));
}

function showTaken({ messageId, conversationId, contactId, dateAdded, emailMessageId }: StoredMessage) {
  const message = "Message added successfully";
  const email = emailMessageId ? { emailMessageId } : {};
  return { success: true, conversationId, messageId, message, contactId, dateAdded, ...email };
}

/** An extra provider takes only `Custom`, or the type of the chat that it is for, a default one only its channel's own type, with or without its id. */
function requireFittingProvider(req: Request, res: Response, body: InboundBody): ProviderChannel {
  const { type, conversationProviderId } = body;
  const ownChannel = ownChannels[type];
  if (!conversationProviderId) {
    if (ownChannel && ownChannel !== "call") return ownChannel;
    throw new ApiError(400, "No conversationProviderId passed in body");
  }
  const provider = locationOf(res).providers.find((each) => each.id === conversationProviderId);
  if (!provider || isPrivateToken(req)) {
    throw new ApiError(400, `You don't have access to the conversationProvider with id ${conversationProviderId}`);
  }
  const takesCustom = provider.extra && provider.channel !== "call";
  if (takesCustom ? type === (provider.takes ?? "Custom") : ownChannel === provider.channel) return provider.channel;
  throw refuse.code(400, "Incorrect conversationProviderId/type", "CONVERSATIONS_MSG_CONVERSATION_PROVIDER_MISMATCH");
}

const ownChannels: Partial<Record<InboundBody["type"], ProviderChannel>> = { SMS: "sms", Email: "email", Call: "call" };

function requireContact(state: State, req: Request, res: Response, body: InboundBody): Contact {
  if (!body.conversationId && !body.contactId) {
    throw refuse.validation(["conversationId or contactId should not be empty"]);
  }
  const conversation = body.conversationId === undefined ? undefined : state.conversations.get(body.conversationId);
  if (body.conversationId !== undefined && !conversation) {
    throw new ApiError(400, `Conversation with id ${body.conversationId} not found`);
  }
  const contactId = body.contactId ?? conversation?.contactId ?? "";
  const contact = state.contacts.get(contactId);
  if (!contact || (conversation && conversation.contactId !== contactId)) {
    throw new ApiError(400, `Contact with id ${contactId} not found`);
  }
  requireOwnLocation(req, res, contact.locationId);
  return contact;
}

/** Who called, or was called, is the contact. https://marketplace.gohighlevel.com/docs/marketplace-modules/ConversationProviders */
function requireOwnCall({ call, direction }: InboundBody, { phone, additionalPhones = [] }: Contact): void {
  const number = direction === "inbound" ? call?.from : call?.to;
  if (number !== undefined && [phone, ...additionalPhones].includes(number)) return;
  throw new ApiError(400, `No contact found for the call ${direction === "inbound" ? "from" : "to"} this number`);
}

/** Chats, and what a provider of one's own makes of texts, are with contacts that may have none. */
const typesToNumbers = new Set<InboundBody["type"]>(["SMS", "RCS", "WhatsApp"]);

function requireContent(body: InboundBody, channel: "sms" | "email", contact: Contact): void {
  const text = channel === "email" ? body.html : body.message;
  if (!text && !body.attachments) {
    throw refuse.code(
      422,
      "There is no message or attachments for this message. Skip sending.",
      "CONVERSATIONS_MSG_NO_CONTENT",
    );
  }
  if (typesToNumbers.has(body.type) && !contact.phone)
    throw refuse.code(422, "Missing phone number", "CONVERSATIONS_MSG_NO_PHONE");
  if (channel === "sms") return;
  if (!contact.email) throw refuse.code(422, "Missing email", "CONVERSATIONS_MSG_NO_EMAIL");
  // Seen in the field with extra email providers.
  if (!body.emailTo) throw new ApiError(500, "Internal server error");
  if (body.direction === "outbound" && body.emailTo !== contact.email) {
    throw refuse.code(400, "emailTo is not an email of the contact", "CONVERSATIONS_MSG_INVALID_EMAILTO");
  }
}
