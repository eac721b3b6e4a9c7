import { z } from "zod";
import { reasons } from "../../advice/reasons.ts";
import {
  countProblems,
  type DeadGroup,
  type FailedGroup,
  groupDead,
  groupFailed,
  maxGroups,
} from "../../store/operate/group-problems.ts";
import type { Db } from "../../store/postgres/database.ts";
import { problemCountAnswer, problemsAnswer } from "../answers/problems.ts";
import type { Caller } from "../caller.ts";
import { operation, reply } from "../operations/operation.ts";
import { address, readSearch, text, timeFields } from "./fields.ts";
import { accountOf } from "./webhooks.ts";

const queryFields = z.object({
  locationId: text.optional(),
  mappingId: z.uuid().optional().describe("Of webhooks it stands for its account."),
  address: address.optional(),
  ...timeFields,
});

export const problemOperations = {
  listProblems: operation({
    ...{ method: "GET", path: "/admin/problems", tag: "Problems", by: "any key" },
    summary: "Groups what was given up, and what was not understood, by why and where; the largest group first.",
    description:
      "Counted are, of what the key reaches, the newest 10,000 dead deliveries and the newest 10,000 failed webhooks. A group has what its members have in common as a `filter`, which a replay and a discard take.",
    query: queryFields.shape,
    answers: { 200: problemsAnswer },
    async handle({ people }: { people: Db }, { caller, query }) {
      return reply(200, await readProblems(people, caller, query));
    },
  }),

  countProblems: operation({
    ...{ method: "GET", path: "/admin/problems/count", tag: "Problems", by: "any key" },
    summary: "Counts what was given up and what was not understood, up to 99.",
    answers: { 200: problemCountAnswer },
    async handle({ people }: { people: Db }, { caller: { locationIds, isToMapping } }) {
      return reply(200, await countProblems(people, { locationIds, isToMapping }, maxCounted));
    },
  }),
};

const maxCounted = 99;

export async function readProblems(people: Db, caller: Caller, query: z.output<typeof queryFields>) {
  const { locationIds, isToMapping } = caller;
  const search = await readSearch(people, caller, query);
  const accountId = await accountOf(people, caller, { mappingId: query.mappingId });
  const ofWebhooks = { locationIds, isToMapping, accountId, locationId: query.locationId };
  const [dead, failed] = await Promise.all([
    groupDead(people, search),
    groupFailed(people, { ...search, ...ofWebhooks }),
  ]);
  const items = [...dead.rows.map(showDead), ...failed.rows.map(showFailed)];
  const isAll = dead.walkedTo === undefined && failed.walkedTo === undefined && items.length <= maxGroups;
  return { items: items.toSorted((one, other) => other.count - one.count).slice(0, maxGroups), isAll };
}

function showDead({ kind, reason, code, mappingId, locationId, id, messageId, ...counted }: DeadGroup) {
  const words = reason === null ? undefined : reasons[reason];
  return {
    ...{ of: "deliveries" as const, reason, ...counted, example: { id, messageId } },
    ...{ means: words?.means ?? null, advice: words?.advice ?? "Look at one, then replay them." },
    filter: {
      ...{ kind, reason: reason ?? undefined, code: code ?? undefined },
      ...{ mappingId: mappingId ?? undefined, locationId: locationId ?? undefined },
    },
  };
}

function showFailed({ source, words, accountId, id, ...counted }: FailedGroup) {
  return {
    ...{ of: "webhooks" as const, reason: words, ...counted, example: { id, messageId: null } },
    means: "it was verified, and could not be read",
    advice: words?.startsWith("no mapping for")
      ? "Make the mapping of that number or mailbox, then replay them."
      : "The reason names the field. Have the bridge read it, then replay them.",
    filter: { source, reason: words ?? undefined, accountId: accountId ?? undefined },
  };
}
