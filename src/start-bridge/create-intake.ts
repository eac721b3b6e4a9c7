import type { Doors } from "../calls/doors.ts";
import { createConfirm } from "../checks/confirm-subscription.ts";
import type { Config } from "../config.ts";
import { createBodyMemory } from "../http/body-memory.ts";
import { createWebhookLimit } from "../http/limits.ts";
import { createReceiver } from "../inbox/receive-webhook.ts";
import { createRefusalCounts } from "../inbox/refusals/count-refusals.ts";
import { createExplanations } from "../inbox/refusals/explain-refusal.ts";
import { createFetchCertificate } from "../providers/fetch-certificate.ts";
import { createKnownIds } from "../registry/known-ids.ts";
import type { Tuning } from "./tuning.ts";

/** What webhooks come in through. */
export function createIntake(
  config: Config,
  { doors, ...parts }: Pick<Parameters<typeof createReceiver>[0], "db" | "log" | "onStored"> & { doors: Doors },
  { fetchCertificate = createFetchCertificate(doors.fetchMedia) }: Partial<Tuning>,
) {
  const { bodyMemoryBytes: large, highlevelKeys, incoming } = config;
  return {
    fetchCertificate,
    receiver: createReceiver({ ...parts, highlevelKeys, fetchCertificate }),
    confirm: createConfirm(parts.log, doors.callProvider),
    explainRefusal: createExplanations(fetchCertificate),
    refusals: createRefusalCounts(parts),
    isKnownId: createKnownIds(parts.db),
    webhookLimit: createWebhookLimit(incoming.webhooksPerMinute),
    bodyMemory: createBodyMemory({ small: large / 4, large }),
  };
}
