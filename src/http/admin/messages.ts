import { z } from "zod";
import { listDeliveriesOfMessage } from "../../store/deliveries.ts";
import { type ListedMessage, listMessages, type MessagePage } from "../../store/messages/list-messages.ts";
import { findMessage } from "../../store/messages/messages.ts";
import type { Db } from "../../store/postgres/database.ts";
import { findWebhook } from "../../store/webhooks.ts";
import { messageAnswer, wholeMessageAnswer } from "../answers/message.ts";
import { pageOf } from "../answers/page.ts";
import { csvAnswer } from "../answers/people.ts";
import { deliveryState, direction, messageState } from "../answers/words.ts";
import { toLine } from "../csv.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { operation, reply } from "../operations/operation.ts";
import { Problem } from "../problem.ts";
import { showDelivery } from "./deliveries.ts";
import { readSearch, rowIdOf, searchFields, timeFields } from "./fields.ts";
import { showWebhook } from "./webhooks.ts";

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
      const found = await findMessage(people, id, caller);
      if (!found) throw new Problem(404, `there is no message ${id}`);
      const { message, address, locationId } = found;
      const webhook = message.webhookId === null ? undefined : await findWebhook(people, message.webhookId, caller);
      const deliveries = await listDeliveriesOfMessage(people, id);
      const about = { mappingId: message.mappingId, address, locationId };
      return reply(200, {
        ...showMessage(found),
        content: message.content,
        sendRequest: message.sendRequest,
        webhooks: webhook ? [showWebhook(webhook)] : [],
        deliveries: deliveries.map(({ attempts, ...each }) => ({
          ...showDelivery({ ...about, ...each }),
          attemptLog: attempts,
        })),
      });
    },
  }),
};

const maxWords = 120;

function showMessage({ message, address, locationId }: ListedMessage) {
  const { content, sendRequest: _sendRequest, webhookId: _webhookId, ...rest } = message;
  const { conversationId: _conversationId, ...shown } = rest;
  const firstWords = (content?.text || content?.subject)?.slice(0, maxWords).toWellFormed() ?? null;
  return { ...shown, firstWords, address, locationId };
}

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
