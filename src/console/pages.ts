import type { Calls } from "./calls.ts";
import type { Page } from "./frame/answer.ts";
import { locationPage, locationsPage, putLocation, resumeLocation } from "./pages/locations.tsx";
import { mappingPage, mappingsPage } from "./pages/mappings.tsx";
import { messagePage, replayMessage } from "./pages/message.tsx";
import { messagesPage } from "./pages/messages.tsx";
import { createMapping, newMappingPage } from "./pages/new-mapping.tsx";
import { overviewPage } from "./pages/overview.tsx";
import { playgroundPage, previewPage } from "./pages/playground.tsx";
import { problemsPage, replayPage, replayProblems } from "./pages/problems.tsx";
import { searchPage } from "./pages/search.tsx";
import { createKey, revokeKey, settingsPage } from "./pages/settings.tsx";
import { liveEvents, livePage } from "./pages/watching/live.tsx";
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
    "GET /mappings": mappingsPage(calls),
    "GET /mappings/new": newMappingPage(),
    "POST /mappings": createMapping(calls),
    "GET /mappings/:id": mappingPage(calls),
    "GET /mappings/:id/playground": playgroundPage(calls),
    "POST /mappings/:id/playground": previewPage(calls),
    "GET /locations": locationsPage(calls),
    "POST /locations": putLocation(calls),
    "GET /locations/:locationId": locationPage(calls),
    "POST /locations/:locationId/resume": resumeLocation(calls),
    "GET /live": livePage(calls),
    "GET /live/events": liveEvents(calls),
    "GET /settings": settingsPage(calls),
    "POST /settings/keys": createKey(calls),
    "POST /settings/keys/:id/revoke": revokeKey(calls),
  };
}
