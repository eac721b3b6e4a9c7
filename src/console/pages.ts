import type { Calls } from "./calls.ts";
import type { Page } from "./frame/answer.ts";
import { messagePage, replayMessage } from "./pages/message.tsx";
import { messagesPage } from "./pages/messages.tsx";

/** Every page and button, by its route below `/console`. */
export function createPages(calls: Calls): Record<string, Page> {
  return {
    "GET /": async () => ({ to: "/console/messages" }),
    "GET /messages": messagesPage(calls),
    "GET /messages/:id": messagePage(calls),
    "POST /messages/:id/replay": replayMessage(calls),
  };
}
