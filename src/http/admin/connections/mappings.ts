import { z } from "zod";
import type { Channel, Finding } from "../../../model.ts";
import type { Reading } from "../../../providers/reading.ts";
import { type Mappings, openMapping } from "../../../registry/mappings.ts";
import {
  changeMapping,
  type RegisteredMapping,
  registerMapping,
  removeMapping,
} from "../../../registry/register-mapping.ts";
import { requireAdapter } from "../../../registry/require-fitting.ts";
import { listMappings, pauseMapping } from "../../../store/mappings.ts";
import type { MappingRow } from "../../../store/schema.ts";
import { listRefusals } from "../../../store/trouble/refused-webhooks.ts";
import {
  changedMappingAnswer,
  listedMappingAnswer,
  mappingAnswer,
  wholeMappingAnswer,
} from "../../answers/connections.ts";
import { pageOf } from "../../answers/page.ts";
import { type Caller, requireReach } from "../../caller.ts";
import { toPage, uuidPageQuery } from "../../list.ts";
import { operation, reply } from "../../operations/operation.ts";
import { checkQuery, credentials, readSearch, searchFields, text, uuidOf } from "../fields.ts";
import { type AccountsContext, showRefusal } from "./accounts.ts";
import { mappingSettings } from "./mapping-settings.ts";
import { readSignsOf } from "./mapping-signs.ts";
import { reachesAll, requireAccount, requireAccountOf, requireMapping, requireUsable } from "./reached.ts";

export interface MappingsContext extends AccountsContext {
  mappings: Mappings;
  reading: Reading;
  bodyLimitBytes: Record<Channel, number>;
}

const newMapping = z
  .strictObject({
    accountId: z.uuid("must be the id of an account").optional(),
    provider: text.optional(),
    credentials: credentials.optional(),
    locationId: text.describe("Of the sub-account in HighLevel."),
    address: text.describe("A number as in +15005550006; a mailbox, or *@example.com for the whole domain."),
    ...mappingSettings,
    name: text.optional().describe("For you alone."),
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
/** What of a change may connect a mapping wrongly. */
const connecting = ["locationId", "address", "conversationProviderId", "credentials"] as const;

const path = "/admin/mappings/{id}";
const params = { id: uuidOf };
const tag = "Mappings";
const by = "any key";
const taken = "The location has mapped the address already, or has as many mappings as it may.";

export const mappingOperations = {
  createMapping: operation({
    ...{ method: "POST", path: "/admin/mappings", tag, by },
    summary:
      "Maps a number or mailbox of an account to a location; with `provider` and `credentials` the account comes along.",
    description:
      "Gives `webhookUrl`, to paste at the provider, and `deliveryUrl`, to paste into the conversation provider in HighLevel's app. Both are asked at once whether all fits; what is wrong stands in `checks`.",
    query: checkQuery,
    body: newMapping,
    answers: { 201: changedMappingAnswer },
    errors: { 409: taken },
    async handle(context: MappingsContext, { caller, query, body }) {
      const { accountId, locationId } = body;
      caller.ids["locationId"] = locationId;
      requireReach(caller, locationId);
      const account = accountId === undefined ? undefined : await requireUsable(context, caller, accountId, locationId);
      const registered = await registerMapping(context, body, account);
      const { id } = registered.mapping;
      caller.ids["mappingId"] = id;
      const found: { checks?: Finding[] } = query.check ? await check(context, registered) : {};
      const headers = { Location: `/admin/mappings/${id}` };
      return reply(201, { ...showWithSecrets(context, registered), ...found }, headers);
    },
  }),

  listMappings: operation({
    ...{ method: "GET", path: "/admin/mappings", tag, by },
    summary: "Lists mappings.",
    query: {
      ...uuidPageQuery,
      locationId: z.string().optional(),
      accountId: z.uuid().optional(),
      address: searchFields.address,
    },
    answers: { 200: pageOf(listedMappingAnswer) },
    async handle(context: MappingsContext, { caller, query: { limit, cursor, address, ...given } }) {
      const { addresses } = await readSearch(context.people, caller, { address });
      const page = { ...given, addresses, locationIds: caller.locationIds, after: cursor, limit: limit + 1 };
      const rows = await listMappings(context.people, page);
      const signsOf = await readSignsOf(context.people, caller, rows);
      const showSigns = (row: MappingRow) => ({ ...show(context, row), ...signsOf(row) });
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.id, show: showSigns }));
    },
  }),

  getMapping: operation({
    ...{ method: "GET", path, tag, by },
    summary: "Shows a mapping, with what was refused at its URLs, as far as the key reaches.",
    params,
    answers: { 200: wholeMappingAnswer },
    async handle(context: MappingsContext, { caller, params: { id } }) {
      const mapping = await requireMapping(context, caller, id);
      const signsOf = await readSignsOf(context.people, caller, [mapping]);
      const refused = await listRefused(context, caller, mapping);
      return reply(200, { ...show(context, mapping), ...signsOf(mapping), refused });
    },
  }),

  changeMapping: operation({
    ...{ method: "PATCH", path, tag, by },
    summary: "Changes a mapping; with another `locationId` it goes on there under another id, at the same webhook URL.",
    params,
    query: checkQuery,
    body: change,
    answers: { 200: changedMappingAnswer },
    errors: { 409: taken },
    async handle(context: MappingsContext, { caller, params: { id }, query, body }) {
      const mapping = await requireMapping(context, caller, id);
      const { locationId = mapping.locationId, address = mapping.address } = body;
      if (locationId !== mapping.locationId) requireReach(caller, locationId);
      // Another number of the account is as good as a new mapping in it.
      if (locationId !== mapping.locationId || address !== mapping.address)
        await requireUsable(context, caller, mapping.accountId, locationId);
      if (body.credentials !== undefined) await requireAccount(context, caller, mapping.accountId);
      const changed = await changeMapping(context, mapping, body);
      context.mappings.forget(mapping.id);
      context.accounts.forget(mapping.accountId);
      context.onWork("deliveries");
      const isConnectedAnew = connecting.some((name) => body[name] !== undefined);
      const found = query.check && isConnectedAnew ? await check(context, changed) : {};
      return reply(200, { ...showWithSecrets(context, changed), ...found });
    },
  }),

  pauseMapping: operation({
    ...{ method: "POST", path: `${path}/pause`, tag, by },
    summary: "Pauses a mapping: what comes is acknowledged and kept, and nothing is delivered, either way.",
    params,
    answers: { 200: mappingAnswer },
    handle: (context: MappingsContext, { caller, params: { id } }) =>
      setPaused(context, caller, { id, isPaused: true }),
  }),

  resumeMapping: operation({
    ...{ method: "POST", path: `${path}/resume`, tag, by },
    summary: "Lets a paused mapping go on: what was kept is delivered, in order.",
    params,
    answers: { 200: mappingAnswer },
    handle: (context: MappingsContext, { caller, params: { id } }) =>
      setPaused(context, caller, { id, isPaused: false }),
  }),

  deleteMapping: operation({
    ...{ method: "DELETE", path, tag, by },
    summary:
      "Removes a mapping: what was acknowledged is still delivered, and what comes for a week is kept as failed.",
    params,
    answers: { 204: undefined },
    async handle(context: MappingsContext, { caller, params: { id } }) {
      const mapping = await requireMapping(context, caller, id);
      await removeMapping(context, mapping);
      context.mappings.forget(mapping.id);
      context.accounts.forget(mapping.accountId);
      context.onWork("deliveries");
      return reply(204, undefined);
    },
  }),
};

async function setPaused(
  context: MappingsContext,
  caller: Caller,
  { id, isPaused }: { id: string; isPaused: boolean },
) {
  const mapping = await requireMapping(context, caller, id);
  const changed = await pauseMapping(context.db, id, isPaused);
  context.mappings.forget(id);
  if (!isPaused) context.onWork("deliveries");
  return reply(200, show(context, changed ?? mapping));
}

const urlOf = ({ publicUrl }: MappingsContext, accountId: string) => `${publicUrl}/webhooks/${accountId}`;

function show(context: MappingsContext, mapping: MappingRow) {
  const { sealedCredentials: _sealed, deletedAt: _deleted, movedTo: _moved, ...shown } = mapping;
  const deliveryUrl = `${context.publicUrl}/webhooks/highlevel/${mapping.id}`;
  return { ...shown, webhookUrl: urlOf(context, mapping.accountId), deliveryUrl };
}

/** Where the provider signs nothing the URL holds the credentials: it is shown whole to who has set them. */
function showWithSecrets(context: MappingsContext, { mapping, credentials: [current], replayed }: RegisteredMapping) {
  if (replayed > 0) context.onWork("accounts");
  const { webhookUrl } = requireAdapter(mapping.provider);
  const shown = { ...show(context, mapping), ...(replayed > 0 ? { replayed } : {}) };
  if (current === undefined || !webhookUrl) return shown;
  return { ...shown, webhookUrl: webhookUrl(shown.webhookUrl, current) };
}

async function check(context: MappingsContext, { mapping, account }: RegisteredMapping) {
  const opened = openMapping(mapping, account, context.sealer);
  return { checks: await context.checks.newMapping(opened, urlOf(context, mapping.accountId)) };
}

/** What came to the URL of an account may have been for numbers that the key does not reach. */
async function listRefused(context: MappingsContext, caller: Caller, mapping: MappingRow) {
  const account = await requireAccountOf(context, mapping);
  const accountId = reachesAll(caller, account) ? account.id : undefined;
  const refused = await listRefusals(context.people, { accountId, mappingId: mapping.id });
  return refused.map(showRefusal);
}
