import { admit, ignoredReason } from "../../messages/aside/unknown-sender.ts";
import type { ProviderEvent, ProviderMessage } from "../../model.ts";
import type { MappingFacts } from "../../registry/mappings.ts";
import { ensureConversations, keyOf, type Person } from "../../store/conversations.ts";
import type { NewDelivery } from "../../store/deliveries.ts";
import { findFingerprints, providerKeyOf } from "../../store/messages/messages.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Webhook } from "../../store/schema.ts";

/** A mail that is named and not here, and a mapping that it is for. */
interface NamedMail {
  webhook: Webhook;
  mapping: MappingFacts;
  event: ProviderMessage;
}

/** Must it be fetched before it can be taken in? */
export const isToFetch = (event: ProviderEvent): event is ProviderMessage =>
  event.kind === "message" && event.fetchBy !== undefined;

/**
 * Owes for each webhook one fetch of the mail that it names, in a lane of the person and the first of its mappings that lets
 * the person in. Of those that are not fetched it says why.
 */
export async function oweFetches(
  tx: Db,
  named: NamedMail[],
): Promise<{ owed: NewDelivery[]; reasons: Map<ProviderEvent, string | undefined> }> {
  const reasons = new Map<ProviderEvent, string | undefined>();
  if (named.length === 0) return { owed: [], reasons };
  const keyOfMail = ({ mapping, event: { providerMessageId } }: NamedMail) => ({
    mappingId: mapping.id,
    providerMessageId,
  });
  const known = await findFingerprints(tx, named.map(keyOfMail));
  const conversations = await ensureConversations(tx, named.map(personOf));
  const owed = new Map<number, NewDelivery>();
  for (const each of named) {
    const { webhook, mapping, event } = each;
    const conversation = conversations.get(keyOf(personOf(each)));
    if (known.has(providerKeyOf(keyOfMail(each)))) {
      reasons.set(event, "duplicate: a message with this providerMessageId is known");
    } else if (!conversation || (!isOurs(each) && admit(mapping, conversation) === "ignored")) {
      reasons.set(event, ignoredReason);
    } else if (!owed.has(webhook.id)) {
      const place = { conversationId: conversation.id, locationId: mapping.locationId };
      owed.set(webhook.id, { kind: "fetch-mail", ...place, messageId: undefined, webhookId: webhook.id });
    }
  }
  return { owed: [...owed.values()], reasons };
}

/** A form of the business writes in its name: only the mail tells for whom. */
const isOurs = ({ mapping, event }: NamedMail) => event.from === mapping.address;

function personOf(named: NamedMail): Person {
  const { id: mappingId, locationId, unknownSender } = named.mapping;
  const onlyIfKnown = unknownSender === "ignore" && !isOurs(named);
  return { mappingId, locationId, address: named.event.from, onlyIfKnown };
}
