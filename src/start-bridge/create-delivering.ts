import { createBudget } from "../access/budget.ts";
import { applyInstallEvent } from "../access/install.ts";
import type { MarketplaceApp } from "../access/marketplace-app.ts";
import type { Doors } from "../calls/doors.ts";
import type { Config } from "../config.ts";
import { createHighlevel } from "../highlevel/client.ts";
import type { ProcessContext } from "../inbox/process-webhooks.ts";
import { createPlainText, type PlainText } from "../messages/plain-text.ts";
import type { DeliverContext } from "../outbox/attempt-delivery.ts";
import { createReading, type Reading } from "../providers/reading.ts";
import { createRecorder } from "../store/attempts.ts";
import type { Tuning } from "./tuning.ts";

/** What processing and delivering work with. */
export function createDelivering(
  config: Config,
  parts: Pick<DeliverContext, "db" | "log" | "accounts" | "mappings" | "listeners" | "endpoints" | "accessTokens"> &
    Pick<DeliverContext, "visibleAfterSeconds" | "traceAttempt" | "emailSecret"> &
    Pick<ProcessContext, "apart" | "during"> &
    Pick<Tuning, "firstDelaySeconds"> & { doors: Doors; marketplaceApp: MarketplaceApp },
): DeliverContext & ProcessContext & { reading: Reading; plainText: PlainText } {
  const { doors, firstDelaySeconds, marketplaceApp, ...rest } = parts;
  const { publicUrl, attachmentLimitBytes, emailAttachmentsLimitBytes, retryHours, sendRetryHours } = config;
  const { highlevelRequests } = config;
  return {
    ...rest,
    highlevel: createHighlevel({
      callApi: doors.callApi,
      baseUrl: config.highlevelUrl,
      limit: highlevelRequests.per10Seconds > 0 ? createBudget({ db: parts.db, ...highlevelRequests }) : undefined,
    }),
    reading: createReading(),
    plainText: createPlainText(),
    callProvider: doors.callProvider,
    callEndpoint: doors.callEndpoint,
    fetchMedia: doors.fetchMedia,
    fetchWhole: doors.fetchWhole,
    fetchPublic: doors.fetchPublic,
    publicUrl,
    attachmentLimitBytes,
    emailAttachmentsLimitBytes,
    mailLimitBytes: config.bodyLimitBytes.email,
    attemptSeconds: config.highlevelTimeoutSeconds,
    record: createRecorder(rest.db),
    retry: { retryHours, sendRetryHours, firstDelaySeconds, random: Math.random },
    applyInstall: async (tx, event, at) =>
      applyInstallEvent(tx, event, { clientId: await marketplaceApp.findClientId(tx), at }),
  };
}
