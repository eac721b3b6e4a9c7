import { type RequestHandler, Router } from "express";
import { z } from "zod";
import { requireOwnLocation } from "../access.ts";
import { ApiError } from "../api-error.ts";
import { parseRequest, requireNoQuery } from "../parse-request.ts";
import { addConversation, type Conversation, type Entry, type State } from "../state.ts";
import { optional } from "./message-fields.ts";
import { listedTypes, messageTypes } from "./message-types.ts";
import { showConversation, showEmail, showEntry, showFoundConversation, showNewConversation } from "./show.ts";

const newConversation = z.strictObject({ locationId: z.string(), contactId: z.string() });

/** `UpdateConversationDto` */
const changedConversation = z.strictObject({
  locationId: z.string(),
  unreadCount: z.number().optional(),
  ...{ starred: z.boolean().optional(), feedback: z.record(z.string(), z.unknown()).optional() },
});

/** What the sandbox does not go by is taken all the same, and looked at for its form alone. */
const searchQuery = z.strictObject({
  ...{ locationId: z.string(), contactId: optional, limit: z.coerce.number().min(1).max(100).default(20) },
  ...{ assignedTo: optional, followers: optional, mentions: optional, query: optional, id: optional },
  ...{ sort: z.enum(["asc", "desc"]).optional(), startAfterDate: z.unknown().optional() },
  lastMessageType: z.enum(messageTypes).optional(),
  lastMessageAction: z.enum(["automated", "manual"]).optional(),
  lastMessageDirection: z.enum(["inbound", "outbound"]).optional(),
  status: z.enum(["all", "read", "unread", "starred", "recents"]).optional(),
  sortBy: z.enum(["last_manual_message_date", "last_message_date", "score_profile", "overdue_at", "due_at"]).optional(),
  ...{ sortScoreProfile: optional, scoreProfile: optional },
  ...{ scoreProfileMin: z.coerce.number().optional(), scoreProfileMax: z.coerce.number().optional() },
  ...{ startDate: z.coerce.number().optional(), endDate: z.coerce.number().optional() },
});

const listQuery = z.strictObject({
  lastMessageId: optional,
  limit: z.coerce.number().min(1).max(100).default(20),
  /** Several are separated by commas. */
  type: z
    .string()
    .transform((value) => value.split(","))
    .pipe(z.array(z.enum(listedTypes)))
    .optional(),
});

function isOfTypes(state: State, entry: Entry, types: string[] | undefined): boolean {
  if (types === undefined) return true;
  const { messageType } = showEntry(state, entry);
  // Both spellings are published.
  return types.includes(messageType) || types.includes(`${messageType}S`);
}

/** Conversations and their messages, as far as a bridge reads and makes them. */
export function conversationRoutes(state: State): Router {
  const router = Router({ strict: true });

  // With the slash at the end; without it HighLevel answers 404.
  router.post("/", (req, res) => {
    if (!req.originalUrl.endsWith("/")) throw new ApiError(404, "Cannot POST /conversations", { error: "Not Found" });
    const { locationId, contactId } = parseRequest(newConversation, req.body);
    requireOwnLocation(req, res, locationId);
    const contact = state.contacts.get(contactId);
    if (contact?.locationId !== locationId) throw new ApiError(400, `Contact with id ${contactId} not found`);
    const existing = state.conversationByContact.get(contact.id);
    if (existing) throw new ApiError(400, "Conversation already exists", { conversationId: existing.id });
    res.status(201).json({ success: true, conversation: showNewConversation(addConversation(state, contact)) });
  });

  router.get("/search", (req, res) => {
    const { locationId, contactId, limit } = parseRequest(searchQuery, req.query);
    requireOwnLocation(req, res, locationId);
    const found = [...(contactId === undefined ? state.conversations.values() : foundBy(contactId))];
    const own = found.filter((each) => each.locationId === locationId);
    const conversations = own.slice(0, limit).map((each) => showFoundConversation(state, each));
    res.json({ conversations, total: own.length });
  });

  router.get("/messages/email/:id", (req, res) => {
    requireNoQuery(req);
    const email = state.emails.get(req.params.id);
    if (!email) throw new ApiError(400, `No message found for the id ${req.params.id}`);
    requireOwnLocation(req, res, email.locationId);
    const { email: wrap } = state.settings;
    res.json(wrap === "plain" ? showEmail(state, email) : { [wrap]: showEmail(state, email) });
  });

  router.get("/messages/:id", (req, res) => {
    requireNoQuery(req);
    const entry = state.entries.get(req.params.id);
    const first = entry?.messages[0];
    if (!entry || !first) throw new ApiError(400, `No message found for the id ${req.params.id}`);
    requireOwnLocation(req, res, first.locationId);
    res.json(showEntry(state, entry));
  });

  router.get("/:id", (req, res) => {
    requireNoQuery(req);
    const conversation = requireConversation(state, req.params.id);
    requireOwnLocation(req, res, conversation.locationId);
    res.json(showConversation(conversation));
  });

  router.put("/:id", changeConversation(state));

  router.get("/:id/messages", (req, res) => {
    const conversation = requireConversation(state, req.params.id);
    requireOwnLocation(req, res, conversation.locationId);
    const { limit, lastMessageId, type: types } = parseRequest(listQuery, req.query);
    const last = lastMessageId === undefined ? undefined : state.entries.get(lastMessageId);
    if (lastMessageId !== undefined && last?.messages[0]?.conversationId !== conversation.id) {
      throw new ApiError(400, `No message found for the id ${lastMessageId}`);
    }
    const older = conversation.entries.slice(0, last?.index).filter((entry) => isOfTypes(state, entry, types));
    const page = older.slice(-limit).reverse();
    const messages = {
      lastMessageId: page.at(-1)?.id ?? "",
      nextPage: older.length > limit,
      messages: page.map((entry) => showEntry(state, entry)),
    };
    res.json(state.settings.messageList === "flat" ? messages : { messages });
  });

  function foundBy(contactId: string): Conversation[] {
    const found = state.conversationByContact.get(contactId);
    return found ? [found] : [];
  }
  return router;
}

function changeConversation(state: State): RequestHandler<{ id: string }> {
  return (req, res) => {
    const conversation = requireConversation(state, req.params.id);
    const { locationId, unreadCount = conversation.unreadCount } = parseRequest(changedConversation, req.body);
    requireOwnLocation(req, res, conversation.locationId);
    requireOwnLocation(req, res, locationId);
    conversation.unreadCount = unreadCount;
    res.json({ success: true, conversation: showNewConversation(conversation) });
  };
}

function requireConversation(state: State, id: string): Conversation {
  const conversation = state.conversations.get(id);
  if (!conversation) throw new ApiError(400, `Conversation with id ${id} not found`);
  return conversation;
}
