import { z } from "zod";
import { listMessages, type MessagePage } from "../../../store/messages/list-messages.ts";
import type { Db } from "../../../store/postgres/database.ts";
import { messageAnswer, wholeMessageAnswer } from "../../answers/message.ts";
import { pageOf } from "../../answers/page.ts";
import { csvAnswer } from "../../answers/people.ts";
import { storyAnswer } from "../../answers/story.ts";
import { deliveryState, direction, messageState } from "../../answers/words.ts";
import { toLine } from "../../csv.ts";
import { numberedPageQuery, toPage } from "../../list.ts";
import { operation, reply } from "../../operations/operation.ts";
import { readSearch, rowIdOf, searchFields, timeFields } from "../fields.ts";
import { storyOf } from "./story.ts";
import { readWhole, showMessage } from "./whole-message.ts";

const filter = {
  ...searchFields,
  ...timeFields,
  state: messageState.optional(),
  direction: direction.optional(),
  deliveryState: deliveryState.optional(),
  aside: z
    .enum(["kept", "held"])
    .optional()
    .describe("`kept`: mail of machines that was not posted; `held`: what waits for its sender to be registered."),
};

export const messageOperations = {
  listMessages: operation({
    method: "GET",
    path: "/admin/messages",
    tag: "Messages",
    summary: "Lists messages, newest first.",
    by: "any key",
    query: { ...numberedPageQuery, ...filter },
    answers: { 200: pageOf(messageAnswer) },
    async handle({ people }: { people: Db }, { caller, query: { limit, cursor, ...filter } }) {
      const search = await readSearch(people, caller, filter);
      const { rows, walkedTo } = await listMessages(people, { ...search, before: cursor, limit: limit + 1 });
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.message.id, show: showMessage, walkedTo }));
    },
  }),

  exportMessages: operation({
    method: "GET",
    path: "/admin/messages/export",
    tag: "Messages",
    summary: "Gives as CSV the newest 10,000 that the list would have.",
    by: "any key",
    query: filter,
    answers: { 200: csvAnswer },
    async handle({ people }: { people: Db }, { caller, query }) {
      return reply(200, messageLines(people, await readSearch(people, caller, query)), {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": 'attachment; filename="messages.csv"',
      });
    },
  }),

  getMessage: operation({
    method: "GET",
    path: "/admin/messages/{id}",
    tag: "Messages",
    summary: "Tells the whole story of a message: its content, webhook, deliveries, and every attempt.",
    by: "any key",
    params: { id: rowIdOf("message") },
    answers: { 200: wholeMessageAnswer },
    async handle({ people }: { people: Db }, { caller, params: { id } }) {
      return reply(200, await readWhole(people, caller, id));
    },
  }),

  getStory: operation({
    method: "GET",
    path: "/admin/messages/{id}/story",
    tag: "Messages",
    summary: "Tells in words, and in its order, everything that happened to a message, with the waits between.",
    by: "any key",
    params: { id: rowIdOf("message") },
    answers: { 200: storyAnswer },
    async handle({ people }: { people: Db }, { caller, params: { id } }) {
      return reply(200, { steps: storyOf(await readWhole(people, caller, id)) });
    },
  }),
};

const columns = ["id", "receivedAt", "direction", "state", "address", "locationId", "mappingId", "firstWords"] as const;
const [mostLines, linesAtOnce] = [10_000, 1000];

/** As fast as it is taken. What nobody has is looked for in as many rows as there are. */
async function* messageLines(people: Db, search: Omit<MessagePage, "before" | "limit">): AsyncGenerator<string> {
  yield toLine(columns);
  let before: number | undefined;
  for (let count = 0; count < mostLines; ) {
    const { rows, walkedTo } = await listMessages(people, { ...search, before, limit: linesAtOnce });
    const shown = rows.map(showMessage);
    yield shown.map((each) => toLine(columns.map((name) => toCell(each[name])))).join("");
    count += rows.length;
    before = rows.length === linesAtOnce ? rows.at(-1)?.message.id : walkedTo;
    if (before === undefined) return;
  }
}

const toCell = (value: Date | string | number | null) =>
  value instanceof Date ? value.toISOString() : String(value ?? "");
