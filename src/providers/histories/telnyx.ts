import { z } from "zod";
import { Failure } from "../../errors.ts";
import type { AskedHistory, HistoryPage, PastMessage } from "../kit/adapter.ts";
import type { Ask } from "../kit/checks/run-checks.ts";
import { text } from "../kit/events.ts";
import { listOf, maybeText, messageId, time } from "../kit/fields.ts";
import { bearer } from "../kit/proofs.ts";
import { textFields } from "../sms/telnyx/texts.ts";

const api = "https://api.telnyx.com/v2";

/** Message detail records have no words: https://developers.telnyx.com/api-reference/detail-records/search-detail-records */
const page = z.object({
  data: listOf(z.unknown()),
  meta: z.object({ total_pages: z.coerce.number().int().min(0) }),
});
const record = z.object({
  ...{ uuid: messageId.refine((id) => /^[\w-]+$/.test(id), "is no id"), status: maybeText, message_type: maybeText },
  created_at: time.pipe(z.date("is no time")),
});
type DetailRecord = z.output<typeof record>;
const kept = z.object({ data: z.unknown() });
const content = z.object(textFields);

/** It keeps the words of a message for so long: https://developers.telnyx.com/api-reference/messages/retrieve-a-message */
const keptDays = 10;
/** Each of a page is asked for by itself. */
const pageSize = 20;

/** What was written to the number, oldest first, and then what was written from it. */
export async function telnyxHistory(asked: AskedHistory<{ apiKey: string }>, ask: Ask): Promise<HistoryPage> {
  const [, side = "inbound", number = "1"] = /^(inbound|outbound) (\d{1,9})$/.exec(asked.cursor ?? "") ?? [];
  const headers = bearer(asked.credentials.apiKey);
  const list = { method: "GET" as const, url: `${api}/detail_records`, query: queryOf(asked, side, number), headers };
  const { data, meta } = await ask(list, page);
  const askFor = (id: string) => ask({ method: "GET", url: `${api}/messages/${id}`, query: {}, headers }, kept);
  const messages: PastMessage[] = [];
  for (const each of data) {
    const read = record.safeParse(each);
    if (!read.success) messages.push({ reason: unread("a message", read.error) });
    else if (isAsked(asked, read.data)) messages.push(await readMessage(asked, read.data, { side, askFor }));
  }
  const isLast = Number(number) >= meta.total_pages;
  const other = side === "inbound" ? "outbound 1" : undefined;
  return { messages, next: isLast ? other : `${side} ${Number(number) + 1}` };
}

const unread = (what: string, { issues: [issue] }: z.ZodError) => `${what} cannot be read: ${issue?.path.join(".")}`;

/** Its filters know whole days. */
function queryOf({ address, from, until }: AskedHistory<unknown>, side: string, number: string) {
  const since = from === undefined ? {} : { "filter[created_at][gte]": dayOf(from) };
  return {
    ...{ "filter[record_type]": "messaging", "filter[direction]": side },
    ...{ [side === "inbound" ? "filter[cld]" : "filter[cli]"]: address, ...since },
    "filter[created_at][lt]": dayOf(new Date(until.getTime() + dayMs)),
    ...{ sort: "created_at", "page[number]": number, "page[size]": String(pageSize) },
  };
}

const dayMs = 86_400_000;
const dayOf = (date: Date) => date.toISOString().slice(0, 10);

const isAsked = ({ from, until }: AskedHistory<unknown>, { created_at: time }: DetailRecord) =>
  time < until && (from === undefined || time >= from);

async function readMessage(
  { until }: AskedHistory<unknown>,
  { uuid: id, status = "missing", message_type: type = "SMS", created_at: createdAt }: DetailRecord,
  { side, askFor }: { side: string; askFor: (id: string) => Promise<z.output<typeof kept>> },
): Promise<PastMessage> {
  const isThere = side === "inbound" || ["sent", "delivered", "dlr_unconfirmed", "dlr_timeout"].includes(status);
  if (!isThere) return { reason: `${id} did not reach anybody, or has not yet: its status is ${status}` };
  if (!/^[sm]ms$/i.test(type)) return { reason: `${id} is of ${type}: only SMS and MMS of before can be had` };
  const gone = { reason: `Telnyx has no words of ${id} any more: it keeps them for ${keptDays} days` };
  if (until.getTime() - createdAt.getTime() > keptDays * dayMs) return gone;
  const found = await askFor(id).catch((error: unknown) => {
    if (error instanceof Failure && error.status === 404) return undefined;
    throw error;
  });
  if (!found) return gone;
  const read = content.safeParse(found.data);
  if (!read.success) return { reason: unread(id, read.error) };
  const { media: attachments, sent_at, received_at, ...rest } = read.data;
  const sentAt = sent_at ?? received_at ?? createdAt;
  const direction = side === "inbound" ? undefined : ("outbound" as const);
  return { message: text({ ...rest, id, attachments, sentAt, direction }), sentAt };
}
