import { Router } from "express";
import { z } from "zod";
import type { Channel } from "../../model.ts";
import type { Reading } from "../../providers/reading.ts";
import type { Mappings } from "../../registry/mappings.ts";
import { changeMapping, registerMapping } from "../../registry/register.ts";
import { requireAdapter } from "../../registry/require-fitting.ts";
import { deleteMapping, findMapping, listMappings } from "../../store/mappings.ts";
import type { MappingRow } from "../../store/schema.ts";
import { type Caller, callerOf, reaches, requireReach } from "../caller.ts";
import { toPage, uuidPageQuery } from "../list.ts";
import { Problem, parseInput } from "../problem.ts";
import { isUuid } from "../uuid.ts";
import type { LocationsContext } from "./locations.ts";

export interface MappingsContext extends LocationsContext {
  mappings: Mappings;
  reading: Reading;
  publicUrl: string;
  bodyLimitBytes: Record<Channel, number>;
}

const text = z
  .string({ error: ({ input }) => (input === undefined ? "is required" : "must be a text") })
  .trim()
  .min(1, "must not be empty")
  .max(200, "must have 200 characters at most");
const credentials = z
  .unknown()
  .refine((value) => (JSON.stringify(value)?.length ?? 0) <= 20_000, "must have 20,000 characters at most");
const settings = {
  conversationProviderId: text.nullable().optional(),
  type: z.enum(["SMS", "Email", "Custom"]).optional(),
  unknownSender: z.enum(["create", "hold", "ignore"]).optional(),
  postAutomatic: z.boolean().optional(),
  postLists: z.enum(["people", "all", "none"]).optional(),
  onUnknownOutcome: z.enum(["repost", "hold"]).optional(),
  isDefault: z.boolean().optional(),
  stripQuoted: z.boolean().optional(),
};
const newMapping = z.strictObject({
  locationId: text,
  provider: text,
  address: text,
  ...settings,
  name: text.optional(),
  credentials: credentials.refine((value) => value !== undefined, "is required"),
});
const change = z.strictObject({
  ...settings,
  name: text.nullable().optional(),
  credentials: credentials.optional(),
});
const listQuery = z.object({ ...uuidPageQuery, locationId: z.string().optional() });

/**
 * `POST /admin/mappings` 201 with `id`, `webhookUrl`: what to paste at the provider, and `deliveryUrl`: what to paste into
 * the conversation provider in HighLevel's app. For a provider that signs
 * nothing the URL holds the credentials, and is shown whole only in answers to requests that set them.
 * `GET /admin/mappings[/{id}]` 200 · `PATCH` 200 · `DELETE` 204: webhooks are answered 410 from then on, and what was
 * acknowledged before is still delivered. 409 for an address that the location has mapped already, 422 for what does not fit.
 */
export function mappingRoutes(context: MappingsContext): Router {
  const { db, people, mappings } = context;
  const router = Router();
  const urlOf = (mapping: MappingRow) => `${context.publicUrl}/webhooks/${mapping.id}`;
  const show = (mapping: MappingRow) => ({
    ...showMapping(mapping),
    webhookUrl: urlOf(mapping),
    deliveryUrl: `${context.publicUrl}/webhooks/highlevel/${mapping.id}`,
  });
  const showWithSecrets = ({ mapping, credentials: [current] }: { mapping: MappingRow; credentials: unknown[] }) => {
    const adapter = requireAdapter(mapping.provider);
    if (current === undefined || !adapter.webhookUrl) return show(mapping);
    return { ...show(mapping), webhookUrl: adapter.webhookUrl(urlOf(mapping), current) };
  };

  router.post("/", async (req, res) => {
    const caller = callerOf(res);
    const input = parseInput(newMapping, req.body);
    caller.ids["locationId"] = input.locationId;
    requireReach(caller, input.locationId);
    const registered = await registerMapping(context, input);
    caller.ids["mappingId"] = registered.mapping.id;
    res.status(201).location(`/admin/mappings/${registered.mapping.id}`).json(showWithSecrets(registered));
  });

  router.get("/", async (req, res) => {
    const { limit, cursor, locationId } = parseInput(listQuery, req.query);
    if (cursor !== undefined && !isUuid(cursor))
      throw new Problem(422, "cursor: must be the nextCursor of the page before");
    const rows = await listMappings(people, {
      locationId,
      locationIds: callerOf(res).locationIds,
      after: cursor,
      limit: limit + 1,
    });
    res.json(toPage(rows, { limit, keyOf: (row) => row.id, show }));
  });

  router.get("/:id", async (req, res) => {
    res.json(show(await requireMapping(context, callerOf(res), req.params.id)));
  });

  router.patch("/:id", async (req, res) => {
    const mapping = await requireMapping(context, callerOf(res), req.params.id);
    const changed = await changeMapping(context, mapping, parseInput(change, req.body));
    mappings.forget(mapping.id);
    res.json(showWithSecrets(changed));
  });

  router.delete("/:id", async (req, res) => {
    const mapping = await requireMapping(context, callerOf(res), req.params.id);
    await deleteMapping(db, mapping.id);
    mappings.forget(mapping.id);
    res.status(204).end();
  });
  return router;
}

/** The mapping, if the caller reaches it. */
export async function requireMapping(
  { db }: Pick<MappingsContext, "db">,
  caller: Caller,
  id: string,
): Promise<MappingRow> {
  const mapping = isUuid(id) ? await findMapping(db, id) : undefined;
  if (isUuid(id)) caller.ids["mappingId"] = id;
  if (!mapping || mapping.deletedAt || !reaches(caller, mapping.locationId))
    throw new Problem(404, `there is no mapping ${id}`);
  return mapping;
}

function showMapping(mapping: MappingRow) {
  const { sealedCredentials: _sealed, deletedAt: _deleted, ...shown } = mapping;
  return shown;
}
