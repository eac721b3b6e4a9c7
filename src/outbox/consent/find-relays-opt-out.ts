import { normalizePerson } from "../../formats/address.ts";
import { adapterOf } from "../../providers/registry.ts";
import { channelsOf, type Way } from "../../registry/opt-outs/channels.ts";
import { findContactsOptOut } from "../../store/consent/opt-outs.ts";
import { findProviderMapping } from "../../store/mappings.ts";
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
  const named = given === undefined ? undefined : normalizePerson(channel, given);
  const channels = isEmail ? (["email"] as const) : channelsOf(await wayOf(db, locationId, request));
  return findContactsOptOut(db, { locationId, channels, contactId, named });
}

/** By what HighLevel sends a text: the mapping of the conversation provider that the request names, else what its type says. */
async function wayOf(db: Db, locationId: string, request: Readonly<Record<string, unknown>>): Promise<Way> {
  const providerId = textIn(request["conversationProviderId"]);
  const mapping = providerId === undefined ? undefined : await findProviderMapping(db, locationId, providerId);
  const type = mapping?.type ?? textIn(request["type"]) ?? "";
  const onlyService = request["type"] === "WhatsApp" ? "whatsapp" : mapping && adapterOf(mapping.provider)?.onlyService;
  return { channel: "sms", type, adapter: onlyService ? { onlyService } : {} };
}

const textIn = (value: unknown) => (typeof value === "string" ? value : undefined);
