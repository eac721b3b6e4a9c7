import type { ZodType } from "zod";
import type { Channel, ProviderEvent, WebhookRequest } from "../model.ts";

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
  /** What to paste at the provider, where it is not the plain URL: Basic credentials belong into it for who signs nothing. */
  webhookUrl?(url: string, credentials: Credentials): string;
  /** What the provider wants to be answered, where an empty 200 is not it. */
  acknowledgement?: { status: number; contentType: string; body: string };
}
