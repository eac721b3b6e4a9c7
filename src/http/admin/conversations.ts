import { Router } from "express";
import { z } from "zod";
import { registerConversation } from "../../registry/register.ts";
import { requireAdapter, requireAddress } from "../../registry/require-fitting.ts";
import { findConversation, listConversations, registerHighlevelIds } from "../../store/conversations.ts";
import type { Conversation } from "../../store/schema.ts";
import { type Caller, callerOf } from "../caller.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { Problem, parseInput, parseQuery } from "../problem.ts";
import { type MappingsContext, requireMapping } from "./mappings.ts";

const id = z.string().trim().min(1, "must not be empty").max(200, "must have 200 characters at most");
const registration = z
  .strictObject({ conversationId: id.optional(), contactId: id.optional() })
  .refine((body) => body.conversationId ?? body.contactId, "give conversationId, contactId or both");
const listQuery = z.object(numberedPageQuery);

/**
 * Who is which conversation: `PUT /admin/mappings/{id}/conversations/{address}` 200, and what was held for this sender
 * is delivered (`replayed` says how many). `GET` lists them all, or one · `DELETE` 204 forgets who the sender is.
 */
export function conversationRoutes(context: MappingsContext): Router {
  const { db, people } = context;
  const router = Router();

  router.get("/:id/conversations", async (req, res) => {
    const mapping = await requireMapping(context, callerOf(res), req.params.id);
    const { limit, cursor } = parseQuery(listQuery, req.query);
    const rows = await listConversations(people, { mappingId: mapping.id, after: cursor, limit: limit + 1 });
    res.json(toPage(rows, { limit, keyOf: (row) => row.id, show: showConversation }));
  });

  router.put("/:id/conversations/:address", async (req, res) => {
    const mapping = await requireMapping(context, callerOf(res), req.params.id);
    const ids = parseInput(registration, req.body);
    const { address } = req.params;
    const { conversation, replayed } = await registerConversation(context, mapping, { address, ...ids });
    context.onWork("deliveries");
    res.json({ ...showConversation(conversation), replayed });
  });

  router.get("/:id/conversations/:address", async (req, res) => {
    res.json(showConversation(await requireConversation(callerOf(res), req.params)));
  });

  router.delete("/:id/conversations/:address", async (req, res) => {
    const conversation = await requireConversation(callerOf(res), req.params);
    await registerHighlevelIds(db, conversation.id, {});
    res.status(204).end();
  });

  async function requireConversation(caller: Caller, params: { id: string; address: string }): Promise<Conversation> {
    const mapping = await requireMapping(context, caller, params.id);
    const address = requireAddress(requireAdapter(mapping.provider), params.address);
    const conversation = await findConversation(db, mapping.id, address);
    if (conversation?.highlevelContactId || conversation?.highlevelConversationId) return conversation;
    throw new Problem(404, "nobody is registered for this address at this mapping");
  }
  return router;
}

function showConversation(conversation: Conversation) {
  const { address, highlevelContactId, highlevelConversationId, createdAt, updatedAt } = conversation;
  return { address, contactId: highlevelContactId, conversationId: highlevelConversationId, createdAt, updatedAt };
}
