import type { ZodType } from "zod";
import type { CallApi } from "../../calls/call-api.ts";
import type {
  Channel,
  MessageError,
  OutboundMessage,
  ProviderEvent,
  SentMessage,
  WebhookRequest,
} from "../../model.ts";

/**
 * What the bridge knows about one provider. One file per provider, which reads like the provider's manual;
 * one line in registry.ts; the contract test runs over its fixtures.
 */
export interface AdapterSpec<Credentials> {
  channel: Channel;
  /** The content types that this provider posts; any other is answered 415. */
  contentTypes: readonly string[];
  /** The shape of the mapping's credentials; one that does not fit is refused when it is saved. An empty secret never fits. */
  credentials: ZodType<Credentials>;
  /** Is this webhook from the provider? Fails closed: a missing or malformed signature is `false`, never an exception. */
  verify(request: WebhookRequest, credentials: Credentials): boolean | Promise<boolean>;
  /**
   * What the webhook tells us. Pure. Throws a ParseError that names the field for what cannot be read;
   * gives an `ignored` event for what is not bridged, and nothing but what the provider said: no time or id of our own.
   */
  parse(request: WebhookRequest): ProviderEvent[] | Promise<ProviderEvent[]>;
  /**
   * The contents of the files that came inside of the webhook, in the order of its one message's `attachments`; undefined
   * where there is only a URL. Empty for a webhook that holds none. Throws a ParseError as `parse` does.
   */
  openFiles?(request: WebhookRequest): (Buffer | undefined)[] | Promise<(Buffer | undefined)[]>;
  /**
   * Sends one message by exactly one call. Throws a Failure: callApi's own, or `misconfigured` when the credentials lack
   * what sending needs.
   */
  send(message: OutboundMessage, credentials: Credentials, callApi: CallApi): Promise<SentMessage>;
  /** The provider's code and words in a refusal, for the agent who reads it; undefined when the answer holds none. */
  readError(answer: unknown): MessageError | undefined;
  /** Does the provider carry out a send once, however often it is repeated with the same reference? */
  isIdempotent?: true;
  /**
   * Files that only the credentials open: they are fetched from these hosts, and from no other. One that begins with a dot
   * is every host that ends so. `headers` throws a Failure (`misconfigured`) when the credentials lack what opens files.
   */
  media?: {
    hosts: readonly string[];
    /** Where those redirect to: followed, but never given the credentials. */
    redirectHosts?: readonly string[];
    headers(credentials: Credentials): Record<string, string>;
  };
  /** What to paste at the provider, where it is not the plain URL: Basic credentials belong into it for who signs nothing. */
  webhookUrl?(url: string, credentials: Credentials): string;
  /** What the provider wants to be answered, where an empty 200 is not it. */
  acknowledgement?: { status: number; contentType: string; body: string };
}
