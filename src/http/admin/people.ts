import { Router } from "express";
import { z } from "zod";
import { erasePerson, findConversationsOf, findOptOutsOf } from "../../registry/people.ts";
import { listMessages } from "../../store/messages/list-messages.ts";
import { listConversationsOf } from "../../store/operate/erase-person.ts";
import type { Db } from "../../store/postgres/database.ts";
import { type Caller, callerOf } from "../caller.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { Problem, parseQuery } from "../problem.ts";

const listQuery = z.object(numberedPageQuery);

/**
 * `GET /admin/people/{address}` 200: all that is kept of a person whom the key reaches, at whatever mapping: their
 * conversations and opt-outs, and page by page their messages with their content, newest first. 404 for somebody unknown.
 * `DELETE /admin/people/{address}` 200: erases it, and tells how much it was; their opt-outs stay, so that nobody writes to them. Nothing is 200, too: so it may be repeated.
 */
export function peopleRoutes({ db, people }: { db: Db; people: Db }): Router {
  const router = Router();

  router.get("/:address", async (req, res) => {
    const { limit, cursor } = parseQuery(listQuery, req.query);
    const { locationIds } = callerOf(res);
    const person = { address: req.params.address, locationIds };
    const ids = await findConversationsOf(people, person);
    const optOuts = await findOptOutsOf(people, person);
    if (ids.length === 0 && optOuts.length === 0) throw new Problem(404, "nothing is kept of this person");
    const page = { conversationIds: ids, locationIds, before: cursor, limit: limit + 1 };
    const { rows, walkedTo } = await listMessages(people, page);
    const found = await listConversationsOf(people, ids);
    res.json({
      optOuts,
      conversations: found.map(({ id: _id, ...conversation }) => conversation),
      ...toPage(rows, {
        limit,
        keyOf: ({ message }) => message.id,
        show: ({ message: { conversationId: _conversationId, ...message }, address, locationId }) => ({
          ...message,
          address,
          locationId,
        }),
        walkedTo,
      }),
    });
  });

  router.delete("/:address", async (req, res) => {
    const caller: Caller = callerOf(res);
    const erased = await erasePerson(db, { address: req.params.address, locationIds: caller.locationIds });
    Object.assign(caller.ids, erased);
    res.json({ erased });
  });
  return router;
}
