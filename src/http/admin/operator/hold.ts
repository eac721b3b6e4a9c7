import { Router } from "express";
import type { Wake } from "../../../model.ts";
import type { Db } from "../../../store/postgres/database.ts";
import { countHeldSends, endHold, findHold, holdSends } from "../../../store/trouble/holds.ts";

/**
 * `PUT /admin/hold` 200: from now on nothing goes out to people, by any process; what is under way ends. What comes from
 * people is posted as ever, and what is to go out to them waits. `GET /admin/hold` 200: whether, since when and by whom, and
 * how many wait. `DELETE /admin/hold` 204: they go out, the oldest of each conversation first. For ADMIN_API_KEY alone.
 */
export function holdRoutes({ db, people, onWork }: { db: Db; people: Db; onWork: Wake }): Router {
  const router = Router();
  const show = async () => {
    const hold = await findHold(people);
    const waiting = await countHeldSends(people);
    return hold
      ? { isHeld: true, since: hold.createdAt, startedBy: hold.startedBy, waiting }
      : { isHeld: false, waiting };
  };

  router.get("/", async (_req, res) => void res.json(await show()));

  router.put("/", async (_req, res) => {
    await holdSends(db, "an operator");
    res.json(await show());
  });

  router.delete("/", async (_req, res) => {
    await endHold(db);
    onWork("deliveries");
    res.status(204).end();
  });
  return router;
}
