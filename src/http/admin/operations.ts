import type { PreviewContext } from "../../inbox/trials/preview.ts";
import type { Log } from "../../log.ts";
import { type Calls, createCalls } from "../operations/calls.ts";
import { auditOperations } from "./audit.ts";
import { accountOperations } from "./connections/accounts.ts";
import { checkOperations } from "./connections/checks.ts";
import { conversationOperations } from "./connections/conversations.ts";
import { importOperations } from "./connections/import-mappings.ts";
import { locationOperations } from "./connections/locations.ts";
import { type MappingsContext, mappingOperations } from "./connections/mappings.ts";
import { previewOperations } from "./connections/preview.ts";
import { type SendTestContext, sendTestOperations } from "./connections/send-test.ts";
import { deliveryOperations } from "./deliveries.ts";
import { type EndpointsContext, endpointOperations } from "./endpoints.ts";
import { importsOperations } from "./imports.ts";
import { type LiveContext, liveOperations } from "./live.ts";
import { type MessagesContext, messageOperations } from "./messages/messages.ts";
import { metricsOperations } from "./metrics.ts";
import { type AppContext, appOperations } from "./operator/app.ts";
import { holdOperations } from "./operator/hold.ts";
import { keyOperations } from "./operator/keys.ts";
import { providerOperations } from "./operator/providers.ts";
import { type StatusContext, statusOperations } from "./operator/status.ts";
import { type TrialContext, trialOperations } from "./operator/trial.ts";
import { optOutOperations } from "./opt-outs.ts";
import { overviewOperations } from "./overview.ts";
import { peopleOperations } from "./people.ts";
import { problemOperations } from "./problems.ts";
import { replayOperations } from "./replays.ts";
import { searchOperations } from "./search.ts";
import { webhookOperations } from "./webhooks.ts";

export interface AdminContext
  extends MappingsContext,
    StatusContext,
    AppContext,
    TrialContext,
    PreviewContext,
    SendTestContext,
    LiveContext,
    MessagesContext,
    EndpointsContext {
  adminApiKeys: string[];
  log: Log;
}

/**
 * The admin route, for integrators and operators. Every write leaves a row in `audit`, and a line `admin.wrote` in the log:
 * who, the route's pattern, the status, and the ids that it is about.
 */
export const adminOperations = {
  ...locationOperations,
  ...accountOperations,
  ...mappingOperations,
  ...importOperations,
  ...previewOperations,
  ...sendTestOperations,
  ...checkOperations,
  ...conversationOperations,
  ...messageOperations,
  ...liveOperations,
  ...deliveryOperations,
  ...metricsOperations,
  ...webhookOperations,
  ...overviewOperations,
  ...searchOperations,
  ...problemOperations,
  ...replayOperations,
  ...importsOperations,
  ...endpointOperations,
  ...optOutOperations,
  ...peopleOperations,
  ...keyOperations,
  ...auditOperations,
  ...statusOperations,
  ...appOperations,
  ...trialOperations,
  ...holdOperations,
  ...providerOperations,
};

/** The same for who calls from within the process. */
export const createOperations = (context: AdminContext): Calls<typeof adminOperations> =>
  createCalls(context, adminOperations);
