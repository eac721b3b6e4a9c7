import { z } from "zod";
import { listMappings } from "../../store/mappings.ts";
import { listMessages } from "../../store/messages/list-messages.ts";
import { findMessage } from "../../store/messages/messages.ts";
import type { Db } from "../../store/postgres/database.ts";
import { searchAnswer } from "../answers/search.ts";
import type { Caller } from "../caller.ts";
import { operation, reply } from "../operations/operation.ts";
import { Problem } from "../problem.ts";
import { isUuid } from "../uuid.ts";
import { requireMapping } from "./connections/reached.ts";
import { readSearch, type searchFields } from "./fields.ts";
import { showMessage } from "./messages/whole-message.ts";

/** As what it is looked for, the likeliest first, and by which filters of the list of messages. */
const guesses: { fits: RegExp; by: (keyof typeof searchFields)[] }[] = [
  { fits: /^<.*>$/, by: ["rfcMessageId"] },
  { fits: /^[^\s<>]+@[^\s<>]+$/, by: ["address", "rfcMessageId"] },
  { fits: /^[+(\d][\d\s().-]{6,}$/, by: ["address"] },
  {
    fits: /^\S+$/,
    by: ["providerMessageId", "highlevelMessageId", "highlevelEmailMessageId", "contactId", "conversationId"],
  },
  { fits: /^\S+$/, by: ["locationId", "address"] },
];
const maxFound = 20;

export const searchOperations = {
  search: operation({
    ...{ method: "GET", path: "/admin/search", tag: "Messages", by: "any key" },
    summary: "Finds what is called so, whatever it is: a person's number or mailbox, any id of a message, or of ours.",
    query: { q: z.string().trim().min(1, "must not be empty").max(1000, "must have 1,000 characters at most") },
    answers: { 200: searchAnswer },
    async handle({ people }: { people: Db }, { caller, query: { q } }) {
      const found = (await findById(people, caller, q)) ?? (await findBy(people, caller, q));
      return reply(200, found ?? { found: "nothing" as const });
    },
  }),
};

/** By our own id: a message's, an account's, a mapping's. */
async function findById(people: Db, caller: Caller, q: string) {
  const message = /^\d{1,15}$/.test(q) ? await findMessage(people, Number(q), caller) : undefined;
  if (message) return { found: "messages" as const, by: "id", value: q, items: [showMessage(message)] };
  if (!isUuid(q)) return undefined;
  const { locationIds } = caller;
  const [ofAccount] = await listMappings(people, { accountId: q, locationIds, limit: 1 });
  if (ofAccount) return { found: "account" as const, id: q };
  return (await isMapping(people, caller, q)) ? { found: "mapping" as const, id: q } : undefined;
}

async function isMapping(db: Db, caller: Caller, id: string): Promise<boolean> {
  return requireMapping({ db }, caller, id).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Problem) return false;
      throw error;
    },
  );
}

async function findBy(people: Db, caller: Caller, q: string) {
  const names = guesses.filter(({ fits }) => fits.test(q)).flatMap(({ by }) => by);
  for (const by of new Set(names)) {
    const value = by === "rfcMessageId" ? q.replace(/^<|>$/g, "") : q;
    const given: Partial<Record<keyof typeof searchFields, string>> = { [by]: value };
    const search = await readSearch(people, caller, given);
    const { rows } = await listMessages(people, { ...search, limit: maxFound });
    if (rows.length > 0) return { found: "messages" as const, by, value, items: rows.map(showMessage) };
  }
  return undefined;
}
