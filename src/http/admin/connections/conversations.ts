import { z } from "zod";
import { registerConversation } from "../../../registry/register.ts";
import { requirePerson } from "../../../registry/require-fitting.ts";
import { findConversation, listConversations, registerHighlevelIds } from "../../../store/conversations.ts";
import type { Conversation } from "../../../store/schema.ts";
import { conversationAnswer, registeredAnswer } from "../../answers/connections.ts";
import { pageOf } from "../../answers/page.ts";
import type { Caller } from "../../caller.ts";
import { numberedPageQuery, toPage } from "../../list.ts";
import { operation, reply } from "../../operations/operation.ts";
import { Problem } from "../../problem.ts";
import { uuidOf } from "../fields.ts";
import type { MappingsContext } from "./mappings.ts";
import { requireMapping } from "./reached.ts";

const id = z.string().trim().min(1, "must not be empty").max(200, "must have 200 characters at most");
const registration = z
  .strictObject({ conversationId: id.optional(), contactId: id.optional() })
  .refine((body) => body.conversationId ?? body.contactId, "give conversationId, contactId or both");
const path = "/admin/mappings/{id}/conversations/{address}";
const params = { id: uuidOf, address: z.string() };
const tag = "Conversations";
const by = "any key";

export const conversationOperations = {
  listConversations: operation({
    ...{ method: "GET", path: "/admin/mappings/{id}/conversations", tag, by },
    summary: "Lists who is which conversation at a mapping.",
    params: { id: uuidOf },
    query: numberedPageQuery,
    answers: { 200: pageOf(conversationAnswer) },
    async handle(context: MappingsContext, { caller, params: { id }, query: { limit, cursor } }) {
      const mapping = await requireMapping(context, caller, id);
      const page = { mappingId: mapping.id, after: cursor, limit: limit + 1 };
      const rows = await listConversations(context.people, page);
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.id, show: showConversation }));
    },
  }),

  putConversation: operation({
    ...{ method: "PUT", path, tag, by },
    summary: "Tells who a sender is in HighLevel; messages that were held for this sender go out now.",
    params,
    body: registration,
    answers: { 200: registeredAnswer },
    async handle(context: MappingsContext, { caller, params: { id, address }, body }) {
      const mapping = await requireMapping(context, caller, id);
      const { conversation, replayed } = await registerConversation(context, mapping, { address, ...body });
      context.onWork("deliveries");
      return reply(200, { ...showConversation(conversation), replayed });
    },
  }),

  getConversation: operation({
    ...{ method: "GET", path, tag, by },
    summary: "Shows who a sender is in HighLevel.",
    params,
    answers: { 200: conversationAnswer },
    async handle(context: MappingsContext, { caller, params: given }) {
      return reply(200, showConversation(await requireConversation(context, caller, given)));
    },
  }),

  deleteConversation: operation({
    ...{ method: "DELETE", path, tag, by },
    summary: "Forgets who a sender is in HighLevel.",
    params,
    answers: { 204: undefined },
    async handle(context: MappingsContext, { caller, params: given }) {
      const conversation = await requireConversation(context, caller, given);
      await registerHighlevelIds(context.db, conversation.id, {});
      return reply(204, undefined);
    },
  }),
};

async function requireConversation(
  context: MappingsContext,
  caller: Caller,
  given: { id: string; address: string },
): Promise<Conversation> {
  const mapping = await requireMapping(context, caller, given.id);
  const address = requirePerson(mapping, given.address);
  const conversation = await findConversation(context.db, mapping.id, address);
  if (conversation?.highlevelContactId || conversation?.highlevelConversationId) return conversation;
  throw new Problem(404, "nobody is registered for this address at this mapping");
}

function showConversation(conversation: Conversation) {
  const { address, highlevelContactId, highlevelConversationId, createdAt, updatedAt } = conversation;
  return { address, contactId: highlevelContactId, conversationId: highlevelConversationId, createdAt, updatedAt };
}
