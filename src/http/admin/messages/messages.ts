import { z } from "zod";
import type { Log } from "../../../log.ts";
import { providersOf } from "../../../providers/registry.ts";
import { findOpenDeliveries } from "../../../store/deliveries.ts";
import { type ListedMessage, listMessages, type MessagePage } from "../../../store/messages/list-messages.ts";
import type { Db } from "../../../store/postgres/database.ts";
import { listedMessageAnswer, wholeMessageAnswer } from "../../answers/message.ts";
import { pageOf } from "../../answers/page.ts";
import { csvOfPeopleAnswer } from "../../answers/people.ts";
import { storyAnswer } from "../../answers/story.ts";
import { deliveryState, direction, failureReason, messageState } from "../../answers/words.ts";
import type { Caller } from "../../caller.ts";
import { toLine } from "../../csv.ts";
import { numberedPageQuery, toPage } from "../../list.ts";
import { noteLook } from "../../operations/calls.ts";
import { operation, reply } from "../../operations/operation.ts";
import { flag, readSearch, rowIdOf, searchFields, text, timeFields } from "../fields.ts";
import { readPosted } from "./posted.ts";
import { readStory } from "./story.ts";
import { readWhole, showMessage, type WholeMessage } from "./whole-message.ts";

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
  channel: z.enum(["sms", "email"], "must be sms or email").optional(),
  provider: text.optional(),
  reason: failureReason.optional().describe("Of what of it is tried again, or was given up."),
  hasFiles: flag.optional(),
  automatic: flag.optional().describe("What a machine wrote, or what people did."),
  problems: flag.optional().describe("What failed, was given up or held, or is tried again; or the others."),
};
type Filter = z.output<z.ZodObject<typeof filter>>;

export const messageOperations = {
  listMessages: operation({
    method: "GET",
    path: "/admin/messages",
    tag: "Messages",
    summary: "Lists messages, newest first.",
    by: "any key",
    query: { ...numberedPageQuery, ...filter },
    answers: { 200: pageOf(listedMessageAnswer) },
    async handle({ people, ...context }: MessagesContext, { caller, query: { limit, cursor, ...filter } }) {
      noteLook(context, caller, "/admin/messages");
      const search = await readFilter(people, caller, filter);
      const { rows, walkedTo } = await listMessages(people, { ...search, before: cursor, limit: limit + 1 });
      const ids = rows.map(({ message }) => message.id);
      const open = await findOpenDeliveries(people, ids);
      const show = (row: ListedMessage) => ({ ...showMessage(row), open: open.get(row.message.id) ?? null });
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.message.id, show, walkedTo }));
    },
  }),

  exportMessages: operation({
    method: "GET",
    path: "/admin/messages/export",
    tag: "Messages",
    summary: "Gives as CSV the newest 10,000 that the list would have.",
    by: "any key",
    query: filter,
    answers: { 200: csvOfPeopleAnswer },
    async handle({ people, ...context }: MessagesContext, { caller, query }) {
      noteLook(context, caller, "/admin/messages/export");
      return reply(200, messageLines(people, await readFilter(people, caller, query)), {
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
    query: {
      steps: flag.prefault("false").describe("With its story in words, too."),
      posted: flag.prefault("false").describe("With what HighLevel is told for it, composed anew."),
    },
    answers: { 200: wholeMessageAnswer },
    async handle(context: MessagesContext, { caller, params: { id }, query: { steps, posted } }) {
      const message = await readWhole(context.people, caller, id);
      if (message.content !== null) noteLook(context, caller, "/admin/messages/{id}", { messageId: id });
      const highlevelUrl = highlevelUrlOf(context, message);
      return reply(200, {
        ...{ ...message, highlevelUrl },
        steps: steps ? await readStory(context.people, message) : undefined,
        posted: posted
          ? await readPosted({ db: context.people, emailSecret: context.emailSecret }, message)
          : undefined,
      });
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
      return reply(200, { steps: await readStory(people, await readWhole(people, caller, id)) });
    },
  }),
};

/**
 * The person's page in HighLevel. Its address is in no document of HighLevel's, and stands in the links of many integrations; a
 * conversation's own address is not followed by the app, so that it is not used.
 */
function highlevelUrlOf({ appOrigins: [origin], sandboxUrl }: MessagesContext, message: WholeMessage): string | null {
  const { contactId, locationId } = message;
  if (contactId === null || origin === undefined) return null;
  const path = [locationId, "contacts", "detail", contactId].map(encodeURIComponent).join("/");
  return sandboxUrl ?? `${origin}/v2/location/${path}`;
}

async function readFilter(people: Db, caller: Caller, { channel, provider, ...given }: Filter) {
  const named = provider === undefined ? undefined : [provider];
  const ofChannel = channel === undefined ? undefined : providersOf(channel);
  const providers = named && ofChannel ? named.filter((name) => ofChannel.includes(name)) : (named ?? ofChannel);
  return { ...(await readSearch(people, caller, given)), providers };
}

export interface MessagesContext {
  /** Proves the tokens in emails. */
  emailSecret: Buffer;
  /** Where HighLevel's pages are; the first one is linked to. */
  appOrigins: string[];
  /** Of a trial: what stands in HighLevel's place. */
  sandboxUrl?: string | undefined;
  db: Db;
  people: Db;
  log: Log;
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
