import { randomBytes } from "node:crypto";
import express, { type Response } from "express";
import type { RefusalFixture, SendFixture } from "../fixtures.ts";
import { isOfKey, isOfMessage, type Provider, providerOf } from "../providers.ts";
import { receiptStatuses, writeMessage, writeReceipt, writeSentElsewhere } from "../write-webhooks.ts";
import { prefixOf, type ReadMessage, type Values } from "./places.ts";
import { type Api, type Problem, readApi, readRequest } from "./read-api.ts";
import type { AnswerOptions, StandIn, StandInMessage } from "./stand-in.ts";

/**
 * A provider's API as its `send/` fixtures show it. It takes what comes to their host and path, with their headers, content
 * type and fields, each of the type that it has there. It refuses anything else in the provider's shape, and says what is
 * wrong. Its answer is that of the fixture that is most like the request, with an id of its own. It takes a repeated
 * reference once, where the adapter relies on that. `ownAddress` is who sends where its requests do not say so.
 */
export function createStandIn(name: string, ownAddress = ""): StandIn {
  const provider = providerOf(name);
  const { adapter } = provider;
  const api = readApi(provider);
  const sent: StandInMessage[] = [];
  const answers = new Map<string, Answer>();

  const take = (values: Values, message: ReadMessage): Answer => {
    const reference = message.reference[0] ?? referenceIn(message.receiptUrl[0]);
    const known = adapter.isIdempotent && reference !== undefined ? answers.get(reference) : undefined;
    if (known) return known;
    const nearest = closest(values, message, api);
    const answer = answerOf(nearest, message, api);
    const from = api.places.from === undefined ? [ownAddress] : message.from;
    const named = ([address, ...more]: string[]) => (address ? [prefixOf(nearest) + address, ...more] : []);
    sent.push(toMessage({ ...message, from: named(from), to: named(message.to) }, reference, answer));
    if (reference !== undefined) answers.set(reference, answer);
    return answer;
  };

  const router = express.Router();
  router.use(express.raw({ type: () => true, limit: "60mb" }), async (req, res, next) => {
    if (!api.calls.has(`${req.method} ${req.url}`)) return next();
    const request = await readRequest(req, provider, api);
    if (request.problem) return refuse(res, provider, request.problem);
    const limit = limitOf(request.message, provider);
    const answer: Pick<Answer, "status" | "headers" | "body"> = limit ?? take(request.values, request.message);
    res.status(answer.status).set(answer.headers).json(answer.body);
  });
  return {
    ...{ provider: name, host: api.host, router, grant: api.grant, sent, statuses: receiptStatuses(provider) },
    refusal: refusalOf(provider),
    renamesSilently: Boolean(api.places.isRenamed) && api.usual.every(({ fixture }) => !fixture.sent.rfcMessageId),
    takesBcc: Boolean(api.places.bcc || api.places.everybody),
    receipt: ({ id, reference, from, to: [to = ""], headers, receiptUrl }, status, { url, at, recipient }) => {
      const ownUrl = api.places.receiptUrl === undefined ? undefined : receiptUrl;
      const rfcMessageId = headers["message-id"]?.slice(1, -1);
      const receipt = { id, reference, from, to, status, recipient, rfcMessageId };
      return writeReceipt(provider, receipt, { url: ownUrl ?? url, at });
    },
    answer: (message, { url, at, ...answer }) => writeMessage(provider, answerTo(message, answer), { url, at }),
    sentElsewhere: (message, posting) => writeSentElsewhere(provider, message, posting),
  };
}

/** The provider's refusal of that status; else that of a message, with other words. */
function refuse(res: Response, provider: Provider, { status, words }: Problem): void {
  const isOfThis = (each: RefusalFixture) => each.answer.status === status;
  const isExact = (each: RefusalFixture) => status === 401 && isOfKey(each, provider.adapter);
  const exact = (provider.refusals.find(isOfThis) ?? provider.refusals.find(isExact))?.answer;
  if (exact && status !== 400) return void res.status(exact.status).json(exact.body);
  const { answer, error } = refusalOf(provider);
  const say = (text: string) => (text === error?.message ? words : text);
  res.status(status ?? answer.status).json(replaceTexts(answer.body, say));
}

/** The refusal of a message that is more than the provider takes. */
function limitOf({ text: [text = ""] }: ReadMessage, { refusals }: Provider) {
  return refusals.find(({ when }) => when && text.length > when.textLongerThan)?.answer;
}

function refusalOf({ name, adapter, refusals }: Provider): RefusalFixture {
  const found = refusals.find((each) => isOfMessage(each, adapter));
  if (!found) throw new Error(`${name} has no refusal of a message`);
  return found;
}

/** The fixture that has the fewest other places; above all, one with a Message-ID of ours for a request with one. */
function closest(values: Values, { rfcMessageId }: ReadMessage, { usual }: Api): SendFixture {
  const distance = ({ fixture, values: other }: Api["usual"][number]) => {
    const isOtherwiseNamed = (fixture.message.rfcMessageId === undefined) !== (rfcMessageId.length === 0);
    const isSpecial = Boolean(fixture.sent.rfcMessageId) || typeof fixture.answer.body !== "object";
    const missing = [...values.keys()].filter((place) => !other.has(place)).length;
    const surplus = [...other.keys()].filter((place) => !values.has(place)).length;
    return 1000 * Number(isOtherwiseNamed) + missing + surplus + 0.5 * Number(isSpecial);
  };
  const [nearest] = usual.toSorted((a, b) => distance(a) - distance(b));
  if (!nearest) throw new Error("there are no fixtures of sends");
  return nearest.fixture;
}

interface Answer {
  id: string;
  rfcMessageId: string | undefined;
  status: number;
  headers?: Record<string, string>;
  body: unknown;
}

/** Where the provider takes our Message-ID for its own id, so does this. */
function answerOf({ message, sent, answer }: SendFixture, read: ReadMessage, { places }: Api): Answer {
  const old = sent.providerMessageId;
  const own = old === message.rfcMessageId ? read.rfcMessageId[0] : undefined;
  const id = own ?? freshId(old);
  const renew = (text: string) => text.replaceAll(old, id);
  const given = places.isRenamed ? `${randomBytes(12).toString("hex")}@renamed.example.net` : read.rfcMessageId[0];
  const rfcMessageId = sent.rfcMessageId === undefined ? given : renew(sent.rfcMessageId);
  const { status, headers = {}, body } = answer;
  const renewed = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, renew(value)]));
  return { id, rfcMessageId, status, headers: renewed, body: replaceTexts(body, renew) };
}

/** Like another one: its longest run of hexadecimal digits is others, or it has a few more. */
function freshId(like: string): string {
  const fresh = (length: number) => randomBytes(length).toString("hex").slice(0, length);
  const [run] = like.match(/[\da-f]{12,}/gi)?.toSorted((a, b) => b.length - a.length) ?? [];
  return run === undefined ? like.replace(/(?=@|$)/, `-${fresh(16)}`) : like.replace(run, fresh(run.length));
}

function replaceTexts(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === "string") return replace(value);
  if (Array.isArray(value)) return value.map((each) => replaceTexts(each, replace));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, replaceTexts(each, replace)]));
}

function referenceIn(receiptUrl: string | undefined): string | undefined {
  return receiptUrl === undefined ? undefined : (new URL(receiptUrl).searchParams.get("message") ?? undefined);
}

function toMessage(read: ReadMessage, reference: string | undefined, { id, rfcMessageId }: Answer): StandInMessage {
  const { from, to, cc, bcc, subject, text, html, replyTo, inReplyTo, references, media, receiptUrl } = read;
  const { unsubscribeUrl, unsubscribePost } = read;
  const bracketed = (ids: string[]) => ids.map((each) => `<${each}>`).join(" ");
  const headers = {
    "message-id": rfcMessageId === undefined ? "" : `<${rfcMessageId}>`,
    "in-reply-to": bracketed(inReplyTo),
    references: bracketed(references),
    "reply-to": replyTo.join(", "),
    "list-unsubscribe": unsubscribeUrl.map((url) => `<${url}>`).join(", "),
    "list-unsubscribe-post": unsubscribePost.join(", "),
  };
  return {
    ...{ id, reference, from: from[0] ?? "", to, cc, bcc, text: text[0], html: html[0], subject: subject[0], media },
    headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== "")),
    receiptUrl: receiptUrl[0],
  };
}

/**
 * As mail programs make an answer: https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4. One that keeps nothing of the thread
 * keeps no subject either.
 */
function answerTo(
  { from, to, subject = "", headers }: StandInMessage,
  { id, text, keeps }: Pick<AnswerOptions, "id" | "text" | "keeps">,
) {
  const idsOf = (name: string) => (headers[name] ?? "").match(/[^<>\s]+/g) ?? [];
  const [answered] = idsOf("message-id");
  const before = idsOf("references").length > 0 ? idsOf("references") : idsOf("in-reply-to");
  const parties = { id, text, from: to[0] ?? "", to: headers["reply-to"] ?? from };
  if (keeps === "nothing") return { ...parties, subject: `An answer ${id}` };
  return {
    ...parties,
    subject: /^re:/i.test(subject) ? subject : `Re: ${subject}`,
    inReplyTo: keeps === "references" ? undefined : answered,
    references: answered === undefined || keeps === "in-reply-to" ? [] : [...new Set([...before, answered])],
  };
}
