import { sql } from "drizzle-orm";
import type { Db } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";

/** Has an earlier message of the conversation, which HighLevel has, told the person's name? */
export async function wasNameTold(db: Db, about: { conversationId: number; messageId: number }): Promise<boolean> {
  return (await findNamed(db, about)).length > 0;
}

// The newest first: somebody whose name is told is mostly told of by each message.
const findNamed = prepare<{ conversationId: number; messageId: number }, { id: string }>(
  "find-named",
  (value) => sql`
    select id from messages
    where conversation_id = ${value("conversationId")}::bigint and id < ${value("messageId")}::bigint
      and highlevel_message_id is not null and content ->> 'fromName' is not null
    order by id desc limit 1`,
);
