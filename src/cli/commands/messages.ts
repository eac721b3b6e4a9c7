import type { Command } from "commander";
import { z } from "zod";
import { CommandError } from "../command-error.ts";
import { addFilters, addLimit, type Options, sayList } from "../lists.ts";
import { type Column, sayJson, sayTable, showTime } from "../print.ts";
import type { Session } from "../session.ts";
import { message, sayStory, story } from "./story.ts";

export type ListedMessage = z.output<typeof message>;

const columns: Column<ListedMessage>[] = [
  { head: "id", show: ({ id }) => id, isWhole: true },
  { head: "received (UTC)", show: ({ receivedAt }) => showTime(receivedAt), isWhole: true },
  { head: "", show: ({ direction }) => (direction === "inbound" ? "in" : "out"), isWhole: true },
  { head: "state", show: ({ state }) => state, isWhole: true },
  { head: "person", show: ({ address }) => address },
  { head: "location", show: ({ locationId }) => locationId },
];

export function addMessages(program: Command, session: Session): void {
  const messages = program.command("messages").description("what was written, and what became of it");
  const list = messages.command("list").description("newest first");
  addFilters(list, ["address", "contact", "conversation", "mapping", "location"], true);
  addFilters(list, ["state", "direction", "delivery-state", "aside", "channel", "provider", "reason"]);
  addFilters(list, ["files", "automatic", "problems"]);
  addLimit(list).action((options: Options) =>
    sayList(session, options, {
      path: "/admin/messages",
      item: message,
      nothing: "No message fits.",
      show: (items) => sayTable(session, columns, items),
    }),
  );
  messages
    .command("show <id>")
    .description("the whole story of one, by any id that somebody has of it, or by the person's number or mailbox")
    .action(async (text: string) => {
      const found = await findMessages(session, text);
      const [first, ...others] = found;
      if (!first) {
        throw new CommandError(`nothing that this key reaches is called ${text}`, { next: "bridge messages list" });
      }
      if (others.length > 0) return session.isJson() ? sayJson(session, found) : sayTable(session, columns, found);
      const answer = await session.bridge().get(`/admin/messages/${first.id}`);
      return session.isJson() ? sayJson(session, answer) : await sayStory(session, story.parse(answer));
    });
}

const found = z.looseObject({ found: z.string(), items: z.array(message).default([]) });

/** By whatever it is called. */
export async function findMessages(session: Session, text: string): Promise<ListedMessage[]> {
  return found.parse(await session.bridge().get("/admin/search", { q: text })).items;
}
