import { sql } from "drizzle-orm";
import { type Db, selectRows } from "../postgres/database.ts";

/** A contact in HighLevel, as the webhook of this id tells of it. */
export interface ToldOfContact {
  id: number;
  locationId: string;
  contactId: string;
}

/**
 * Takes from conversations the contacts that are no more. Where strangers do not become contacts by themselves, the id stays until
 * another one is put in its place: by it the person is known. For each conversation it gives the webhook that said so.
 */
export async function forgetContacts(tx: Db, gone: ToldOfContact[]): Promise<number[]> {
  if (gone.length === 0) return [];
  const rows = await selectRows<{ id: number }>(
    tx,
    sql`
      update conversations set highlevel_conversation_id = null, updated_at = now(),
        highlevel_contact_id = case when mappings.unknown_sender <> 'create' then highlevel_contact_id end
      from json_to_recordset(${JSON.stringify(gone)}::json) as gone (id float8, "locationId" text, "contactId" text), mappings
      where conversations.location_id = gone."locationId" and highlevel_contact_id = gone."contactId"
        and mappings.id = conversations.mapping_id
      returning gone.id`,
  );
  return rows.map(({ id }) => id);
}

/**
 * Takes from conversations with these addresses the contacts that have them no more, as another one has. Where strangers do not
 * become contacts by themselves, that other one is put in their place: else who is known would be held. For each conversation it
 * gives the webhook that said so, and whose it is.
 */
export async function forgetFormerContacts(
  tx: Db,
  told: (ToldOfContact & { address: string })[],
): Promise<{ id: number; locationId: string; address: string }[]> {
  if (told.length === 0) return [];
  return selectRows(
    tx,
    sql`
      update conversations set highlevel_conversation_id = null, updated_at = now(),
        highlevel_contact_id = case when mappings.unknown_sender <> 'create' then told."contactId" end
      from json_to_recordset(${JSON.stringify(told)}::json) as told (
        id float8, "locationId" text, "contactId" text, address text
      ), mappings
      where mappings.location_id = told."locationId" and conversations.mapping_id = mappings.id
        and conversations.address = told.address and conversations.highlevel_contact_id <> told."contactId"
      returning told.id, told."locationId", told.address`,
  );
}
