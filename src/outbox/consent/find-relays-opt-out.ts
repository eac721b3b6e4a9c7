import { normalizeAddress } from "../../formats/address.ts";
import { channelsOf } from "../../registry/opt-outs/channels.ts";
import { findContactsOptOut } from "../../store/consent/opt-outs.ts";
import { findProviderType } from "../../store/mappings.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { OptOut } from "../../store/schema.ts";

/** The opt-out that holds for what HighLevel is asked to send: of the contact, or of the address that the request names. */
export async function findRelaysOptOut(
  db: Db,
  locationId: string,
  request: Readonly<Record<string, unknown>>,
): Promise<OptOut | undefined> {
  const { type, html, subject } = request;
  if (type === "InternalComment") return undefined;
  const isEmail = type === "Email" || (type === "Custom" && (html !== undefined || subject !== undefined));
  const channel = isEmail ? "email" : "sms";
  const contactId = textIn(request["contactId"]) ?? "";
  const given = textIn(request[isEmail ? "emailTo" : "toNumber"]);
  const named = given === undefined ? undefined : normalizeAddress(channel, given);
  const providerId = textIn(request["conversationProviderId"]);
  const providerType = providerId === undefined ? undefined : await findProviderType(db, locationId, providerId);
  const service = type === "WhatsApp" ? "whatsapp" : undefined;
  const channels = channelsOf({ channel, type: isEmail ? "Email" : (providerType ?? textIn(type) ?? "") }, service);
  return findContactsOptOut(db, { locationId, channels, contactId, named });
}

const textIn = (value: unknown) => (typeof value === "string" ? value : undefined);
