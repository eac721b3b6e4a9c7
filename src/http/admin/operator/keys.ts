import { randomBytes } from "node:crypto";
import { z } from "zod";
import { keyAccesses } from "../../../model.ts";
import { insertKey, type KeyChange, listKeys, revokeKey, updateKey } from "../../../store/keys.ts";
import type { Db } from "../../../store/postgres/database.ts";
import { keyAnswer, newKeyAnswer } from "../../answers/operator.ts";
import { pageOf } from "../../answers/page.ts";
import { hashKey } from "../../caller.ts";
import { numberedPageQuery, toPage } from "../../list.ts";
import { operation, reply } from "../../operations/operation.ts";
import { Problem } from "../../problem.ts";
import { rowIdOf, time } from "../fields.ts";

interface KeysContext {
  db: Db;
  people: Db;
}

const id = z.string().trim().min(1, "must not be empty");
const locationIds = z.array(id.max(200)).min(1, "must name a location; leave it out, or null, for all").max(1000);
const expiresAt = time.refine((at) => at > new Date(), "must be a time to come");
const newKey = z.strictObject({
  name: id.max(200).describe("Whose it is."),
  /** Of locations that are there, or that the key may register. */
  locationIds: locationIds.nullable().optional().describe("Those that it reaches: all, where there is no list."),
  access: z
    .enum(keyAccesses)
    .describe("`metadata` sees all but what people wrote, their names and addresses; `read` sees that, too."),
  expiresAt: expiresAt.nullable().optional().describe("As in 2027-01-31T09:30:00Z. Left out it does not end."),
});
const change = z
  .strictObject({
    name: id.max(200).optional(),
    locationIds: locationIds.nullable().optional(),
    expiresAt: expiresAt.nullable().optional(),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), "give name, locationIds or expiresAt");
const once = (ids: string[]) => [...new Set(ids)];
const path = "/admin/keys/{id}";
const params = { id: rowIdOf("key") };
const tag = "Keys";
const by = "operator";

export const keyOperations = {
  createKey: operation({
    ...{ method: "POST", path: "/admin/keys", tag, by },
    summary: "Makes an integrator's key; it is never shown again, as only its hash is kept.",
    body: newKey,
    answers: { 201: newKeyAnswer },
    async handle({ db }: KeysContext, { caller, body }) {
      const { name, access, locationIds: given, expiresAt: expires = null } = body;
      const key = `cb_${randomBytes(32).toString("base64url")}`;
      const locations = given ? once(given) : null;
      const stored = await insertKey(db, {
        name,
        access,
        hash: hashKey(key),
        locationIds: locations,
        expiresAt: expires,
      });
      caller.ids["keyId"] = stored.id;
      return reply(201, { ...stored, key }, { "Cache-Control": "no-store" });
    },
  }),

  listKeys: operation({
    ...{ method: "GET", path: "/admin/keys", tag, by },
    summary: "Lists keys, newest first, also the revoked ones, with when each was used last, to the minute.",
    query: numberedPageQuery,
    answers: { 200: pageOf(keyAnswer) },
    async handle({ people }: KeysContext, { query: { limit, cursor } }) {
      const rows = await listKeys(people, { before: cursor, limit: limit + 1 });
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.id, show: (row) => row }));
    },
  }),

  changeKey: operation({
    ...{ method: "PATCH", path, tag, by },
    summary: "Gives a key another name, other locations or another end, for any process at once.",
    params,
    body: change,
    answers: { 200: keyAnswer },
    async handle({ db }: KeysContext, { caller, params: { id: keyId }, body }) {
      caller.ids["keyId"] = keyId;
      const { locationIds: given, ...rest } = body;
      const givenIds = given === undefined ? {} : { locationIds: given && once(given) };
      const changed = await updateKey(db, keyId, { ...definedOf(rest), ...givenIds });
      if (!changed) throw noKey(keyId);
      return reply(200, changed);
    },
  }),

  revokeKey: operation({
    ...{ method: "DELETE", path, tag, by },
    summary: "Revokes a key: it opens nothing from then on, at any process.",
    params,
    answers: { 204: undefined },
    async handle({ db }: KeysContext, { caller, params: { id: keyId } }) {
      caller.ids["keyId"] = keyId;
      if (!(await revokeKey(db, keyId))) throw noKey(keyId);
      return reply(204, undefined);
    },
  }),
};

const noKey = (id: number) => new Problem(404, `there is no key ${id} that is not revoked`);

/** What is left out stays as it is. */
function definedOf({
  name,
  expiresAt: end,
}: {
  name?: string | undefined;
  expiresAt?: Date | null | undefined;
}): KeyChange {
  return { ...(name === undefined ? {} : { name }), ...(end === undefined ? {} : { expiresAt: end }) };
}
