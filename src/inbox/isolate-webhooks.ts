import { describeError, type Log } from "../log.ts";
import { isAboutData, isOverrun, isTimeout } from "../store/postgres/database-errors.ts";
import type { WebhookOutcome } from "../store/received-webhooks.ts";
import type { Webhook } from "../store/schema.ts";
import { type Caution, maxDeathsAlone } from "./choose-webhooks.ts";

/** So often may a webhook fail alone. */
const maxFailures = 2;

/** What a failure of these webhooks, or of one of them, comes to: they are processed alone, or one has failed for good. */
export function isolate(
  log: Log,
  { failures }: Pick<Caution, "failures">,
  webhooks: Webhook[],
  error: unknown,
): WebhookOutcome[] {
  const [first, second] = webhooks;
  if (!first || second) {
    log("warn", "webhooks.isolated", { webhooks: webhooks.length, webhookId: first?.id, ...describeError(error) });
    for (const { id } of webhooks) failures.set(id, failures.get(id) ?? 0);
    return [];
  }
  const { id, accountId } = first;
  const times = (failures.get(id) ?? 0) + 1;
  failures.set(id, times);
  log("error", "webhook.broke", { webhookId: id, accountId, times, ...describeError(error) });
  if (times < maxFailures) return [];
  return [{ id, state: "failed", reason: `${describeFailure(error)}; its log has a line webhook.broke` }];
}

function describeFailure(error: unknown): string {
  if (isAboutData(error)) return "PostgreSQL cannot store what it says";
  if (isTimeout(error) || isOverrun(error)) return "processing it takes longer than the database allows";
  return "the bridge itself failed over it";
}

/** What becomes of one that the bridge has died over too often. */
export function giveUp(log: Log, { id, accountId }: Webhook): WebhookOutcome {
  log("error", "webhook.fatal", { webhookId: id, accountId });
  const why = `the bridge died over it: its process ended ${maxDeathsAlone} times while it read this webhook alone`;
  const hint = `See how it ended (out of memory?), then POST /admin/webhooks/${id}/replay`;
  return { id, state: "failed", reason: `${why}. ${hint}` };
}
