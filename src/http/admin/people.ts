import { z } from "zod";
import type { Log } from "../../log.ts";
import { erasePerson, findConversationsOf, findOptOutsOf } from "../../registry/people.ts";
import { type ListedMessage, listMessages } from "../../store/messages/list-messages.ts";
import { listConversationsOf } from "../../store/operate/erase-person.ts";
import type { Db } from "../../store/postgres/database.ts";
import { erasedAnswer, personAnswer } from "../answers/people.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { noteLook } from "../operations/calls.ts";
import { operation, reply } from "../operations/operation.ts";
import { Problem } from "../problem.ts";

interface PeopleContext {
  db: Db;
  people: Db;
  log: Log;
}

const params = { address: z.string().describe("In any writing.") };
const tag = "People";
const by = "any key";

export const peopleOperations = {
  getPerson: operation({
    ...{ method: "GET", path: "/admin/people/{address}", tag, by },
    summary:
      "Shows all that is kept of a person, at whatever mapping the key reaches, and page by page their messages.",
    params,
    query: numberedPageQuery,
    answers: { 200: personAnswer },
    async handle({ people, ...context }: PeopleContext, { caller, params: { address }, query: { limit, cursor } }) {
      const { locationIds } = caller;
      const person = { address, locationIds };
      const ids = await findConversationsOf(people, person);
      const optOuts = await findOptOutsOf(people, person);
      if (ids.length === 0 && optOuts.length === 0) throw new Problem(404, "nothing is kept of this person");
      noteLook(context, caller, "/admin/people/{address}");
      const page = { conversationIds: ids, locationIds, before: cursor, limit: limit + 1 };
      const { rows, walkedTo } = await listMessages(people, page);
      const found = await listConversationsOf(people, ids);
      return reply(200, {
        optOuts,
        conversations: found.map(
          ({ id: _id, unreadBefore: _unread, contactMadeUntil: _until, ...conversation }) => conversation,
        ),
        ...toPage(rows, { limit, keyOf: ({ message }) => message.id, show: showMessage, walkedTo }),
      });
    },
  }),

  erasePerson: operation({
    ...{ method: "DELETE", path: "/admin/people/{address}", tag, by },
    summary: "Erases all that is kept of a person, and tells how much it was; their opt-outs stay.",
    description: "What waited for the person or was given up is discarded. May be repeated: nothing is 200, too.",
    params,
    answers: { 200: erasedAnswer },
    async handle({ db }: PeopleContext, { caller, params: { address } }) {
      const erased = await erasePerson(db, { address, locationIds: caller.locationIds });
      Object.assign(caller.ids, erased);
      return reply(200, { erased });
    },
  }),
};

function showMessage({ message, address, locationId, ownAddress }: ListedMessage) {
  const { conversationId: _conversationId, ...shown } = message;
  return { ...shown, address, locationId, ownAddress };
}
