import { normalizeAddress } from "../../formats/address.ts";
import type { Channel } from "../../model.ts";
import { findContactsOptOut } from "../../store/consent/opt-outs.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { OptOut } from "../../store/schema.ts";

/** The opt-out that stands of whom HighLevel is asked to send to: of the contact, or of the address that the request names. */
export async function findRelaysOptOut(
  db: Db,
  locationId: string,
  request: Readonly<Record<string, unknown>>,
): Promise<OptOut | undefined> {
  const { type, html, subject } = request;
  if (type === "InternalComment") return undefined;
  const isEmail = type === "Email" || (type === "Custom" && (html !== undefined || subject !== undefined));
  const channel: Channel = isEmail ? "email" : "sms";
  const contactId = textIn(request["contactId"]) ?? "";
  const given = textIn(request[isEmail ? "emailTo" : "toNumber"]);
  const named = given === undefined ? undefined : normalizeAddress(channel, given);
  return findContactsOptOut(db, { locationId, channel, contactId, named });
}

const textIn = (value: unknown) => (typeof value === "string" ? value : undefined);
