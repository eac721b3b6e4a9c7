import { randomBytes } from "node:crypto";
import { Router } from "express";
import { z } from "zod";
import { insertKey, type KeyChange, listKeys, revokeKey, updateKey } from "../../../store/keys.ts";
import type { Db } from "../../../store/postgres/database.ts";
import { callerOf, hashKey } from "../../caller.ts";
import { numberedPageQuery, toPage } from "../../list.ts";
import { Problem, parseId, parseInput, parseQuery } from "../../problem.ts";
import { time } from "../fields.ts";

const id = z.string().trim().min(1, "must not be empty");
const locationIds = z.array(id.max(200)).min(1, "must name a location; leave it out, or null, for all").max(1000);
const expiresAt = time.refine((at) => at > new Date(), "must be a time to come");
const newKey = z.strictObject({
  name: id.max(200),
  /** Of locations that are there, or that the key may register. All, where there is no list. */
  locationIds: locationIds.nullable().optional(),
  access: z.enum(["read", "write"]),
  expiresAt: expiresAt.nullable().optional(),
});
const change = z
  .strictObject({
    name: id.max(200).optional(),
    locationIds: locationIds.nullable().optional(),
    expiresAt: expiresAt.nullable().optional(),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), "give name, locationIds or expiresAt");
const once = (ids: string[]) => [...new Set(ids)];
const listQuery = z.object(numberedPageQuery);

/**
 * Integrators' keys, for the holder of ADMIN_API_KEY alone. `POST /admin/keys` 201 with `key`, which is never shown again:
 * only its hash is kept. `GET /admin/keys` 200: newest first, also the revoked ones, with when each was used last,
 * to the minute. `PATCH /admin/keys/{id}` 200: another name, other locations, another end. `DELETE /admin/keys/{id}` 204: it
 * opens nothing from then on, at any process.
 */
export function keyRoutes({ db, people }: { db: Db; people: Db }): Router {
  const router = Router();

  router.post("/", async (req, res) => {
    const { name, access, locationIds: given, expiresAt: expires = null } = parseInput(newKey, req.body);
    const key = `cb_${randomBytes(32).toString("base64url")}`;
    const stored = await insertKey(db, {
      name,
      access,
      hash: hashKey(key),
      locationIds: given ? once(given) : null,
      expiresAt: expires,
    });
    callerOf(res).ids["keyId"] = stored.id;
    res
      .status(201)
      .set("Cache-Control", "no-store")
      .json({ ...stored, key });
  });

  router.get("/", async (req, res) => {
    const { limit, cursor } = parseQuery(listQuery, req.query);
    const rows = await listKeys(people, { before: cursor, limit: limit + 1 });
    res.json(toPage(rows, { limit, keyOf: (row) => row.id, show: (row) => row }));
  });

  router.patch("/:id", async (req, res) => {
    const keyId = parseId(req.params.id, "key");
    callerOf(res).ids["keyId"] = keyId;
    const { locationIds: given, ...rest } = parseInput(change, req.body);
    const givenIds = given === undefined ? {} : { locationIds: given && once(given) };
    const changed = await updateKey(db, keyId, { ...definedOf(rest), ...givenIds });
    if (!changed) throw new Problem(404, `there is no key ${keyId} that is not revoked`);
    res.json(changed);
  });

  router.delete("/:id", async (req, res) => {
    const keyId = parseId(req.params.id, "key");
    callerOf(res).ids["keyId"] = keyId;
    if (!(await revokeKey(db, keyId))) throw new Problem(404, `there is no key ${keyId} that is not revoked`);
    res.status(204).end();
  });
  return router;
}

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
