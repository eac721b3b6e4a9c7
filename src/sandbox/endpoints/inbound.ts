import type { Request, RequestHandler, Response } from "express";
import { z } from "zod";
import type { Channel } from "../../model.ts";
import { locationOf, requireOwnLocation } from "../access.ts";
import { ApiError, refuse } from "../api-error.ts";
import {
  addConversation,
  addEntry,
  type Contact,
  type Conversation,
  newId,
  type State,
  type StoredMessage,
} from "../state.ts";
import { isPrivateToken } from "./statuses.ts";

const types = ["SMS", "Email", "WhatsApp", "GMB", "IG", "FB", "Custom", "WebChat", "Live_Chat", "Call"] as const;
const optional = z.string().optional();
const list = z.array(z.string()).optional();

const inboundBody = z.object({
  type: z.enum(types, "type must be a valid enum value"),
  conversationId: optional,
  contactId: optional,
  conversationProviderId: optional,
  message: optional,
  html: optional,
  subject: optional,
  emailFrom: optional,
  emailTo: optional,
  emailCc: list,
  emailBcc: list,
  emailMessageId: optional,
  altId: optional,
  direction: z.enum(["inbound", "outbound"]).default("outbound"),
  date: z.iso.datetime({ offset: true, error: "date must be a valid ISO 8601 date string" }).optional(),
  attachments: z
    .array(z.url("each value in attachments must be a URL address"), "attachments must be an array")
    .min(1, "attachments must contain at least 1 elements")
    .optional(),
});
type InboundBody = z.infer<typeof inboundBody>;

/**
 * `POST /conversations/messages/inbound`. Stores a second message for a second post, also with the same `altId`:
 * HighLevel promises no uniqueness.
 */
export function postInbound(state: State): RequestHandler {
  return (req, res) => {
    const parsed = inboundBody.safeParse(req.body);
    if (!parsed.success) {
      throw refuse.validation(parsed.error.issues.map((issue) => describe(issue)));
    }
    const body = parsed.data;
    // Seen in the field: nothing is stored, and the answer is empty.
    if (body.type === "Custom" && !body.conversationProviderId) return void res.status(201).end();
    const channel = requireFittingProvider(req, res, body);
    const contact = requireContact(state, req, res, body);
    requireContent(body, channel, contact);
    const conversation = state.conversationByContact.get(contact.id) ?? addConversation(state, contact);
    const stored = store(state, conversation, body, channel);
    const { messageId, conversationId, contactId, dateAdded, emailMessageId } = stored;
    res.json({
      success: true,
      conversationId,
      messageId,
      message: "Message added successfully",
      contactId,
      dateAdded,
      ...(emailMessageId ? { emailMessageId } : {}),
    });
  };
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.join(".");
  return issue.message.startsWith(String(issue.path[0])) || issue.message.includes("attachments")
    ? issue.message
    : `${path}: ${issue.message}`;
}

/** An extra provider takes only `Custom`, a default one only its channel's own type, with or without its id. */
function requireFittingProvider(req: Request, res: Response, body: InboundBody): Channel {
  const { type, conversationProviderId } = body;
  const ownChannel = ({ SMS: "sms", Email: "email" } as const)[type as "SMS" | "Email"];
  if (!conversationProviderId) {
    if (ownChannel) return ownChannel;
    throw new ApiError(400, "No conversationProviderId passed in body");
  }
  const provider = locationOf(res).providers.find((each) => each.id === conversationProviderId);
  if (!provider || isPrivateToken(req)) {
    throw new ApiError(400, `You don't have access to the conversationProvider with id ${conversationProviderId}`);
  }
  const fits = provider.extra ? type === "Custom" : ownChannel === provider.channel;
  if (fits) return provider.channel;
  throw refuse.code(400, "Incorrect conversationProviderId/type", "CONVERSATIONS_MSG_CONVERSATION_PROVIDER_MISMATCH");
}

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

function requireContent(body: InboundBody, channel: Channel, contact: Contact): void {
  const text = channel === "email" ? body.html : body.message;
  if (!text && !body.attachments) {
    throw refuse.code(
      422,
      "There is no message or attachments for this message. Skip sending.",
      "CONVERSATIONS_MSG_NO_CONTENT",
    );
  }
  if (channel === "sms" && !contact.phone) throw refuse.code(422, "Missing phone number", "CONVERSATIONS_MSG_NO_PHONE");
  if (channel === "sms") return;
  if (!contact.email) throw refuse.code(422, "Missing email", "CONVERSATIONS_MSG_NO_EMAIL");
  // Seen in the field with extra email providers.
  if (!body.emailTo) throw new ApiError(500, "Internal server error");
  if (body.direction === "outbound" && body.emailTo !== contact.email) {
    throw refuse.code(400, "emailTo is not an email of the contact", "CONVERSATIONS_MSG_INVALID_EMAILTO");
  }
}

function store(state: State, conversation: Conversation, body: InboundBody, channel: Channel): StoredMessage {
  const answered = body.emailMessageId === undefined ? undefined : state.emails.get(body.emailMessageId);
  if (body.emailMessageId !== undefined && answered?.conversationId !== conversation.id) {
    throw refuse.code(400, `No message found for the id ${body.emailMessageId}`, "CONVERSATIONS_MSG_NOT_FOUND");
  }
  const entry = (answered && state.entries.get(answered.messageId)) ?? addEntry(state, conversation);
  const { message = "", date, attachments = [], emailMessageId: _answered, ...given } = body;
  const stored: StoredMessage = {
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as typeof given),
    body: message,
    attachments,
    locationId: conversation.locationId,
    contactId: conversation.contactId,
    conversationId: conversation.id,
    messageId: entry.id,
    dateAdded: new Date(date ?? Date.now()).toISOString(),
  } as StoredMessage;
  if (channel === "email") {
    // The first email of a thread has its entry's id; the thread's id is another one.
    stored.emailMessageId = answered ? newId() : entry.id;
    stored.threadId = answered?.threadId ?? newId();
    state.emails.set(stored.emailMessageId, stored);
  }
  entry.messages.push(stored);
  state.messages.push(stored);
  return stored;
}
