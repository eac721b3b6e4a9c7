import { z } from "zod";
import { Failure } from "../../errors.ts";
import { parseMailDate } from "../../formats/mail-headers.ts";
import type { ProviderMessage } from "../../model.ts";
import type { AskedHistory, HistoryPage, PastMessage } from "../kit/adapter.ts";
import type { Ask } from "../kit/checks/run-checks.ts";
import { text } from "../kit/events.ts";
import { listOf, maybeText, messageId, phoneSeenBy, requiredText } from "../kit/fields.ts";
import { basic } from "../kit/proofs.ts";

interface Credentials {
  accountSid: string;
  authToken: string;
}

const host = "https://api.twilio.com";

/** https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources */
const page = z.object({ messages: listOf(z.unknown()), next_page_uri: z.string().nullish() });
const party = phoneSeenBy(undefined);
const listed = z.object({
  ...{ sid: messageId, from: party, to: party, body: maybeText, status: requiredText, direction: requiredText },
  num_media: z.coerce.number().int().min(0).max(50).catch(0),
  date_sent: requiredText.transform(parseMailDate).pipe(z.date("is no time")),
});
/** https://www.twilio.com/docs/messaging/api/media-resource#read-multiple-media-resources */
const files = z.object({ media_list: listOf(z.object({ sid: requiredText, content_type: maybeText })) });

/** What was written to the number, newest first, and then what was written from it. */
export async function twilioHistory(asked: AskedHistory<Credentials>, ask: Ask): Promise<HistoryPage> {
  const { accountSid, authToken } = asked.credentials;
  const list = `/2010-04-01/Accounts/${accountSid}/Messages`;
  const get = (path: string, query: Record<string, string> = {}) => {
    return { method: "GET" as const, url: `${host}${path}`, query, headers: basic(accountSid, authToken) };
  };
  const [, side = "To", path] = /^(To|From) ?(.*)$/s.exec(asked.cursor ?? "To") ?? [];
  // What an answer says leads nowhere else.
  if (path && !path.startsWith(`${list}.json?`))
    throw new Failure("invalid_answer", "Twilio names another place as the next page");
  const request = path ? get(path) : get(`${list}.json`, queryOf(asked, side));
  const { messages, next_page_uri: nextPage } = await ask(request, page);
  const read: PastMessage[] = [];
  for (const each of messages) {
    const message = listed.safeParse(each);
    if (!message.success) read.push({ reason: `cannot be read: ${message.error.issues[0]?.path.join(".")}` });
    else read.push(await readMessage(message.data, (id) => ask(get(`${list}/${id}/Media.json`), files), host + list));
  }
  const other = side === "To" ? "From" : undefined;
  // Its times are whole seconds: of those within one the last that it lists is the first.
  return { messages: read.reverse(), next: nextPage ? `${side} ${nextPage}` : other };
}

function queryOf({ address, from, until }: AskedHistory<Credentials>, side: string): Record<string, string> {
  const since = from === undefined ? {} : { "DateSent>": timeOf(from) };
  return { [side]: address, ...since, "DateSent<": timeOf(until), PageSize: "200" };
}

const timeOf = (time: Date) => time.toISOString().replace(/\.\d+Z$/, "Z");

async function readMessage(
  { sid, from, to, body, status, direction, num_media, date_sent: sentAt }: z.output<typeof listed>,
  listFiles: (id: string) => Promise<z.output<typeof files>>,
  list: string,
): Promise<PastMessage> {
  const isInbound = direction === "inbound";
  const isThere = isInbound ? status === "received" : ["sent", "delivered", "read"].includes(status);
  if (!isThere) return { reason: `${sid} did not reach anybody, or has not yet: its status is ${status}` };
  const { media_list } = num_media > 0 ? await listFiles(sid) : { media_list: [] };
  const attachments = media_list.map((file) => ({
    url: `${list}/${sid}/Media/${file.sid}`,
    contentType: file.content_type,
  }));
  const sent = isInbound ? {} : ({ direction: "outbound" } as const);
  const message: ProviderMessage = text({ id: sid, from, to: [to], text: body, sentAt, attachments, ...sent });
  return { message, sentAt };
}
