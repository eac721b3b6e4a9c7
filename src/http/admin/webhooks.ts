import { z } from "zod";
import {
  secretsOf,
  withoutProvingFields,
  withoutProvingHeaders,
  withoutProvingQuery,
} from "../../inbox/without-proofs.ts";
import type { Log } from "../../log.ts";
import type { Wake } from "../../model.ts";
import { findAccount } from "../../store/accounts.ts";
import { findMapping } from "../../store/mappings.ts";
import { findBrought, type ListedWebhook, listWebhooks } from "../../store/operate/list-webhooks.ts";
import {
  discardFailed,
  type FailedFilter,
  previewFailed,
  replayFailed,
} from "../../store/operate/mend/failed-webhooks.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Webhook } from "../../store/schema.ts";
import { findWebhook, findWebhookFacts, replayWebhook, type WebhookFacts } from "../../store/webhooks.ts";
import { bulkOf, dryRunOf, pageOf } from "../answers/page.ts";
import { chosenWebhookAnswer, listedWebhookAnswer, wholeWebhookAnswer } from "../answers/webhook.ts";
import { webhookSource, webhookState } from "../answers/words.ts";
import { type Caller, reaches } from "../caller.ts";
import { numberedPageQuery, toCursor, toPage } from "../list.ts";
import { noteLook } from "../operations/calls.ts";
import { operation, reply } from "../operations/operation.ts";
import { Problem } from "../problem.ts";
import { bulkFields, note, readSearch, rowIdOf, searchFields, text, timeFields } from "./fields.ts";

interface WebhookAdminContext {
  db: Db;
  people: Db;
  onWork: Wake;
  log: Log;
}

/** Which of the failed ones are meant. */
export const failedFields = {
  source: z
    .enum(["provider", "highlevel"], "must be named, provider or highlevel")
    .describe("Never all: what providers posted is for HighLevel's inbox, what HighLevel posted is for people."),
  locationId: text.optional(),
  mappingId: z.uuid().optional(),
  accountId: z.uuid().optional(),
  reason: text.optional().describe("Words of it."),
  ...timeFields,
};
const bulk = { ...failedFields, ...bulkFields };
const replayBody = z.strictObject(bulk);
const params = { id: rowIdOf("webhook") };
const tag = "Webhooks";
const by = "any key";

export const webhookOperations = {
  listWebhooks: operation({
    ...{ method: "GET", path: "/admin/webhooks", tag, by },
    summary: "Lists webhooks, newest first, without their bodies, each with the messages that it brought.",
    query: {
      ...numberedPageQuery,
      state: webhookState.optional(),
      ...searchFields,
      ...timeFields,
      mappingId: z.uuid().optional().describe("Stands for its account."),
      source: webhookSource.optional(),
      reason: text.optional().describe("Words of it."),
      accountId: z.uuid().optional(),
    },
    answers: { 200: pageOf(listedWebhookAnswer) },
    async handle({ people }: WebhookAdminContext, { caller, query: { limit, cursor, mappingId, ...given } }) {
      const { locationIds, isToMapping } = caller;
      const accountId = await accountOf(people, caller, { mappingId, accountId: given.accountId });
      const search = await readSearch(people, caller, given);
      const page = { ...search, mappingId, accountId, locationIds, isToMapping, before: cursor, limit: limit + 1 };
      const { rows, walkedTo } = await listWebhooks(people, { ...page, locationId: given.locationId });
      const ids = rows.map(({ id }) => id);
      const brought = await findBrought(people, ids, caller);
      const show = (row: ListedWebhook) => ({ ...row, messages: brought.get(row.id) ?? [] });
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.id, show, walkedTo }));
    },
  }),

  getWebhook: operation({
    ...{ method: "GET", path: "/admin/webhooks/{id}", tag, by },
    summary: "Shows a webhook with its body, without signatures and tokens.",
    params,
    answers: { 200: wholeWebhookAnswer },
    async handle(context: WebhookAdminContext, { caller, params: { id } }) {
      const webhook = await requireWebhook(context, caller, id, findWebhook);
      noteLook(context, caller, "/admin/webhooks/{id}", { webhookId: id });
      const brought = await findBrought(context.people, [id], caller);
      const messages = brought.get(id) ?? [];
      return reply(200, { ...showWebhook(webhook), messages, ...(await withoutProofs(context, webhook)) });
    },
  }),

  discardWebhook: operation({
    ...{ method: "POST", path: "/admin/webhooks/{id}/discard", tag, by },
    summary: "Discards a failed webhook: it counts as ignored, with the note, and is deleted in its time.",
    params,
    body: z.strictObject({ note }),
    answers: { 200: bulkOf("discarded") },
    errors: { 409: "It has not failed." },
    async handle(context: WebhookAdminContext, { caller, params: { id }, body }) {
      const { state } = await requireWebhook(context, caller, id, findWebhookFacts);
      const { ids } = await discardFailed(context.db, { id, limit: 1 }, body.note);
      if (ids.length === 0) throw new Problem(409, `webhook ${id} is ${state}: only a failed one can be discarded`);
      return reply(200, { discarded: 1 });
    },
  }),

  replayWebhook: operation({
    ...{ method: "POST", path: "/admin/webhooks/{id}/replay", tag, by },
    summary: "Has a failed or ignored webhook processed again.",
    params,
    answers: { 202: bulkOf("replayed") },
    errors: { 409: "It is neither failed nor ignored." },
    async handle(context: WebhookAdminContext, { caller, params: { id } }) {
      const { state, accountId } = await requireWebhook(context, caller, id, findWebhookFacts);
      if (!(await replayWebhook(context.db, id)))
        throw new Problem(409, `webhook ${id} is ${state}: only a failed or ignored one can be replayed`);
      context.onWork(accountId === null ? "app" : "accounts");
      return reply(202, { replayed: 1 });
    },
  }),

  replayWebhooks: operation({
    ...{ method: "POST", path: "/admin/webhooks/replay", tag, by },
    summary: "Has the oldest failed webhooks of a source that match processed again; with `dryRun` it tells how many.",
    body: replayBody,
    answers: { 200: dryRunOf(chosenWebhookAnswer), 202: bulkOf("replayed") },
    async handle(context: WebhookAdminContext, { caller, body }) {
      const filter = await readFilter(context, caller, body);
      if (body.dryRun) return reply(200, await preview(context, filter));
      const { ids, walkedTo } = await replayFailed(context.db, filter);
      context.onWork("accounts");
      context.onWork("app");
      return reply(202, { replayed: ids.length, nextCursor: toCursor(walkedTo) });
    },
  }),

  discardWebhooks: operation({
    ...{ method: "POST", path: "/admin/webhooks/discard", tag, by },
    summary: "Discards the oldest failed webhooks of a source that match; with `dryRun` it tells how many it would be.",
    body: z.strictObject({ ...bulk, note }),
    answers: { 200: z.union([dryRunOf(chosenWebhookAnswer), bulkOf("discarded")]) },
    async handle(context: WebhookAdminContext, { caller, body }) {
      const filter = await readFilter(context, caller, body);
      if (body.dryRun) return reply(200, await preview(context, filter));
      const { ids, walkedTo } = await discardFailed(context.db, filter, body.note);
      return reply(200, { discarded: ids.length, nextCursor: toCursor(walkedTo) });
    },
  }),
};

async function preview({ people }: WebhookAdminContext, filter: FailedFilter) {
  const { count, sample, walkedTo } = await previewFailed(people, filter);
  return { dryRun: true, count, sample, nextCursor: toCursor(walkedTo) };
}

async function readFilter({ people }: WebhookAdminContext, caller: Caller, body: z.output<typeof replayBody>) {
  const { dryRun: _dryRun, cursor, mappingId, accountId, ...filter } = body;
  if (mappingId !== undefined) caller.ids["mappingId"] = mappingId;
  const { locationIds, isToMapping } = caller;
  const ofAccount = await accountOf(people, caller, { mappingId, accountId });
  return { ...filter, accountId: ofAccount, locationIds, isToMapping, after: cursor } satisfies FailedFilter;
}

/** Also of webhooks that were stored with their proofs, by an earlier version. */
async function withoutProofs(
  { people }: WebhookAdminContext,
  { source, accountId, body, ...webhook }: Webhook,
): Promise<{ url: string; headers: Record<string, string>; bodyBase64: string }> {
  const account = source === "provider" && accountId !== null ? await findAccount(people, accountId) : undefined;
  const secrets = account && secretsOf(account.provider);
  const headers = withoutProvingHeaders(webhook.headers, secrets);
  const shown = withoutProvingFields(body, headers["content-type"], secrets);
  return { url: withoutProvingQuery(webhook.url, secrets), headers, bodyBase64: shown.toString("base64") };
}

async function requireWebhook<Found extends WebhookFacts>(
  { people }: WebhookAdminContext,
  caller: Caller,
  id: number,
  find: (db: Db, id: number, reach: Caller) => Promise<Found | undefined>,
): Promise<Found> {
  caller.ids["webhookId"] = id;
  const webhook = await find(people, id, caller);
  if (!webhook) throw new Problem(404, `there is no webhook ${id}`);
  return webhook;
}

/** That of a mapping is its account; of one that is not there, or that the caller does not reach, none. */
export async function accountOf(
  people: Db,
  caller: Caller,
  { mappingId, accountId }: { mappingId?: string | undefined; accountId?: string | undefined },
) {
  if (mappingId === undefined) return accountId;
  const mapping = await findMapping(people, mappingId);
  return mapping && reaches(caller, mapping.locationId) ? mapping.accountId : mappingId;
}

export function showWebhook({ id, accountId, state, reason, receivedAt }: WebhookFacts) {
  return { id, accountId, state, reason, receivedAt };
}
