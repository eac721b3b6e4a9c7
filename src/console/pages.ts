import type { Calls } from "./calls.ts";
import type { Page } from "./frame/answer.ts";
import { messagePage, replayMessage } from "./pages/message.tsx";
import { messagesPage } from "./pages/messages.tsx";
import { overviewPage } from "./pages/overview.tsx";
import { problemsPage, replayPage, replayProblems } from "./pages/problems.tsx";
import { searchPage } from "./pages/search.tsx";
import { replayWebhook, webhookPage, webhooksPage } from "./pages/webhooks.tsx";

/** Every page and button, by its route below `/console`. */
export function createPages(calls: Calls): Record<string, Page> {
  return {
    "GET /": overviewPage(calls),
    "GET /search": searchPage(calls),
    "GET /messages": messagesPage(calls),
    "GET /messages/:id": messagePage(calls),
    "POST /messages/:id/replay": replayMessage(calls),
    "GET /problems": problemsPage(calls),
    "GET /problems/replay": replayPage(calls),
    "POST /problems/replay": replayProblems(calls),
    "GET /webhooks": webhooksPage(calls),
    "GET /webhooks/:id": webhookPage(calls),
    "POST /webhooks/:id/replay": replayWebhook(calls),
  };
}
