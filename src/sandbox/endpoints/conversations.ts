import { Router } from "express";
import { requireOwnLocation } from "../access.ts";
import { ApiError } from "../api-error.ts";
import { addConversation, type Conversation, type State } from "../state.ts";
import { showConversation, showEmail, showEntry, showFoundConversation, showNewConversation } from "./show.ts";

/** Conversations and their messages, as far as a bridge reads and makes them. */
export function conversationRoutes(state: State): Router {
  const router = Router({ strict: true });

  // With the slash at the end; without it HighLevel answers 404.
  router.post("/", (req, res) => {
    if (!req.originalUrl.endsWith("/")) throw new ApiError(404, "Cannot POST /conversations", { error: "Not Found" });
    const { locationId, contactId } = (req.body ?? {}) as Record<string, unknown>;
    requireOwnLocation(req, res, locationId);
    const contact = state.contacts.get(String(contactId));
    if (!contact || contact.locationId !== locationId)
      throw new ApiError(400, `Contact with id ${String(contactId)} not found`);
    const existing = state.conversationByContact.get(contact.id);
    if (existing) throw new ApiError(400, "Conversation already exists", { conversationId: existing.id });
    res.status(201).json({ success: true, conversation: showNewConversation(addConversation(state, contact)) });
  });

  router.get("/search", (req, res) => {
    requireOwnLocation(req, res, req.query["locationId"]);
    const found = state.conversationByContact.get(String(req.query["contactId"]));
    const isOwn = found?.locationId === req.query["locationId"];
    const conversations = found && isOwn ? [showFoundConversation(state, found)] : [];
    res.json({ conversations, total: conversations.length });
  });

  router.get("/messages/email/:id", (req, res) => {
    const email = state.emails.get(req.params.id);
    if (!email) throw new ApiError(400, `No message found for the id ${req.params.id}`);
    requireOwnLocation(req, res, email.locationId);
    const { email: wrap } = state.settings;
    res.json(wrap === "plain" ? showEmail(state, email) : { [wrap]: showEmail(state, email) });
  });

  router.get("/messages/:id", (req, res) => {
    const entry = state.entries.get(req.params.id);
    const first = entry?.messages[0];
    if (!entry || !first) throw new ApiError(400, `No message found for the id ${req.params.id}`);
    requireOwnLocation(req, res, first.locationId);
    res.json(showEntry(state, entry));
  });

  router.get("/:id", (req, res) => {
    const conversation = requireConversation(req.params.id);
    requireOwnLocation(req, res, conversation.locationId);
    res.json(showConversation(conversation));
  });

  router.get("/:id/messages", (req, res) => {
    const conversation = requireConversation(req.params.id);
    requireOwnLocation(req, res, conversation.locationId);
    const limit = Math.min(Math.max(Number(req.query["limit"]) || 20, 1), 100);
    const { lastMessageId } = req.query;
    const end =
      lastMessageId === undefined ? conversation.entries.length : state.entries.get(String(lastMessageId))?.index;
    if (end === undefined) throw new ApiError(400, `No message found for the id ${String(lastMessageId)}`);
    const page = conversation.entries.slice(Math.max(0, end - limit), end).reverse();
    const messages = {
      lastMessageId: page.at(-1)?.id ?? "",
      nextPage: end - limit > 0,
      messages: page.map((entry) => showEntry(state, entry)),
    };
    res.json(state.settings.messageList === "flat" ? messages : { messages });
  });

  function requireConversation(id: string): Conversation {
    const conversation = state.conversations.get(id);
    if (!conversation) throw new ApiError(400, `Conversation with id ${id} not found`);
    return conversation;
  }
  return router;
}
