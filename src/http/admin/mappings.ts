import { Router } from "express";
import { z } from "zod";
import type { Checks } from "../../checks/checks.ts";
import type { Channel } from "../../model.ts";
import type { Reading } from "../../providers/reading.ts";
import type { Accounts } from "../../registry/accounts.ts";
import { type Mappings, openMapping } from "../../registry/mappings.ts";
import {
  changeMapping,
  type RegisteredMapping,
  registerMapping,
  removeMapping,
} from "../../registry/register-mapping.ts";
import { requireAdapter } from "../../registry/require-fitting.ts";
import { findAccount } from "../../store/accounts.ts";
import { findMapping, listMappings } from "../../store/mappings.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { AccountRow, MappingRow } from "../../store/schema.ts";
import { listRefusals } from "../../store/trouble/refused-webhooks.ts";
import { type Caller, callerOf, reaches, requireReach } from "../caller.ts";
import { toPage, uuidPageQuery } from "../list.ts";
import { Problem, parseInput, parseQuery } from "../problem.ts";
import { isUuid } from "../uuid.ts";
import { reachesAll, requireAccount, requireUsable, showRefusal } from "./accounts.ts";
import { credentials, isCheckAsked, readSearch, searchFields, text } from "./fields.ts";
import type { LocationsContext } from "./locations.ts";

export interface MappingsContext extends LocationsContext {
  accounts: Accounts;
  mappings: Mappings;
  reading: Reading;
  checks: Checks;
  publicUrl: string;
  bodyLimitBytes: Record<Channel, number>;
}

export const mappingSettings = {
  conversationProviderId: text.nullable().optional(),
  type: z.enum(["SMS", "Email", "Custom"]).optional(),
  callProviderId: text.nullable().optional(),
  unknownSender: z.enum(["create", "hold", "ignore"]).optional(),
  postAutomatic: z.boolean().optional(),
  postLists: z.enum(["people", "all", "none"]).optional(),
  onUnknownOutcome: z.enum(["repost", "hold"]).optional(),
  isDefault: z.boolean().optional(),
  stripQuoted: z.boolean().optional(),
};
const newMapping = z
  .strictObject({
    accountId: z.uuid("must be the id of an account").optional(),
    provider: text.optional(),
    credentials: credentials.optional(),
    locationId: text,
    address: text,
    ...mappingSettings,
    name: text.optional(),
  })
  .superRefine(({ accountId, provider, credentials: given }, context) => {
    const wrong = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (accountId === undefined && provider === undefined) wrong("provider", "is required; or accountId instead of it");
    if (accountId === undefined && given === undefined) wrong("credentials", "is required; or accountId instead of it");
    if (accountId !== undefined && given !== undefined)
      wrong("credentials", "are the account's: PATCH /admin/accounts");
    if (accountId !== undefined && provider !== undefined) wrong("provider", "is the account's: leave it out");
  });
const change = z.strictObject({
  locationId: text.optional(),
  address: text.optional(),
  ...mappingSettings,
  name: text.nullable().optional(),
  credentials: credentials.optional(),
});
const listQuery = z.object({
  ...uuidPageQuery,
  locationId: z.string().optional(),
  accountId: z.uuid().optional(),
  /** In any writing. */
  address: searchFields.address,
});

/** What of a change may connect a mapping wrongly. */
const connecting = ["locationId", "address", "conversationProviderId", "credentials"] as const;

/**
 * `POST /admin/mappings` 201 with `id`, `webhookUrl`: what to paste at the provider, the same for all of the account's, and
 * `deliveryUrl`: what to paste into the conversation provider in HighLevel's app. With `provider` and `credentials` it makes
 * an account of its own along, with `accountId` it is one more of that one. For a provider that signs
 * nothing the URL holds the credentials, and is shown whole only in answers to requests that set them.
 * Both ask the provider and HighLevel at once, and add what is wrong as `checks`; not with `?check=false`.
 * `GET /admin/mappings[/{id}]` 200, of one with what was `refused` at its URLs · `PATCH` 200; with another `locationId` it goes on there under another `id` ·
 * `DELETE` 204: what was acknowledged before is still delivered, and what comes for a week after is kept as failed.
 * 409 for an address that the location has mapped already, 422 for what does not fit.
 */
export function mappingRoutes(context: MappingsContext): Router {
  const { people, mappings, accounts, onWork } = context;
  const router = Router();
  const urlOf = (accountId: string) => `${context.publicUrl}/webhooks/${accountId}`;
  const show = (mapping: MappingRow) => ({
    ...showMapping(mapping),
    webhookUrl: urlOf(mapping.accountId),
    deliveryUrl: `${context.publicUrl}/webhooks/highlevel/${mapping.id}`,
  });
  const showWithSecrets = ({ mapping, credentials: [current], replayed }: RegisteredMapping) => {
    if (replayed > 0) onWork("accounts");
    const adapter = requireAdapter(mapping.provider);
    const shown = { ...show(mapping), ...(replayed > 0 ? { replayed } : {}) };
    if (current === undefined || !adapter.webhookUrl) return shown;
    return { ...shown, webhookUrl: adapter.webhookUrl(urlOf(mapping.accountId), current) };
  };

  const check = async ({ mapping, account }: RegisteredMapping) => {
    const opened = openMapping(mapping, account, context.sealer);
    return { checks: await context.checks.newMapping(opened, urlOf(mapping.accountId)) };
  };

  router.post("/", async (req, res) => {
    const caller = callerOf(res);
    const input = parseInput(newMapping, req.body);
    const isChecked = isCheckAsked(req.query);
    caller.ids["locationId"] = input.locationId;
    requireReach(caller, input.locationId);
    const { accountId } = input;
    const account =
      accountId === undefined ? undefined : await requireUsable(context, caller, accountId, input.locationId);
    const registered = await registerMapping(context, input, account);
    caller.ids["mappingId"] = registered.mapping.id;
    const found = isChecked ? await check(registered) : {};
    res
      .status(201)
      .location(`/admin/mappings/${registered.mapping.id}`)
      .json({ ...showWithSecrets(registered), ...found });
  });

  router.get("/", async (req, res) => res.json(await listAsked(people, callerOf(res), req.query, show)));

  router.get("/:id", async (req, res) => {
    const mapping = await requireMapping(context, callerOf(res), req.params.id);
    res.json({ ...show(mapping), refused: await listRefused(context, callerOf(res), mapping) });
  });

  router.patch("/:id", async (req, res) => {
    const caller = callerOf(res);
    const mapping = await requireMapping(context, caller, req.params.id);
    const input = parseInput(change, req.body);
    const isChecked = isCheckAsked(req.query);
    const { locationId = mapping.locationId, address = mapping.address } = input;
    if (locationId !== mapping.locationId) requireReach(caller, locationId);
    // Another number of the account is as good as a new mapping in it.
    if (locationId !== mapping.locationId || address !== mapping.address)
      await requireUsable(context, caller, mapping.accountId, locationId);
    if (input.credentials !== undefined) await requireAccount(context, caller, mapping.accountId);
    const changed = await changeMapping(context, mapping, input);
    mappings.forget(mapping.id);
    accounts.forget(mapping.accountId);
    const isConnectedAnew = connecting.some((name) => input[name] !== undefined);
    res.json({ ...showWithSecrets(changed), ...(isChecked && isConnectedAnew ? await check(changed) : {}) });
  });

  router.delete("/:id", async (req, res) => {
    const mapping = await requireMapping(context, callerOf(res), req.params.id);
    await removeMapping(context, mapping);
    mappings.forget(mapping.id);
    accounts.forget(mapping.accountId);
    res.status(204).end();
  });
  return router;
}

/** What came to the URL of an account may have been for numbers that the key does not reach. */
async function listRefused(context: MappingsContext, caller: Caller, mapping: MappingRow) {
  const account = await requireAccountOf(context, mapping);
  const accountId = reachesAll(caller, account) ? account.id : undefined;
  const refused = await listRefusals(context.people, { accountId, mappingId: mapping.id });
  return refused.map(showRefusal);
}

async function listAsked(people: Db, caller: Caller, query: unknown, show: (mapping: MappingRow) => object) {
  const { limit, cursor, locationId, accountId, address } = parseQuery(listQuery, query);
  if (cursor !== undefined && !isUuid(cursor))
    throw new Problem(422, "cursor: must be the nextCursor of the page before");
  const { addresses } = await readSearch(people, caller, { address });
  const rows = await listMappings(people, {
    locationId,
    accountId,
    addresses,
    locationIds: caller.locationIds,
    after: cursor,
    limit: limit + 1,
  });
  return toPage(rows, { limit, keyOf: (row) => row.id, show });
}

/** The mapping, if the caller reaches it. */
export async function requireMapping(
  { db }: Pick<MappingsContext, "db">,
  caller: Caller,
  id: string,
): Promise<MappingRow> {
  const mapping = isUuid(id) ? await findMapping(db, id) : undefined;
  if (isUuid(id)) caller.ids["mappingId"] = id;
  if (!mapping || !reaches(caller, mapping.locationId)) throw new Problem(404, `there is no mapping ${id}`);
  if (mapping.movedTo) throw new Problem(404, `mapping ${id} was moved: it goes on as ${mapping.movedTo}`);
  if (mapping.deletedAt) throw new Problem(404, `there is no mapping ${id}`);
  return mapping;
}

/** The account that a mapping is of. */
export async function requireAccountOf({ db }: Pick<MappingsContext, "db">, mapping: MappingRow): Promise<AccountRow> {
  const account = await findAccount(db, mapping.accountId);
  if (account) return account;
  throw new Error(`mapping ${mapping.id} is of no account`);
}

function showMapping(mapping: MappingRow) {
  const { sealedCredentials: _sealed, deletedAt: _deleted, movedTo: _moved, ...shown } = mapping;
  return shown;
}
