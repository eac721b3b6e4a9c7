import { parseMessageIds } from "../../src/formats/mail-headers.ts";
import type { ReceiptStatus, WebhookRequest } from "../../src/model.ts";
import { type Fixture, type MessageInJson, plainNames, wholeMeaning } from "./fixtures.ts";
import { keepMail } from "./kept-mails.ts";
import type { Provider } from "./providers.ts";

/** What a person writes, or the business outside HighLevel. */
export interface WrittenMessage {
  /** The provider's id, where a provider has ids besides Message-IDs. */
  id: string;
  from: string;
  to: string;
  text: string;
  /** When it was written, if that is not when it is posted: the same again was written when it was the first time. */
  sentAt?: Date | undefined;
  subject?: string | undefined;
  /** Of an email, without angle brackets, as all ids here; left out, it is made of `id`. */
  rfcMessageId?: string | undefined;
  /** Of a reply: the email that it answers, and all emails before it, that one last. */
  inReplyTo?: string | undefined;
  references?: string[] | undefined;
}

export interface WrittenReceipt {
  id: string;
  reference: string | undefined;
  from: string;
  to: string;
  status: ReceiptStatus;
  /** Whom of an email's recipients it is about. */
  recipient?: string | undefined;
  /** Where the provider tells it. */
  rfcMessageId?: string | undefined;
}

export interface Posting {
  url: string;
  at: Date;
}

/** The webhook of a text or an email, signed: a fixture of the provider's with other people, words, ids and time. */
export function writeMessage(provider: Provider, message: WrittenMessage, posting: Posting): WebhookRequest {
  const name = message.inReplyTo || message.references?.length ? "reply" : plainNames[provider.channel];
  const [prefix, service] = /^(whatsapp|rcs):/.exec(message.from) ?? [];
  const isOfService = (each: { name: string; fixture: Fixture }) =>
    each.name === service && !JSON.stringify(each.fixture.request.body).includes(`"${prefix}`);
  // Some say by a field that it is no SMS, and not before the numbers.
  if (!service || !provider.fixtures.some(isOfService))
    return post(provider, messageFixture(provider, name), message, posting);
  const plain = (address: string) => address.slice(service.length + 1);
  const parties = { from: plain(message.from), to: plain(message.to) };
  return post(provider, messageFixture(provider, service), { ...message, ...parties }, posting);
}

/** The webhook of what the business sent outside HighLevel; undefined for a provider that has none. */
export function writeSentElsewhere(
  provider: Provider,
  message: WrittenMessage,
  posting: Posting,
): WebhookRequest | undefined {
  const isThere = provider.fixtures.some(({ name }) => name === "sent-elsewhere");
  return isThere ? post(provider, messageFixture(provider, "sent-elsewhere"), message, posting) : undefined;
}

/** A call that somebody made to us. */
export type WrittenCall = Pick<WrittenMessage, "id" | "from" | "to">;

/**
 * The webhooks of a call, signed: it has ended, and its recording is there, for a provider that tells of recordings. `files` counts
 * what HighLevel is to have of it. Undefined for a provider that has no calls.
 */
export function writeCall(
  provider: Provider,
  { id, from, to }: WrittenCall,
  { url, at }: Posting,
): { webhooks: WebhookRequest[]; files: number } | undefined {
  const fixtures = provider.fixtures.toSorted((a, b) => Number(b.name === "call") - Number(a.name === "call"));
  const told = fixtures.flatMap(({ fixture }) => fixture.means.map((event) => ({ fixture, event })));
  const call = told.find(({ event }) => event.kind === "message" && event.call && event.direction !== "outbound");
  if (call?.event.kind !== "message") return undefined;
  const { providerMessageId, text = "", sentAt } = call.event;
  const attachments = call.fixture.means.flatMap((event) => ("attachments" in event ? event.attachments : []));
  const written = { id, from, to, text, sentAt: sentAt === undefined ? undefined : new Date(sentAt) };
  const webhooks = [post(provider, [call.fixture, call.event], written, { url, at })];
  const hasFile = ({ event }: (typeof told)[number]) =>
    event.kind === "addition" && event.attachments.some((file) => file.url);
  const recording = told.find((each) => hasFile(each) && each.fixture.files) ?? told.find(hasFile);
  if (recording?.event.kind !== "addition") return { webhooks, files: attachments.length };
  const change = { whole: new Map(), within: pairs([providerMessageId, id], [recording.event.callId, id]) };
  const { request } = recording.fixture;
  webhooks.push(provider.signer.sign({ ...request, body: rewrite(request.body, change) }, { url, at }));
  const files = new Set([...attachments, ...recording.event.attachments].map((file) => file.id ?? file.url));
  return { webhooks, files: files.size };
}

function messageFixture({ name: provider, fixtures }: Provider, wanted: string): [Fixture, MessageInJson] {
  const fixture = fixtures.find(({ name }) => name === wanted)?.fixture;
  const [event] = fixture ? wholeMeaning(fixture) : [];
  if (!fixture || event?.kind !== "message") throw new Error(`${provider} has no message ${wanted}.json`);
  return [fixture, event];
}

function post(
  { signer }: Provider,
  [fixture, old]: [Fixture, MessageInJson],
  message: WrittenMessage,
  { url, at }: Posting,
): WebhookRequest {
  const { id, from, to, text, ...mail } = message;
  const rfcMessageId = mail.rfcMessageId ?? `${id}@mail.example.org`;
  const change: Change = {
    whole: pairs([old.text, text], [old.html, `<p>${escapeHtml(text)}</p>`], [old.subject, mail.subject ?? ""]),
    within: pairs(
      [old.providerMessageId, id],
      [old.inReplyTo[0], mail.inReplyTo],
      [old.rfcMessageId, rfcMessageId],
      [old.from, from],
      [old.to[0], to],
    ),
    ids: { old: old.references, now: mail.references ?? [] },
    time: { old: old.sentAt, now: mail.sentAt ?? at },
  };
  const body = rewrite(fixture.request.body, change);
  if (fixture.completion) {
    const exchanges = fixture.completion.exchanges.map((each) => rewrite({ ...each }, change) as typeof each);
    const last = exchanges.at(-1);
    if (last) last.answer.body = writeMail({ ...message, rfcMessageId, sentAt: mail.sentAt ?? at });
    keepMail({ exchanges });
  }
  return signer.sign({ ...fixture.request, body }, { url, at });
}

/** As it is fetched where a webhook only names it. */
function writeMail({ from, to, subject = "", text, sentAt, rfcMessageId, inReplyTo, references = [] }: WrittenMessage) {
  const bracketed = (ids: string[]) => ids.map((id) => `<${id}>`).join(" ");
  const thread = [
    ...(inReplyTo ? [`In-Reply-To: <${inReplyTo}>`] : []),
    ...(references.length > 0 ? [`References: ${bracketed(references)}`] : []),
  ];
  const headers = [
    ...[`From: ${from}`, `To: ${to}`, `Subject: ${encoded(subject)}`, `Message-ID: <${rfcMessageId}>`, ...thread],
    ...[`Date: ${sentAt?.toUTCString().replace("GMT", "+0000")}`, "MIME-Version: 1.0"],
    ...["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64"],
  ];
  return `${headers.join("\r\n")}\r\n\r\n${Buffer.from(text).toString("base64")}\r\n`;
}

const encoded = (words: string) => `=?utf-8?B?${Buffer.from(words).toString("base64")}?=`;

/** The statuses that the provider has webhooks for. */
export function receiptStatuses(provider: Provider): ReceiptStatus[] {
  return (["sent", "delivered", "read", "failed", "complained"] as const).filter(
    (status) => receiptFixtures(provider, status)[0],
  );
}

/** The webhook that tells what became of a message, signed. `url` is where the provider posts it. */
export function writeReceipt(provider: Provider, receipt: WrittenReceipt, { url, at }: Posting): WebhookRequest {
  const { id, reference, from, to, status, rfcMessageId, recipient = to } = receipt;
  const [found] = receiptFixtures(provider, status);
  const [sent] = provider.sendFixtures;
  if (!found || !sent) throw new Error(`${provider.name} has no webhook for a message that is ${status}`);
  const { fixture, old } = found;
  const change: Change = {
    whole: old.reference === undefined ? new Map() : new Map([[old.reference, reference]]),
    within: pairs(
      [sent.fixture.message.from, from],
      [sent.fixture.message.to, to],
      [old.recipient, recipient],
      [old.providerMessageId, id],
      [old.rfcMessageId, rfcMessageId],
    ),
  };
  const body = rewrite(fixture.request.body, change);
  return provider.signer.sign({ ...fixture.request, body }, { url, at });
}

const hasReason: ReadonlySet<ReceiptStatus> = new Set(["failed", "complained"]);

/** Those that say one thing, the fullest first. */
function receiptFixtures({ fixtures }: Provider, status: ReceiptStatus) {
  const fitting = fixtures.flatMap(({ fixture }) => {
    const [old, ...more] = fixture.means;
    const isAlone = old?.kind === "receipt" && old.status === status && more.length === 0;
    return isAlone && (old.error !== undefined) === hasReason.has(status) ? [{ fixture, old }] : [];
  });
  const isFull = ({ fixture: { request }, old }: (typeof fitting)[number]) =>
    Number(old.reference !== undefined) + Number(request.query !== undefined || old.recipient !== undefined);
  return fitting.toSorted((a, b) => isFull(b) - isFull(a));
}

/** What becomes of a fixture's texts, at any depth, also in JSON that stands in a text. */
interface Change {
  /** Texts that are nothing else; undefined takes the field away. */
  whole: Map<string, string | undefined>;
  /** Ids and addresses, wherever they stand by themselves, in any case. */
  within: Map<string, string | undefined>;
  ids?: { old: string[]; now: string[] };
  time?: { old: string | undefined; now: Date };
}

function rewrite(body: Fixture["request"]["body"], change: Change): Fixture["request"]["body"] {
  const within = new Map([...change.within].map(([old, now]) => [old.toLowerCase(), now]));
  const parts = anyOf([...within.keys()]);
  const rewriteText = (text: string): unknown => {
    const { whole, time } = change;
    if (whole.has(text)) return whole.get(text);
    if (time?.old !== undefined && Date.parse(text) === Date.parse(time.old)) return writeTime(time.now, text);
    if (isUnixTime(text, time?.old)) return writeUnixTime(change.time?.now, text.length);
    if (/^(?:[\w-]+:.*\r\n)+\r\n/.test(text)) return rewriteMail(text, walk);
    const json = readJson(text);
    if (json !== undefined) return JSON.stringify(walk(json));
    return text.replace(parts, (old) => within.get(old.toLowerCase()) ?? "");
  };
  const walk = (value: unknown): unknown => {
    const ids = change.ids && rewriteIds(value, change.ids);
    if (ids !== undefined) return ids;
    if (typeof value === "string") return rewriteText(value);
    if (typeof value === "number") return rewriteNumber(value, change);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, walk(each)]));
  };
  return walk(body) as Fixture["request"]["body"];
}

/** A whole mail: its headers, and its words, if it has no parts. */
function rewriteMail(raw: string, rewritten: (text: string) => unknown): string {
  const headEnd = raw.indexOf("\r\n\r\n");
  const head = raw
    .slice(0, headEnd)
    .replace(/^([\w-]+: )(.*)$/gm, (_, name: string, value: string) => name + rewritten(value));
  const words = raw.slice(headEnd + 4).replaceAll("\r\n", "\n");
  return `${head}\r\n\r\n${String(rewritten(words)).replaceAll("\n", "\r\n")}`;
}

function rewriteNumber(value: number, { whole, time }: Change): number {
  if (isUnixTime(String(value), time?.old)) return Number(writeUnixTime(time?.now, String(value).length));
  return whole.has(String(value)) ? Number(whole.get(String(value))) : value;
}

function rewriteIds(value: unknown, { old, now }: { old: string[]; now: string[] }): unknown {
  if (old.length === 0 || !isListOf(value, old)) return undefined;
  const bracketed = now.map((id) => `<${id}>`);
  return Array.isArray(value) ? bracketed : bracketed.join(" ");
}

/** The longest first, so that none is taken for a part of another. Some put several together by an underscore. */
function anyOf(texts: string[]): RegExp {
  const escaped = texts
    .toSorted((a, b) => b.length - a.length)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"))
    .join("|");
  return new RegExp(`(?<![a-z\\d-])(?:${escaped})(?![a-z\\d-])`, "gi");
}

function isListOf(value: unknown, ids: string[]): boolean {
  if (Array.isArray(value)) {
    return value.length === ids.length && value.every((each, index) => isListOf(each, ids.slice(index, index + 1)));
  }
  if (typeof value !== "string" || (ids.length > 1 && !value.includes(ids[0] ?? ""))) return false;
  return JSON.stringify(parseMessageIds(value)) === JSON.stringify(ids);
}

/** In seconds or milliseconds. */
const isUnixTime = (text: string, old: string | undefined) =>
  old !== undefined && (text === String(Math.floor(Date.parse(old) / 1000)) || text === String(Date.parse(old)));
const writeUnixTime = (time: Date | undefined, length: number) => String(time?.getTime()).slice(0, length);
const writeTime = (time: Date, like: string) =>
  /^\d{4}-/.test(like) ? time.toISOString() : time.toUTCString().replace("GMT", "+0000");
const escapeHtml = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

function readJson(text: string): object | undefined {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}

/** Nothing becomes of what a fixture does not have. Numbers may stand there without their plus. */
function pairs(...all: [old: string | undefined, now: string | undefined][]): Map<string, string | undefined> {
  const there = all.filter((pair): pair is [string, string | undefined] => Boolean(pair[0]));
  const bare = there.filter(([old]) => /^\+\d+$/.test(old));
  return new Map([...bare.map(([old, now]): Pair => [old.slice(1), now?.replace("+", "")]), ...there]);
}

type Pair = [string, string | undefined];
