import type { Wake } from "../../../model.ts";
import type { Db } from "../../../store/postgres/database.ts";
import { countHeldSends, endHold, findHold, holdSends } from "../../../store/trouble/holds.ts";
import { holdAnswer } from "../../answers/operator.ts";
import { operation, reply } from "../../operations/operation.ts";

interface HoldContext {
  db: Db;
  people: Db;
  onWork: Wake;
}

const path = "/admin/hold";
const tag = "Hold";
const by = "operator";

export const holdOperations = {
  getHold: operation({
    ...{ method: "GET", path, tag, by },
    summary: "Tells whether sends are held, since when and by whom, and how many wait.",
    answers: { 200: holdAnswer },
    handle: async ({ people }: HoldContext) => reply(200, await show(people)),
  }),

  beginHold: operation({
    ...{ method: "PUT", path, tag, by },
    summary: "Holds sends: from now on nothing goes out to people, by any process; what is under way ends.",
    description: "What comes from people is posted as ever, and what is to go out to them waits.",
    answers: { 200: holdAnswer },
    async handle({ db, people }: HoldContext) {
      await holdSends(db, "an operator");
      return reply(200, await show(people));
    },
  }),

  endHold: operation({
    ...{ method: "DELETE", path, tag, by },
    summary: "Ends the hold: all goes out, the oldest of each conversation first.",
    answers: { 204: undefined },
    async handle({ db, onWork }: HoldContext) {
      await endHold(db);
      onWork("deliveries");
      return reply(204, undefined);
    },
  }),
};

async function show(people: Db) {
  const hold = await findHold(people);
  const waiting = await countHeldSends(people);
  return hold
    ? { isHeld: true, since: hold.createdAt, startedBy: hold.startedBy, waiting }
    : { isHeld: false, waiting };
}
