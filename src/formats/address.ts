import type { Channel } from "../model.ts";
import { normalizeMailbox } from "./mailbox.ts";
import { normalizePhoneNumber } from "./phone-number.ts";

const normalizers = { sms: normalizePhoneNumber, email: normalizeMailbox };

/**
 * An address in the one form in which it is stored and compared; `undefined` when it is none of this channel's. A national
 * number is read in the country of `ownNumber`, and without that it is none.
 */
export function normalizeAddress(channel: Channel, given: string, ownNumber?: string): string | undefined {
  return normalizers[channel](given, ownNumber);
}
