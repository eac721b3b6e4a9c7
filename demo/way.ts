import type { StandIn } from "../test/support/stand-ins/stand-in.ts";

/** A mapping with its provider on the one side and its conversation provider in HighLevel on the other. */
export interface Way {
  provider: string;
  address: string;
  /** Where the provider posts, without credentials. */
  webhookUrl: string;
  /** Where HighLevel posts what an agent types. */
  deliveryUrl: string;
  standIn: StandIn;
}
