import type { Calls } from "./calls.ts";
import { deedPage, doDeed } from "./forms/deed-page.tsx";
import type { Page } from "./frame/answer.ts";
import { collectionPage } from "./pages/collections.tsx";
import { firstStepsPage, startTrial } from "./pages/first-steps.tsx";
import { locationPage, locationsPage } from "./pages/locations.tsx";
import { mappingPage, mappingsPage } from "./pages/mappings.tsx";
import { messagePage } from "./pages/message.tsx";
import { messagesCsv, messagesPage } from "./pages/messages.tsx";
import { overviewPage } from "./pages/overview.tsx";
import { problemsPage } from "./pages/problems.tsx";
import { newReplayPage, replayPage, startReplay } from "./pages/replays.tsx";
import { searchPage } from "./pages/search.tsx";
import { settingsPage } from "./pages/settings.tsx";
import { liveEvents, livePage } from "./pages/watching/live.tsx";
import { metricsCsv, metricsPage } from "./pages/watching/metrics.tsx";
import { webhookPage, webhooksPage } from "./pages/webhooks.tsx";

/** Every page and button, by its route below `/console`. */
export function createPages(calls: Calls): Record<string, Page> {
  return {
    "GET /": overviewPage(calls),
    "GET /first-steps": firstStepsPage(calls),
    "POST /first-steps/trial": startTrial(calls),
    "GET /search": searchPage(calls),
    "GET /messages": messagesPage(calls),
    "GET /messages/csv": messagesCsv(calls),
    "GET /messages/:id": messagePage(calls),
    "GET /problems": problemsPage(calls),
    "GET /replays/new": newReplayPage(calls),
    "POST /replays": startReplay(calls),
    "GET /replays/:id": replayPage(calls),
    "GET /webhooks": webhooksPage(calls),
    "GET /webhooks/:id": webhookPage(calls),
    "GET /mappings": mappingsPage(calls),
    "GET /mappings/:id": mappingPage(calls),
    "GET /locations": locationsPage(calls),
    "GET /locations/:locationId": locationPage(calls),
    "GET /live": livePage(calls),
    "GET /live/events": liveEvents(calls),
    "GET /metrics": metricsPage(calls),
    "GET /metrics/csv": metricsCsv(calls),
    "GET /settings": settingsPage(calls),
    "GET /lists/:name": collectionPage(calls),
    "GET /do/:operation": deedPage(calls),
    "POST /do/:operation": doDeed(calls),
  };
}
