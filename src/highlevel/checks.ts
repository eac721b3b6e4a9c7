import { z } from "zod";
import { requiredText } from "../formats/parse-value.ts";
import type { Channel } from "../model.ts";
import type { Access, Call } from "./call.ts";

/** One of a location's conversation providers, as HighLevel lists it. */
export interface ListedProvider {
  id: string;
  name: string;
  /** Does the location send by it what names no provider? Undefined where HighLevel does not say. */
  isDefault: boolean | undefined;
}

/** Scopes that a call shows which changes nothing. */
export type ReadScope = "conversations.readonly" | "conversations/message.readonly" | "contacts.readonly";

/** What shows whether a location is connected rightly; none of it changes anything. */
export interface HighlevelChecks {
  /** The conversation providers of a channel that the location has; needs `locations.readonly`. */
  listProviders(access: Access, channel: Channel): Promise<ListedProvider[]>;
  /** Throws a Failure where the token is refused, or lacks the scope. */
  askByScope(access: Access, scope: ReadScope): Promise<void>;
}

export function createChecks(call: Call): HighlevelChecks {
  return {
    listProviders: (access, channel) => listProviders(call, access, channel),
    askByScope: (access, scope) => askByScope(call, access, scope),
  };
}

/** For each such scope the least that it lets us ask: https://marketplace.gohighlevel.com/docs/Authorization/Scopes */
const questions: Record<ReadScope, { path: string; query: Record<string, string | number> }> = {
  "conversations.readonly": { path: "/conversations/search", query: { limit: 1 } },
  "conversations/message.readonly": { path: "/conversations/messages/export", query: { limit: 10 } },
  "contacts.readonly": { path: "/contacts/search/duplicate", query: { email: "nobody@bridge.invalid" } },
};

async function askByScope(call: Call, access: Access, scope: ReadScope): Promise<void> {
  const { path, query } = questions[scope];
  const { locationId } = access;
  await call(access, {
    method: "GET",
    path,
    query: { locationId, ...query },
    answer: z.unknown().transform(() => ({})),
  });
}

const types: Record<Channel, "SMS" | "Email"> = { sms: "SMS", email: "Email" };
const entry = z.object({
  conversationProvider: z.object({
    _id: requiredText,
    name: z.string().catch(""),
    default: z.boolean().optional().catch(undefined),
  }),
});
const listAnswer = z.object({
  conversationChannel: z.object({ SMS: z.array(entry).nullish(), Email: z.array(entry).nullish() }),
});

/** https://marketplace.gohighlevel.com/docs/ghl/locations/get-conversation-channel: of version v3 alone, by `locations.readonly`. */
async function listProviders(call: Call, access: Access, channel: Channel): Promise<ListedProvider[]> {
  const type = types[channel];
  const path = `/locations/${encodeURIComponent(access.locationId)}/conversationChannels/${type}`;
  const answer = await call(access, { method: "GET", path, version: "v3", answer: listAnswer });
  return (answer.conversationChannel[type] ?? []).map(({ conversationProvider: { _id, name, default: isDefault } }) => {
    return { id: _id, name: name || _id, isDefault };
  });
}
