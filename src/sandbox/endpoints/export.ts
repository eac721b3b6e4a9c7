import type { RequestHandler } from "express";
import { z } from "zod";
import { requireOwnLocation } from "../access.ts";
import { ApiError } from "../api-error.ts";
import { parseRequest } from "../parse-request.ts";
import type { Entry, State } from "../state.ts";
import { optional } from "./message-fields.ts";
import { showEntry } from "./show.ts";

const query = z.strictObject({
  locationId: z.string(),
  limit: z.coerce.number().min(10).max(500).default(100),
  ...{ cursor: optional, conversationId: optional, contactId: optional, startDate: optional, endDate: optional },
  sortBy: z.enum(["createdAt", "updatedAt"]).default("createdAt"),
  sortOrder: z.enum(["asc", "desc"]).default("desc"),
  channel: z.enum(["Call", "SMS", "Email", "WhatsApp", "Instagram", "Facebook"]).optional(),
});
type Query = z.infer<typeof query>;

/** `GET /conversations/messages/export`: a location's messages in pages. Nothing is changed here, so both orders are the same. */
export function exportMessages(state: State): RequestHandler {
  return (req, res) => {
    const asked = parseRequest(query, req.query);
    requireOwnLocation(req, res, asked.locationId);
    const found = [...state.entries.values()].filter((entry) => isAskedFor(state, entry, asked)).sort(compareTimes);
    if (asked.sortOrder === "desc") found.reverse();
    const start = asked.cursor === undefined ? 0 : found.findIndex(({ id }) => id === asked.cursor) + 1;
    if (asked.cursor !== undefined && start === 0) throw new ApiError(400, "Invalid cursor");
    const page = found.slice(start, start + asked.limit);
    const nextCursor = start + asked.limit < found.length ? page.at(-1)?.id : undefined;
    res.json({ messages: page.map((entry) => showEntry(state, entry)), nextCursor, total: found.length });
  };
}

function isAskedFor(state: State, entry: Entry, asked: Query): boolean {
  const [first] = entry.messages;
  if (first?.locationId !== asked.locationId) return false;
  const { messageType } = showEntry(state, entry);
  const at = Date.parse(first.dateAdded);
  return (
    (asked.conversationId ?? first.conversationId) === first.conversationId &&
    (asked.contactId ?? first.contactId) === first.contactId &&
    (asked.channel === undefined || messageType.includes(asked.channel.toUpperCase())) &&
    !(at < Date.parse(asked.startDate ?? "")) &&
    !(at > Date.parse(asked.endDate ?? ""))
  );
}

function compareTimes(a: Entry, b: Entry): number {
  return Date.parse(a.messages[0]?.dateAdded ?? "") - Date.parse(b.messages[0]?.dateAdded ?? "");
}
