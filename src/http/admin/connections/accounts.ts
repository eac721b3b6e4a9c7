import { z } from "zod";
import type { Checks } from "../../../checks/checks.ts";
import { type Accounts, describeAccount } from "../../../registry/accounts.ts";
import type { Mappings } from "../../../registry/mappings.ts";
import {
  changeAccount,
  type RegisteredAccount,
  registerAccount,
  removeAccount,
} from "../../../registry/register-account.ts";
import { requireAdapter } from "../../../registry/require-fitting.ts";
import { listAccounts } from "../../../store/accounts.ts";
import { findMailbox } from "../../../store/mailboxes/mailboxes.ts";
import { listMappings } from "../../../store/mappings.ts";
import type { AccountRow, MailboxRow, RefusedWebhooks } from "../../../store/schema.ts";
import { listRefusals } from "../../../store/trouble/refused-webhooks.ts";
import { accountAnswer, changedAccountAnswer, wholeAccountAnswer } from "../../answers/connections.ts";
import { pageOf } from "../../answers/page.ts";
import { type Caller, reaches } from "../../caller.ts";
import { toPage, uuidPageQuery } from "../../list.ts";
import { operation, reply } from "../../operations/operation.ts";
import { Problem } from "../../problem.ts";
import { checkQuery, credentials, text, uuidOf } from "../fields.ts";
import type { LocationsContext } from "./locations.ts";
import { requireAccount } from "./reached.ts";

export interface AccountsContext extends LocationsContext {
  accounts: Accounts;
  mappings: Mappings;
  checks: Checks;
  publicUrl: string;
}

/** Of an account's mappings, which hold its credentials: further ones follow within five seconds, as at other processes. */
const maxForgotten = 200;

const locationIds = z.array(text).max(1000, "must have 1,000 entries at most");
const newAccount = z.strictObject({
  provider: text,
  name: text.optional(),
  credentials: credentials.refine((value) => value !== undefined, "is required"),
  locationIds: locationIds
    .optional()
    .describe("Those that may be mapped in it; without any it is the operator's alone."),
});
const change = z.strictObject({
  name: text.nullable().optional(),
  credentials: credentials.optional().describe("One, or a list of two while a secret is rotated."),
  keepFormer: z
    .boolean()
    .optional()
    .describe(
      "While a secret is rotated: true keeps the credentials of before beside the new ones; when the provider has the new ones, false alone lets go of the former.",
    ),
  locationIds: locationIds.optional(),
});
const path = "/admin/accounts/{id}";
const params = { id: uuidOf };
const tag = "Accounts";
const by = "any key";

export const accountOperations = {
  createAccount: operation({
    ...{ method: "POST", path: "/admin/accounts", tag, by },
    summary: "Registers what somebody has at a provider; gives the one webhook URL for all its numbers and mailboxes.",
    description: "The provider is asked at once whether it takes the credentials; what is wrong stands in `checks`.",
    query: checkQuery,
    body: newAccount,
    answers: { 201: changedAccountAnswer },
    errors: { 409: "A location has as many accounts as it may." },
    async handle(context: AccountsContext, { caller, query, body }) {
      requireLocations(caller, body.locationIds ?? []);
      const registered = await registerAccount(context, body);
      const { id } = registered.account;
      caller.ids["accountId"] = id;
      const found = query.check ? await check(context, registered) : {};
      const headers = { Location: `/admin/accounts/${id}` };
      return reply(201, { ...showWithSecrets(context, registered), ...found }, headers);
    },
  }),

  listAccounts: operation({
    ...{ method: "GET", path: "/admin/accounts", tag, by },
    summary: "Lists accounts.",
    query: uuidPageQuery,
    answers: { 200: pageOf(accountAnswer) },
    async handle(context: AccountsContext, { caller, query: { limit, cursor } }) {
      const page = { locationIds: caller.locationIds, after: cursor, limit: limit + 1 };
      const rows = await listAccounts(context.people, page);
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.id, show: (row) => show(context, row) }));
    },
  }),

  getAccount: operation({
    ...{ method: "GET", path, tag, by },
    summary: "Shows an account, what was refused at its URL, and of a mailbox when it was fetched, or why that fails.",
    params,
    answers: { 200: wholeAccountAnswer },
    async handle(context: AccountsContext, { caller, params: { id } }) {
      const account = await requireAccount(context, caller, id);
      const refused = await listRefusals(context.people, { accountId: account.id });
      const mailbox = await findMailbox(context.people, account.id);
      return reply(200, {
        ...show(context, account),
        ...(mailbox ? { mailbox: showMailbox(mailbox) } : {}),
        refused: refused.map(showRefusal),
      });
    },
  }),

  changeAccount: operation({
    ...{ method: "PATCH", path, tag, by },
    summary: "Changes an account: its credentials are those of all its mappings.",
    params,
    query: checkQuery,
    body: change,
    answers: { 200: changedAccountAnswer },
    errors: {
      409: "It has mappings of a location that is left out; or one that is added has as many accounts as it may.",
    },
    async handle(context: AccountsContext, { caller, params: { id }, query, body }) {
      const account = await requireAccount(context, caller, id);
      if (body.locationIds) requireLocations(caller, body.locationIds);
      const changed = await changeAccount(context, account, body);
      context.accounts.forget(account.id);
      const some = await listMappings(context.db, { accountId: account.id, limit: maxForgotten });
      for (const mapping of some) context.mappings.forget(mapping.id);
      const found = query.check && body.credentials !== undefined ? await check(context, changed) : {};
      return reply(200, { ...showWithSecrets(context, changed), ...found });
    },
  }),

  deleteAccount: operation({
    ...{ method: "DELETE", path, tag, by },
    summary: "Removes an account.",
    params,
    answers: { 204: undefined },
    errors: { 409: "It has mappings." },
    async handle(context: AccountsContext, { caller, params: { id } }) {
      const account = await requireAccount(context, caller, id);
      await removeAccount(context, account);
      context.accounts.forget(account.id);
      return reply(204, undefined);
    },
  }),
};

function show(
  { publicUrl }: Pick<AccountsContext, "publicUrl">,
  { sealedCredentials: _sealed, credentialsSetAt: _setAt, deletedAt: _deleted, ...shown }: AccountRow,
) {
  return { ...shown, webhookUrl: `${publicUrl}/webhooks/${shown.id}` };
}

function showWithSecrets(context: AccountsContext, { account, credentials: [current] }: RegisteredAccount) {
  const { webhookUrl } = requireAdapter(account.provider);
  const shown = show(context, account);
  return current === undefined || !webhookUrl ? shown : { ...shown, webhookUrl: webhookUrl(shown.webhookUrl, current) };
}

async function check(context: AccountsContext, { account, credentials: [current] }: RegisteredAccount) {
  const { adapter } = describeAccount(account);
  const { webhookUrl } = show(context, account);
  return { checks: await context.checks.newAccount({ adapter, credentials: current, webhookUrl, addresses: [] }) };
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
