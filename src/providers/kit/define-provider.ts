import type { ApiRequest, CallApi, TokenGrant } from "../../calls/call-api.ts";
import { Failure } from "../../errors.ts";
import type {
  MessageError,
  OutboundMessage,
  ProviderEvent,
  SentMessage,
  TextService,
  WebhookRequest,
} from "../../model.ts";
import {
  type Adapter,
  type AskedHistory,
  type ComeAgain,
  type Completion,
  type FetchedMailbox,
  type HistoryPage,
  type Media,
  meaningOf,
  type RefusalCodes,
} from "./adapter.ts";
import { type Ask, type CheckStep, createAsk, runChecks } from "./checks/run-checks.ts";
import type { Credentials } from "./credentials.ts";
import { type DecodedWebhook, decode } from "./decode.ts";
import { readCut } from "./email/cut.ts";
import type { Handshake, Proof, ProofPlaces } from "./proofs.ts";
import type { Sample, SampleMessage } from "./recipes/samples.ts";
import type { AnswerReader } from "./sends.ts";

/** What the bridge must know of a provider: facts, and as little code as they allow. */
export interface ProviderFacts<Given, Sending> extends Pick<Adapter<Given>, "label" | "channel" | "pasteAt"> {
  /** What to know beside: limits, surprises. Sentences in Markdown. */
  notes?: readonly string[];
  credentials: Credentials<Given, Sending>;
  receives: {
    /** What it posts, its usual type first; anything else is answered 415. */
    contentTypes: readonly string[];
    /** Does it call by GET, too, where one chooses so? Then the query holds what a form would. */
    takesGet?: true;
    /** Is it from the provider? A recipe of the kit. */
    proof: Proof<Given>;
    /** What the signature covers and no other webhook has, where it does not cover the rest: with that it counts once. */
    nonce?(webhook: DecodedWebhook): string;
    /** Is the reference of a receipt a part of what is signed, as in the URL that Twilio signs? */
    isReferenceSigned?: true;
    /** The least webhook by which it hands on what a person has written: for a test of all that is connected. */
    sample?(message: SampleMessage, credentials: Given): Sample;
    /** What a webhook to the mapping's number or mailbox says, in the words of kit/events.ts. Pure. */
    read(webhook: DecodedWebhook, ownAddress?: string): OneOrMore<ProviderEvent> | Promise<OneOrMore<ProviderEvent>>;
    /** The files inside of a webhook, in the order of the attachments of its message, or of that one of its messages. */
    files?(
      webhook: DecodedWebhook,
      providerMessageId?: string,
    ): (Buffer | undefined)[] | Promise<(Buffer | undefined)[]>;
    /**
     * How the mail is fetched that a webhook only names: `read` gives an `incompleteMail` then, and is asked again with the mail
     * as `fetched`.
     */
    completion?: Completion<Sending>;
    /** Where what came is fetched from, for a provider that posts nothing. */
    mailbox?(credentials: Given): FetchedMailbox;
    /** What to paste at the provider, where it is not the plain URL. */
    pastedUrl?(url: string, credentials: Given): string;
    /** How it asks by GET whether the URL is ours. A recipe of the kit. */
    handshake?: Handshake<Given>;
    /** How it asks by a webhook whether we want more of them: the URL whose GET says yes. */
    confirmation?(webhook: DecodedWebhook): string | undefined;
    /** Which answer has it come again, where it gives up at others. */
    refusedWith?: ComeAgain;
    acknowledgement?: NonNullable<Adapter<Given>["acknowledgement"]>;
  };
  sends: {
    /** The one call that sends a message. */
    request(message: OutboundMessage, credentials: Sending): ApiRequest;
    answer: AnswerReader;
    refusals?: RefusalCodes;
    services?: readonly TextService[];
    onlyService?: TextService;
    takesIds?: true;
    isIdempotent?: true;
    /** Receipts name a message by the provider's id alone. */
    receiptsLackReference?: true;
  };
  media?: Omit<Media<Given>, "headers" | "grant" | "server"> & {
    /** Of credentials that lack nothing that sending needs. */
    headers?(credentials: Sending): Record<string, string>;
    grant?(credentials: Sending): TokenGrant;
    server?(credentials: Sending): string;
  };
  /** A page of what the provider keeps of a number's messages, by calls that change nothing. */
  history?(asked: AskedHistory<NoInfer<Sending>>, ask: Ask): Promise<HistoryPage>;
  /** How the provider is asked whether all is set up, by calls that change nothing: the first step shows whether it lets us in. */
  checks?: readonly CheckStep<Sending>[];
}

type OneOrMore<Item> = Item | Item[];

/** The adapter of a provider, by its facts. */
export function defineProvider<Given, Sending>(facts: ProviderFacts<Given, Sending>): Adapter<Given> {
  const { label, channel, pasteAt, notes = [], credentials, receives, sends, checks } = facts;
  const { contentTypes, takesGet, proof, nonce, read, files, handshake } = receives;
  const { confirmation, refusedWith, acknowledgement } = receives;
  const open = decodeOnce((request) => decode(request, contentTypes, { takesGet }));
  const openFiles =
    files && (async (request: WebhookRequest, messageId?: string) => files(await open(request), messageId));
  return {
    ...{ label, channel, contentTypes, pasteAt, notes, refusedWith },
    ...(takesGet ? { takesGet } : {}),
    credentials: credentials.schema,
    credentialFields: credentials.fields,
    proof: placesOf(proof),
    signedAt: async (request) => proof.signedAt?.(request, () => open(request)),
    verify: (request, given, fetchCertificate) => proof.check(request, given, () => open(request), fetchCertificate),
    parse: async (request, ownAddress) => {
      const readAll = async () => [await read(await open(request), ownAddress)].flat();
      return channel === "email" ? readCut(request, readAll, (id) => openFiles?.(request, id)) : readAll();
    },
    send: async (message, given, callApi) => send(facts, message, credentials.toSend(given), callApi),
    readError: sends.answer.refused,
    refusals: sends.refusals ?? {},
    ...(nonce ? { nonceOf: async (request) => nonce(await open(request)) } : {}),
    ...(receives.isReferenceSigned ? { isReferenceSigned: true } : {}),
    ...sentBy(sends),
    ...(openFiles ? { openFiles } : {}),
    ...comesBy(receives),
    ...testedBy(receives),
    ...(handshake ? { answerHandshake: handshake.answer } : {}),
    ...(confirmation ? { confirmationUrl: async (request) => confirmation(await open(request)) } : {}),
    ...(acknowledgement ? { acknowledgement } : {}),
    ...fetchedBy(facts),
    ...toldBy(facts),
    ...(checks
      ? { check: (asked, callApi) => runChecks({ ...facts, checks, toSend: credentials.toSend }, asked, callApi) }
      : {}),
  };
}

/** What is so of all that is sent. */
function sentBy<Sending>({ answer, services = [], ...sends }: ProviderFacts<never, Sending>["sends"]) {
  const { onlyService, takesIds, isIdempotent, receiptsLackReference } = sends;
  return {
    services,
    ...(answer.refusesWithin200 ? { refusesWithin200: true as const } : {}),
    ...(onlyService ? { onlyService } : {}),
    ...(takesIds ? { takesIds } : {}),
    ...(isIdempotent ? { isIdempotent } : {}),
    ...(receiptsLackReference ? { receiptsLackReference } : {}),
  };
}

/** By a sample, signed as the provider does: where both can be made here. */
function testedBy<Given>({
  sample,
  proof: { sign },
}: ProviderFacts<Given, never>["receives"]): Pick<Adapter<Given>, "composeTest"> {
  if (!sample || !sign) return {};
  return {
    composeTest(message, url, credentials) {
      const { contentType, body } = sample(message, credentials);
      return sign({ url, headers: { "content-type": contentType }, body, receivedAt: message.at }, credentials);
    },
  };
}

/** What is fetched asks for all that sending needs. */
function fetchedBy<Given, Sending>({ credentials, media, receives }: ProviderFacts<Given, Sending>) {
  const { completion } = receives;
  return {
    ...(media ? { media: openedBy(media, credentials) } : {}),
    ...(completion ? { completion: completedBy(completion, credentials) } : {}),
  };
}

function toldBy<Given, Sending>({
  label,
  history,
  credentials,
}: ProviderFacts<Given, Sending>): Pick<Adapter<Given>, "history"> {
  if (!history) return {};
  return {
    history: async (asked, callApi) =>
      history({ ...asked, credentials: credentials.toSend(asked.credentials) }, createAsk(label, callApi)),
  };
}

function completedBy<Given, Sending>(
  { request, ...located }: Completion<Sending>,
  { toSend }: Pick<Credentials<Given, Sending>, "toSend">,
): Completion<Given> {
  return { ...located, request: (fetchBy, given) => request(fetchBy, toSend(given)) };
}

function comesBy<Given>({
  mailbox,
  pastedUrl,
  proof: { begin },
}: ProviderFacts<Given, never>["receives"]): Pick<Adapter<Given>, "mailbox" | "webhookUrl" | "beginVerifying"> {
  return {
    ...(mailbox ? { mailbox } : {}),
    ...(pastedUrl ? { webhookUrl: pastedUrl } : {}),
    ...(begin ? { beginVerifying: begin } : {}),
  };
}

function openedBy<Given, Sending>(
  { headers, grant, server, ...places }: NonNullable<ProviderFacts<Given, Sending>["media"]>,
  { toSend }: Pick<Credentials<Given, Sending>, "toSend">,
): Media<Given> {
  return {
    ...places,
    headers: (given) => headers?.(toSend(given)) ?? {},
    ...(grant ? { grant: (given) => grant(toSend(given)) } : {}),
    ...(server ? { server: (given) => server(toSend(given)) } : {}),
  };
}

const placesOf = ({
  check: _check,
  signedAt: _signedAt,
  sign: _sign,
  begin: _begin,
  ...places
}: Proof<never>): ProofPlaces => places;

/** Sooner decoded anew than remembered: the collector pays for each entry of a WeakMap. */
const smallBytes = 10_000;

/**
 * A request's body is decoded once, for its proof, its events and its files, as long as the request itself is kept; a small
 * one each time.
 */
function decodeOnce(
  decodeNow: (request: WebhookRequest) => Promise<DecodedWebhook>,
): (request: WebhookRequest) => Promise<DecodedWebhook> {
  const decoded = new WeakMap<WebhookRequest, Promise<DecodedWebhook>>();
  return (request) => {
    if (request.body.length <= smallBytes) return decodeNow(request);
    const webhook = decoded.get(request) ?? decodeNow(request);
    decoded.set(request, webhook);
    return webhook;
  };
}

async function send<Given, Sending>(
  { label, sends }: ProviderFacts<Given, Sending>,
  message: OutboundMessage,
  credentials: Sending,
  callApi: CallApi,
): Promise<SentMessage> {
  const { answer, refusals = {} } = sends;
  const refuse = (refusal: MessageError, status: number, body: unknown) => {
    const words = `${refusal.message} (${label} ${refusal.code})`;
    return new Failure(meaningOf(refusals, refusal.code) ?? "rejected", words, {
      status,
      code: refusal.code,
      answer: body,
    });
  };
  const answered = await callApi(sends.request(message, credentials)).catch((error: unknown) => {
    const isRefusal = answer.refusesWithin500 && error instanceof Failure && error.status === 500;
    const refusal = isRefusal ? answer.refused(error.answer) : undefined;
    throw refusal ? refuse(refusal, 500, (error as Failure).answer) : error;
  });
  const sent = answer.sent(answered, message);
  if (sent) return sent;
  const { status, body } = answered;
  const refusal = answer.refusesWithin200 ? answer.refused(body) : undefined;
  if (refusal) throw refuse(refusal, status, body);
  throw new Failure("invalid_answer", `${label} took the message and gave no id for it`, { status, answer: body });
}
