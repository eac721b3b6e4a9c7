import type { ZodType } from "zod";
import type { CallApi, TokenGrant } from "../../calls/call-api.ts";
import type {
  Channel,
  Finding,
  MessageError,
  OutboundMessage,
  ProviderEvent,
  ProviderMessage,
  SentMessage,
  TextService,
  WebhookRequest,
} from "../../model.ts";
import type { CredentialField } from "./credentials.ts";
import type { FetchCertificate, ProofPlaces, RunningProof } from "./proofs.ts";
import type { SampleMessage } from "./recipes/samples.ts";

/** What the bridge works with: a provider, made of its facts by `defineProvider`. */
export interface Adapter<Given = unknown> {
  /** The provider's name as people write it. */
  label: string;
  channel: Channel;
  /** The content types that this provider posts; any other is answered 415. */
  contentTypes: readonly string[];
  /** May it call by GET instead of posting? Then the query holds what a form would, and nothing is read of a body. */
  takesGet?: true;
  /** The shape of the mapping's credentials; one that does not fit is refused when it is saved. An empty secret never fits. */
  credentials: ZodType<Given>;
  /** The same as data. */
  credentialFields: readonly CredentialField[];
  /** Where the mapping's `webhookUrl` goes at the provider, and what to know beside: sentences in Markdown. */
  pasteAt: string;
  notes: readonly string[];
  /** Where a webhook of this provider holds what `verify` goes by. */
  proof: ProofPlaces;
  /**
   * Is this webhook from the provider? Fails closed: a missing or malformed signature is `false`, never an exception. Only
   * where the certificate that it names is not to be had, a Failure is thrown; without a way to fetch one it is `false`.
   */
  verify(request: WebhookRequest, credentials: Given, fetchCertificate?: FetchCertificate): boolean | Promise<boolean>;
  /** As the proof's `begin`: of a webhook of which only the beginning is kept. */
  beginVerifying?(request: WebhookRequest, credentials: Given): RunningProof | undefined;
  /** When it says that it was signed, in Unix seconds; only for one that does not verify, to tell why. */
  signedAt(request: WebhookRequest): Promise<string | undefined>;
  /**
   * What the webhook says. Pure. Throws a ParseError that names the field for what cannot be read;
   * gives an `ignored` event for what is not bridged, and nothing but what the provider said: no time or id of our own.
   * A national number is of the country of `ownAddress`, the mapping's number; without that it cannot be read.
   */
  parse(request: WebhookRequest, ownAddress?: string): Promise<ProviderEvent[]>;
  /** What a webhook has that no other of the mapping may have, where its signature covers little besides. Throws as `parse`. */
  nonceOf?(request: WebhookRequest): Promise<string>;
  /** Does the signature cover the reference of a receipt? Else a recorded one may come under the reference of another message. */
  isReferenceSigned?: true;
  /**
   * The contents of the files that came inside of the webhook, in the order of the message's `attachments`; undefined where
   * there is only a URL. Empty for a webhook that holds none. `providerMessageId` says which message, where a webhook may hold
   * several. Throws a ParseError as `parse` does.
   */
  openFiles?(request: WebhookRequest, providerMessageId?: string): Promise<(Buffer | undefined)[]>;
  /**
   * Sends one message by exactly one call. Throws a Failure: callApi's own; `misconfigured` when the credentials lack what
   * sending needs; `rejected` or what the code means for a refusal within a success; `invalid_answer` for a success
   * without an id.
   */
  send(message: OutboundMessage, credentials: Given, callApi: CallApi): Promise<SentMessage>;
  /** The provider's code and words in a refusal, for the agent who reads it; undefined when the answer holds none. */
  readError(answer: unknown): MessageError | undefined;
  /** Does it refuse with a success as its status? Then only `readError` tells the one from the other. */
  refusesWithin200?: true;
  /** Codes that mean more than that this message is refused. */
  refusals: RefusalCodes;
  /** What it sends and receives texts by beside SMS and MMS, where the addresses say which by a prefix. */
  services: readonly TextService[];
  /** What all its texts go by instead of SMS and MMS. */
  onlyService?: TextService;
  /** Does it bridge chats as well, which know people by ids and are ids themselves? Those have `id:` before them. */
  takesIds?: true;
  /** Does the provider carry out a send once, however often it is repeated with the same reference? */
  isIdempotent?: true;
  /** Its receipts name a message by the provider's id alone: one may come before that id is recorded. */
  receiptsLackReference?: true;
  /** The mailbox from which the bridge fetches what came, for a provider that posts nothing. */
  mailbox?(credentials: Given): FetchedMailbox;
  media?: Media<Given>;
  completion?: Completion<Given>;
  /**
   * Asks the provider, by calls that change nothing, whether these credentials work, whether the addresses are theirs, and
   * whether its webhooks come to us. Never throws a Failure: what could not be asked is a finding. Absent for a provider that has nothing to ask.
   */
  check?(asked: CheckedAccount<Given>, callApi: CallApi): Promise<Finding[]>;
  /** A page of what the provider keeps of the messages of a number of ours. Throws a Failure. Absent where it lists none. */
  history?(asked: AskedHistory<Given>, callApi: CallApi): Promise<HistoryPage>;
  /** What to paste at the provider, where it is not the plain URL: for a provider that signs nothing, it carries Basic credentials. */
  webhookUrl?(url: string, credentials: Given): string;
  /**
   * A webhook as the provider would post it there for such a message, with its proof; undefined where these credentials only
   * verify. Absent where the provider signs by a key that it alone has, or no sample of its webhooks is known.
   */
  composeTest?(message: SampleMessage, url: string, credentials: Given): WebhookRequest | undefined;
  /** The answer to the provider's question by GET whether the URL is ours; undefined for any other request. */
  answerHandshake?(url: string, credentials: Given): string | undefined;
  /** Of a verified question whether we want what it posts: the URL whose GET says yes. Throws a ParseError as `parse` does. */
  confirmationUrl?(request: WebhookRequest): Promise<string | undefined>;
  /**
   * What everything is answered with that is not taken, where another answer would have the provider bounce a mail or throw
   * it away: with this one it comes again.
   */
  refusedWith?: ComeAgain | undefined;
  /** What the provider wants to be answered, where an empty 200 is not it. */
  acknowledgement?: { status: number; contentType: string; body: string };
}

export type ComeAgain = 429 | 503;

/** A folder of a mailbox. */
export interface FetchedMailbox {
  /** As `imaps://mail.example.com/INBOX`. */
  url: string;
  /** By which somebody logs in, as in an ApiRequest. */
  headers: Record<string, string>;
  /** What an access token is fetched by, where it takes one. */
  grant?: TokenGrant | undefined;
  /** The folder for what was fetched; undefined where it is left where it is. */
  moveTo?: string | undefined;
  /** The server that writes down there who sent a mail, by its name in Authentication-Results. */
  verifiedBy?: string | undefined;
}

/** What is looked at by a check. */
export interface CheckedAccount<Given> {
  credentials: Given;
  /** What was to be pasted at the provider, whole. */
  webhookUrl: string;
  /** Numbers or mailboxes that are to be looked at. */
  addresses: readonly string[];
}

/** Which messages of before are asked for. */
export interface AskedHistory<Given> {
  credentials: Given;
  /** The number of ours. */
  address: string;
  from: Date | undefined;
  until: Date;
  /** What the page before gave as `next`. */
  cursor: string | undefined;
}

/** A message of before, or why it is none that can be taken. */
export type PastMessage = { message: ProviderMessage; sentAt: Date } | { reason: string };

export interface HistoryPage {
  /** In whatever order. */
  messages: PastMessage[];
  /** Undefined where there is no more. */
  next: string | undefined;
}

/** `opted_out`: the person has said STOP. */
export type RefusalMeaning = "opted_out" | "misconfigured" | "throttled";
export type RefusalCodes = Readonly<Record<string, RefusalMeaning>>;

/** What a code means beyond that the message is refused. */
export const meaningOf = (refusals: RefusalCodes, code: string | undefined): RefusalMeaning | undefined =>
  code !== undefined && Object.hasOwn(refusals, code) ? refusals[code] : undefined;

/**
 * How a mail is fetched that a webhook only names, or the number of who wrote a text, by what `parse` gave as its `fetchBy`: by
 * one GET, or two. What it gives is kept behind the webhook's body, and the webhook parsed again.
 */
export interface Completion<Given> {
  /** Throws a Failure, `misconfigured`: the credentials do not open it, or say nothing of the place that was named. */
  request(fetchBy: string, credentials: Given): { url: string; headers: Record<string, string> };
  /**
   * Where the answer is JSON that says where the mail is: a second GET, to one of these hosts and without credentials. Of an
   * answer that does not say it, that answer is kept.
   */
  located?: { at(answer: unknown): string | undefined; hosts: readonly string[] };
}

/** Files that only the credentials open. */
export interface Media<Given> {
  /** They are fetched from these hosts, and from no other. One that begins with a dot is every host that ends so. */
  hosts: readonly string[];
  /**
   * The only path there, or paths: `/accounts/7/files/{id}`, where `{id}` is any id, and `{file}` any file name. Undefined when
   * the credentials open no files.
   */
  path(credentials: Given): string | readonly string[] | undefined;
  /**
   * Where a provider is that is a server of one's own: what fits the path is fetched from there, whatever host its URL names,
   * which is the one that the server knows itself by. `hosts` is empty then. Throws as `headers` does.
   */
  server?(credentials: Given): string;
  /** Where those redirect to: followed, but never given the credentials. */
  redirectHosts?: readonly string[];
  /**
   * Where the path gives no file but an answer in JSON that says where the file is: a second call, with the same credentials.
   * Undefined when the answer does not say it.
   */
  located?: { at(answer: unknown): string | undefined; hosts: readonly string[] };
  /** Throws a Failure, `misconfigured`, when the credentials lack what opens files. */
  headers(credentials: Given): Record<string, string>;
  /** What an access token is fetched by that opens them; throws as `headers` does. */
  grant?(credentials: Given): TokenGrant;
}

/** Does what it sends go by this service, all of it or what is asked to? */
export const sendsBy = ({ services, onlyService }: Pick<Adapter, "services" | "onlyService">, service: TextService) =>
  onlyService === service || services.includes(service);
