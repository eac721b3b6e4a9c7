import { Router } from "express";
import { requireOwnLocation } from "../access.ts";
import { ApiError } from "../api-error.ts";
import { addConversation, type Conversation, type Entry, type State, type StoredMessage } from "../state.ts";

/** Conversations and their messages, as far as a bridge reads and makes them. */
export function conversationRoutes(state: State, { showsAltIds }: { showsAltIds: boolean }): Router {
  const router = Router({ strict: true });
  const show = <Shown extends { altId?: string | undefined }>({ altId, ...rest }: Shown) =>
    showsAltIds ? { ...rest, altId } : rest;

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
    res.status(201).json({ success: true, conversation: showConversation(addConversation(state, contact)) });
  });

  router.get("/search", (req, res) => {
    requireOwnLocation(req, res, req.query["locationId"]);
    const found = state.conversationByContact.get(String(req.query["contactId"]));
    const conversations = found && found.locationId === req.query["locationId"] ? [showConversation(found)] : [];
    res.json({ conversations, total: conversations.length });
  });

  router.get("/messages/email/:id", (req, res) => {
    const email = state.emails.get(req.params.id);
    if (!email) throw new ApiError(404, `No message found for the id ${req.params.id}`);
    requireOwnLocation(req, res, email.locationId);
    res.json(show(showEmail(email)));
  });

  router.get("/messages/:id", (req, res) => {
    const entry = state.entries.get(req.params.id);
    const first = entry?.messages[0];
    if (!entry || !first) throw new ApiError(404, `No message found for the id ${req.params.id}`);
    requireOwnLocation(req, res, first.locationId);
    res.json(show(showEntry(entry)));
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
      lastMessageId: page.at(-1)?.id ?? null,
      nextPage: end - limit > 0,
      messages: page.map((entry) => show(showEntry(entry))),
    };
    res.json({ messages });
  });

  function requireConversation(id: string): Conversation {
    const conversation = state.conversations.get(id);
    if (!conversation) throw new ApiError(400, `Conversation with id ${id} not found`);
    return conversation;
  }
  return router;
}

function showConversation({ id, contactId, locationId, dateAdded }: Conversation) {
  return { id, contactId, locationId, dateAdded, dateUpdated: dateAdded, deleted: false };
}

/** The list leaves the bodies of emails out; they are read one by one. */
function showEntry(entry: Entry) {
  const [first] = entry.messages;
  const isEmail = first?.emailMessageId !== undefined;
  const emailMessageIds = entry.messages.flatMap((message) => message.emailMessageId ?? []);
  return {
    id: entry.id,
    altId: first?.altId,
    type: isEmail ? 3 : 2,
    messageType: isEmail ? "TYPE_EMAIL" : "TYPE_SMS",
    locationId: first?.locationId,
    contactId: first?.contactId,
    conversationId: first?.conversationId,
    conversationProviderId: first?.conversationProviderId,
    direction: first?.direction,
    dateAdded: first?.dateAdded,
    status: first?.status ?? "delivered",
    attachments: first?.attachments,
    ...(isEmail ? { meta: { email: { messageIds: emailMessageIds } } } : { body: first?.body }),
  };
}

function showEmail(email: StoredMessage) {
  const { emailMessageId, emailFrom, emailTo, emailCc, emailBcc, html, body, ...rest } = email;
  return {
    ...rest,
    id: emailMessageId,
    body: html ?? body,
    from: emailFrom,
    to: emailTo === undefined ? [] : [emailTo],
    cc: emailCc ?? [],
    bcc: emailBcc ?? [],
    status: email.status ?? "delivered",
    provider: "custom",
  };
}
