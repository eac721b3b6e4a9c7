import { Router } from "express";
import { z } from "zod";
import {
  secretsOf,
  withoutProvingFields,
  withoutProvingHeaders,
  withoutProvingQuery,
} from "../../inbox/without-proofs.ts";
import type { Wake } from "../../model.ts";
import { findAccount } from "../../store/accounts.ts";
import { findMapping } from "../../store/mappings.ts";
import { discardFailed, type FailedFilter, previewFailed, replayFailed } from "../../store/operate/failed-webhooks.ts";
import { findBrought, type ListedWebhook, listWebhooks } from "../../store/operate/list-webhooks.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Webhook } from "../../store/schema.ts";
import { findWebhook, replayWebhook } from "../../store/webhooks.ts";
import { type Caller, callerOf } from "../caller.ts";
import { numberedPageQuery, toCursor, toPage } from "../list.ts";
import { Problem, parseId, parseInput, parseQuery } from "../problem.ts";
import { bulkFields, note, readSearch, searchFields, text, timeFields } from "./fields.ts";

export interface WebhookAdminContext {
  db: Db;
  people: Db;
  onWork: Wake;
}

const listQuery = z.object({
  ...numberedPageQuery,
  state: z.enum(["received", "processed", "failed", "ignored"]).optional(),
  ...searchFields,
  ...timeFields,
  source: z.enum(["provider", "highlevel"]).optional(),
  reason: text.optional(),
  accountId: z.uuid().optional(),
});

const bulk = {
  /** Never all: what providers posted is for HighLevel's inbox, what HighLevel posted is for people. */
  source: z.enum(["provider", "highlevel"], "must be named, provider or highlevel"),
  locationId: text.optional(),
  mappingId: z.uuid().optional(),
  accountId: z.uuid().optional(),
  reason: text.optional(),
  ...timeFields,
  ...bulkFields,
};
const replayBody = z.strictObject(bulk);
const discardBody = z.strictObject({ ...bulk, note });
const discardOneBody = z.strictObject({ note });

/**
 * `GET /admin/webhooks` 200: newest first, without bodies: by the person or ids of what it brought, state,
 * account (or that of a mapping), location, source, reason and time. `GET /admin/webhooks/{id}` 200: with it,
 * but without signatures and tokens.
 * `POST /admin/webhooks/{id}/replay` 202: has a failed or ignored one processed again; 409 for any other.
 * `POST /admin/webhooks/{id}/discard` 200, or 409 when it has not failed: it counts as ignored, with the note.
 */
export function webhookAdminRoutes({ db, people, onWork }: WebhookAdminContext): Router {
  const router = Router();

  router.get("/", async (req, res) => {
    const { limit, cursor, mappingId, ...given } = parseQuery(listQuery, req.query);
    const caller = callerOf(res);
    const { locationIds, isToMapping } = caller;
    const accountId = await accountOf(people, mappingId, given.accountId);
    const search = await readSearch(people, caller, given);
    const page = { ...search, mappingId, accountId, locationIds, isToMapping, before: cursor, limit: limit + 1 };
    const { rows, walkedTo } = await listWebhooks(people, { ...page, locationId: given.locationId });
    const ids = rows.map(({ id }) => id);
    const brought = await findBrought(people, ids, caller);
    const show = (row: ListedWebhook) => ({ ...row, messages: brought.get(row.id) ?? [] });
    res.json(toPage(rows, { limit, keyOf: (row) => row.id, show, walkedTo }));
  });

  router.get("/:id", async (req, res) => {
    const webhook = await requireWebhook(callerOf(res), req.params.id);
    const brought = await findBrought(people, [webhook.id], callerOf(res));
    const messages = brought.get(webhook.id) ?? [];
    res.json({ ...showWebhook(webhook), messages, ...(await withoutProofs(webhook)) });
  });

  router.post("/:id/discard", async (req, res) => {
    const { note: why } = parseInput(discardOneBody, req.body ?? {});
    const { id, state } = await requireWebhook(callerOf(res), req.params.id);
    const { ids } = await discardFailed(db, { id, limit: 1 }, why);
    if (ids.length === 0) throw new Problem(409, `webhook ${id} is ${state}: only a failed one can be discarded`);
    res.json({ discarded: 1 });
  });

  router.post("/:id/replay", async (req, res) => {
    const webhook = await requireWebhook(callerOf(res), req.params.id);
    if (!(await replayWebhook(db, webhook.id))) {
      throw new Problem(409, `webhook ${webhook.id} is ${webhook.state}: only a failed or ignored one can be replayed`);
    }
    onWork(webhook.accountId === null ? "app" : "accounts");
    res.status(202).json({ replayed: 1 });
  });

  /** Also of webhooks that were stored with their proofs, by an earlier version. */
  async function withoutProofs({ source, accountId, body, ...webhook }: Webhook) {
    const account = source === "provider" && accountId !== null ? await findAccount(people, accountId) : undefined;
    const secrets = account && secretsOf(account.provider);
    const headers = withoutProvingHeaders(webhook.headers, secrets);
    const shown = withoutProvingFields(body, headers["content-type"], secrets);
    return { url: withoutProvingQuery(webhook.url, secrets), headers, bodyBase64: shown.toString("base64") };
  }

  async function requireWebhook(caller: Caller, text: string): Promise<Webhook> {
    const id = parseId(text, "webhook");
    caller.ids["webhookId"] = id;
    const webhook = await findWebhook(db, id, caller);
    if (!webhook) throw new Problem(404, `there is no webhook ${id}`);
    return webhook;
  }
  return router;
}

/**
 * `POST /admin/webhooks/replay` 202 and `POST /admin/webhooks/discard` 200: the oldest failed ones of a source that match,
 * how many, and as `nextCursor` where to go on. 200 with `dryRun`: how many it would be, and the first of them.
 */
export function failedWebhookRoutes({ db, people, onWork }: WebhookAdminContext): Router {
  const router = Router();
  router.post("/replay", async (req, res) => {
    const body = parseInput(replayBody, req.body ?? {});
    const filter = await readFilter(callerOf(res), body);
    if (body.dryRun) return void res.json(await preview(filter));
    const { ids, walkedTo } = await replayFailed(db, filter);
    onWork("accounts");
    onWork("app");
    res.status(202).json({ replayed: ids.length, nextCursor: toCursor(walkedTo) });
  });

  router.post("/discard", async (req, res) => {
    const body = parseInput(discardBody, req.body ?? {});
    const filter = await readFilter(callerOf(res), body);
    if (body.dryRun) return void res.json(await preview(filter));
    const { ids, walkedTo } = await discardFailed(db, filter, body.note);
    res.json({ discarded: ids.length, nextCursor: toCursor(walkedTo) });
  });

  async function preview(filter: FailedFilter) {
    const { count, sample, walkedTo } = await previewFailed(people, filter);
    return { dryRun: true, count, sample, nextCursor: toCursor(walkedTo) };
  }

  async function readFilter(caller: Caller, body: z.output<typeof replayBody>): Promise<FailedFilter> {
    const { dryRun: _dryRun, cursor, mappingId, accountId, ...filter } = body;
    if (mappingId !== undefined) caller.ids["mappingId"] = mappingId;
    const { locationIds, isToMapping } = caller;
    const ofAccount = await accountOf(people, mappingId, accountId);
    return { ...filter, accountId: ofAccount, locationIds, isToMapping, after: cursor };
  }
  return router;
}

/** That of a mapping is its account; of one that is not there, none. */
async function accountOf(people: Db, mappingId: string | undefined, accountId: string | undefined) {
  if (mappingId === undefined) return accountId;
  return (await findMapping(people, mappingId))?.accountId ?? mappingId;
}

export function showWebhook({ id, accountId, state, reason, receivedAt }: Webhook) {
  return { id, accountId, state, reason, receivedAt };
}
