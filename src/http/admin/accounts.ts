import { Router } from "express";
import { z } from "zod";
import type { Checks } from "../../checks/checks.ts";
import { type Accounts, describeAccount } from "../../registry/accounts.ts";
import {
  changeAccount,
  type RegisteredAccount,
  registerAccount,
  removeAccount,
} from "../../registry/register-account.ts";
import { requireAdapter } from "../../registry/require-fitting.ts";
import { findAccount, listAccounts } from "../../store/accounts.ts";
import { findMailbox } from "../../store/mailboxes/mailboxes.ts";
import type { AccountRow, MailboxRow, RefusedWebhooks } from "../../store/schema.ts";
import { listRefusals } from "../../store/trouble/refused-webhooks.ts";
import { type Caller, callerOf, reaches } from "../caller.ts";
import { toPage, uuidPageQuery } from "../list.ts";
import { Problem, parseInput, parseQuery } from "../problem.ts";
import { isUuid } from "../uuid.ts";
import { credentials, isCheckAsked, text } from "./fields.ts";
import type { LocationsContext } from "./locations.ts";

export interface AccountsContext extends LocationsContext {
  accounts: Accounts;
  checks: Checks;
  publicUrl: string;
}

const locationIds = z.array(text).max(1000, "must have 1,000 entries at most");
const newAccount = z.strictObject({
  provider: text,
  name: text.optional(),
  credentials: credentials.refine((value) => value !== undefined, "is required"),
  locationIds: locationIds.optional(),
});
const change = z.strictObject({
  name: text.nullable().optional(),
  credentials: credentials.optional(),
  locationIds: locationIds.optional(),
});

/**
 * `POST /admin/accounts` 201 with `id` and `webhookUrl`: what to paste at the provider, once for all its numbers and
 * mailboxes. `locationIds` are the locations that may be mapped in it; without any it is the operator's alone.
 * The provider is asked at once whether it takes the credentials, and what is wrong is added as `checks`; not with
 * `?check=false`. `GET /admin/accounts[/{id}]` 200, of one with what was `refused` at its URL, and of a `mailbox` that is fetched from when that was, or why it fails · `PATCH` 200: `credentials` once for all · `DELETE` 204; 409 while it has mappings.
 * An integrator's key reaches an account if it reaches all its locations.
 */
export function accountRoutes(context: AccountsContext): Router {
  const { people, accounts, publicUrl, checks } = context;
  const router = Router();
  const show = ({ sealedCredentials: _sealed, deletedAt: _deleted, ...shown }: AccountRow) => ({
    ...shown,
    webhookUrl: `${publicUrl}/webhooks/${shown.id}`,
  });
  const showWithSecrets = ({ account, credentials: [current] }: RegisteredAccount) => {
    const { webhookUrl } = requireAdapter(account.provider);
    const shown = show(account);
    return current === undefined || !webhookUrl
      ? shown
      : { ...shown, webhookUrl: webhookUrl(shown.webhookUrl, current) };
  };

  const check = async ({ account, credentials: [current] }: RegisteredAccount) => {
    const { adapter } = describeAccount(account);
    const checked = { adapter, credentials: current, webhookUrl: show(account).webhookUrl, addresses: [] };
    return { checks: await checks.newAccount(checked) };
  };

  router.post("/", async (req, res) => {
    const caller = callerOf(res);
    const input = parseInput(newAccount, req.body);
    const isChecked = isCheckAsked(req.query);
    requireLocations(caller, input.locationIds ?? []);
    const registered = await registerAccount(context, input);
    caller.ids["accountId"] = registered.account.id;
    const found = isChecked ? await check(registered) : {};
    res
      .status(201)
      .location(`/admin/accounts/${registered.account.id}`)
      .json({ ...showWithSecrets(registered), ...found });
  });

  router.get("/", async (req, res) => {
    const { limit, cursor } = parseQuery(z.object(uuidPageQuery), req.query);
    if (cursor !== undefined && !isUuid(cursor))
      throw new Problem(422, "cursor: must be the nextCursor of the page before");
    const page = { locationIds: callerOf(res).locationIds, after: cursor, limit: limit + 1 };
    const rows = await listAccounts(people, page);
    res.json(toPage(rows, { limit, keyOf: (row) => row.id, show }));
  });

  router.get("/:id", async (req, res) => {
    const account = await requireAccount(context, callerOf(res), req.params.id);
    const refused = await listRefusals(people, { accountId: account.id });
    const mailbox = await findMailbox(people, account.id);
    res.json({
      ...show(account),
      ...(mailbox ? { mailbox: showMailbox(mailbox) } : {}),
      refused: refused.map(showRefusal),
    });
  });

  router.patch("/:id", async (req, res) => {
    const caller = callerOf(res);
    const account = await requireAccount(context, caller, req.params.id);
    const input = parseInput(change, req.body);
    const isChecked = isCheckAsked(req.query) && input.credentials !== undefined;
    if (input.locationIds) requireLocations(caller, input.locationIds);
    const changed = await changeAccount(context, account, input);
    accounts.forget(account.id);
    res.json({ ...showWithSecrets(changed), ...(isChecked ? await check(changed) : {}) });
  });

  router.delete("/:id", async (req, res) => {
    const account = await requireAccount(context, callerOf(res), req.params.id);
    await removeAccount(context, account);
    accounts.forget(account.id);
    res.status(204).end();
  });
  return router;
}

function showMailbox({ fetchedAt, failingSince, retryAt, reason, detail }: MailboxRow) {
  return { fetchedAt, failingSince, retryAt, reason, detail };
}

export function showRefusal({ ownerId: _ownerId, detail, ...refusal }: RefusedWebhooks) {
  return { ...refusal, ...detail };
}

/** An integrator's account is for locations of its own: without any it would be the operator's. */
function requireLocations(caller: Caller, ids: string[]): void {
  if (caller.locationIds === undefined) return;
  const foreign = ids.find((id) => !reaches(caller, id));
  if (foreign !== undefined) throw new Problem(403, `this key does not reach location ${foreign}`);
  if (ids.length === 0) throw new Problem(422, "locationIds: is required with an integrator's key");
}

/** The account, if the caller reaches all its locations. */
export async function requireAccount(
  { db }: Pick<AccountsContext, "db">,
  caller: Caller,
  id: string,
): Promise<AccountRow> {
  const account = await findLiving(db, caller, id);
  if (account && reachesAll(caller, account)) return account;
  throw new Problem(404, `there is no account ${id}`);
}

/** The account, if the location may be mapped in it: it serves it, or the caller may change that. */
export async function requireUsable(
  { db }: Pick<AccountsContext, "db">,
  caller: Caller,
  id: string,
  locationId: string,
): Promise<AccountRow> {
  const account = await findLiving(db, caller, id);
  if (account && (account.locationIds.includes(locationId) || reachesAll(caller, account))) return account;
  throw new Problem(404, `there is no account ${id}`);
}

async function findLiving(db: AccountsContext["db"], caller: Caller, id: string): Promise<AccountRow | undefined> {
  if (!isUuid(id)) return undefined;
  caller.ids["accountId"] = id;
  const account = await findAccount(db, id);
  return account?.deletedAt ? undefined : account;
}

export function reachesAll(caller: Caller, account: AccountRow): boolean {
  if (caller.locationIds === undefined) return true;
  return account.locationIds.length > 0 && account.locationIds.every((id) => reaches(caller, id));
}
