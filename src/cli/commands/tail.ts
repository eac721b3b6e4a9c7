import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { z } from "zod";
import type { Query } from "../call-bridge.ts";
import { addFilters, type Options, readFilters } from "../lists.ts";
import { say, sayJsonLine, showTime } from "../print.ts";
import type { Session } from "../session.ts";
import { message } from "./story.ts";

const deadDelivery = z.looseObject({
  id: z.number(),
  kind: z.string(),
  reason: z.string().nullable(),
  detail: z.string().nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});
const failedWebhook = z.looseObject({ id: z.number(), reason: z.string().nullable(), receivedAt: z.string() });
const page = z.object({ items: z.array(z.looseObject({ id: z.number(), state: z.string() })) });

/** What is looked at each time: so many came at most since the last time, or some are not told. */
const limit = 200;
const pollMs = 1000;

interface Watched {
  path: string;
  query: Query;
  /** One line of what is new, or has become another. */
  describe(item: unknown): string;
}

export function addTail(program: Command, session: Session): void {
  const command = program
    .command("tail")
    .description("a line for each message that comes and each state that it takes, until Ctrl+C")
    .option("--problems", "only what is given up or not understood");
  addFilters(command, ["mapping", "location"])
    .option("--person <address>", "of this person, in any writing")
    .action(async (options: Options) => {
      const query = { ...readFilters({ ...options, address: options["person"] }), limit };
      const lists = options["problems"] ? troubles(query) : [messagesOf(query), ...troubles(query)];
      await watch(session, lists).catch((error: unknown) => {
        // Ctrl+C is how it ends.
        if (!session.io.signal.aborted) throw error;
      });
    });
}

const messagesOf = (query: Query): Watched => ({
  path: "/admin/messages",
  query,
  describe(item) {
    const { id, direction, state, address, locationId, receivedAt } = message.parse(item);
    return `${showTime(receivedAt)}  message ${id}  ${direction === "inbound" ? "from" : "to"} ${address}  ${locationId}  ${state}`;
  },
});

const troubles = (query: Query): Watched[] => [
  {
    path: "/admin/deliveries",
    query: { ...query, state: "dead" },
    describe(item) {
      const { id, kind, reason, detail, finishedAt, createdAt } = deadDelivery.parse(item);
      return `${showTime(finishedAt ?? createdAt)}  delivery ${id}  ${kind} is dead: ${reason}${detail ? `: ${detail}` : ""}`;
    },
  },
  {
    path: "/admin/webhooks",
    query: { ...query, state: "failed" },
    describe(item) {
      const { id, reason, receivedAt } = failedWebhook.parse(item);
      return `${showTime(receivedAt)}  webhook ${id}  failed: ${reason}`;
    },
  },
];

async function watch(session: Session, lists: Watched[]): Promise<void> {
  const { signal } = session.io;
  const known = new Map<Watched, Map<number, string>>();
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    for (const list of lists) {
      const seen = known.get(list) ?? new Map<number, string>();
      const { items } = page.parse(await session.bridge().get(list.path, list.query));
      if (!isFirst) sayNew(session, list, items.filter(({ id, state }) => seen.get(id) !== state).reverse());
      known.set(list, new Map(items.map(({ id, state }) => [id, state])));
    }
    if (isFirst) session.io.complain("Waiting for what comes. Ctrl+C ends it.\n");
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

function sayNew(session: Session, { describe }: Watched, items: unknown[]): void {
  for (const item of items) {
    if (session.isJson()) sayJsonLine(session, item);
    else say(session, describe(item));
  }
}
