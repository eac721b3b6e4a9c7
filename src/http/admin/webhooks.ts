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
import type { Db } from "../../store/postgres/database.ts";
import type { Webhook } from "../../store/schema.ts";
import { findWebhook, listWebhooks, replayWebhook } from "../../store/webhooks.ts";
import { type Caller, callerOf } from "../caller.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { Problem, parseId, parseInput } from "../problem.ts";

const listQuery = z.object({
  ...numberedPageQuery,
  state: z.enum(["received", "processed", "failed", "ignored"]).optional(),
  accountId: z.uuid().optional(),
  mappingId: z.uuid().optional(),
});

/**
 * `GET /admin/webhooks` 200: newest first, by state and account (or that of a mapping), without bodies. `GET /admin/webhooks/{id}` 200: with it,
 * but without signatures and tokens.
 * `POST /admin/webhooks/{id}/replay` 202: has a failed or ignored one processed again; 409 for any other.
 */
export function webhookAdminRoutes({ db, people, onWork }: { db: Db; people: Db; onWork: Wake }): Router {
  const router = Router();

  router.get("/", async (req, res) => {
    const { limit, cursor, mappingId, ...given } = parseInput(listQuery, req.query);
    const { locationIds, isToMapping } = callerOf(res);
    const ofMapping = mappingId === undefined ? undefined : await findMapping(people, mappingId);
    const rest = mappingId === undefined ? given : { ...given, accountId: ofMapping?.accountId ?? mappingId };
    const page = { ...rest, locationIds, isToMapping, before: cursor, limit: limit + 1 };
    const { rows, walkedTo } = await listWebhooks(people, page);
    res.json(toPage(rows, { limit, keyOf: (row) => row.id, show: (row) => row, walkedTo }));
  });

  router.get("/:id", async (req, res) => {
    const webhook = await requireWebhook(callerOf(res), req.params.id);
    res.json({ ...showWebhook(webhook), ...(await withoutProofs(webhook)) });
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

export function showWebhook({ id, accountId, state, reason, receivedAt }: Webhook) {
  return { id, accountId, state, reason, receivedAt };
}
