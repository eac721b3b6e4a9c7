import type { AutomaticKind, ProviderMessage } from "../model.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import { emailKeyOf, findSentEmails } from "../store/messages/sent-messages.ts";
import type { Db } from "../store/postgres/database.ts";

export interface MappedMessage {
  mapping: Pick<MappingFacts, "id">;
  event: ProviderMessage;
}

/** Mails of the business that are our own sendings, seen in a copy. */
export function findCopies(db: Db, received: MappedMessage[]): Promise<Set<ProviderMessage>> {
  return findByIds(db, received, ({ direction, rfcMessageId }) =>
    direction === "outbound" && rfcMessageId ? [rfcMessageId] : [],
  );
}

/**
 * Mail with marks that a machine puts on a person's words, too, and that answers an email of ours: somebody wrote it. What
 * says of itself that it is an automatic reply or a bounce is one, whatever it answers; what only came without an envelope's
 * sender is none where we wrote to the very person.
 */
export function findAnswers(db: Db, received: MappedMessage[]): Promise<Set<ProviderMessage>> {
  return findByIds(
    db,
    received,
    (event) => (isDoubtful(event) ? [...event.inReplyTo, ...event.references] : []),
    ({ isBounceByEnvelope, from }, receiver) => !isBounceByEnvelope || from === receiver,
  );
}

const doubtful: ReadonlySet<AutomaticKind> = new Set(["auto_generated", "list"]);

const isDoubtful = ({ automatic, isBounceByEnvelope, isFromList }: ProviderMessage) =>
  isBounceByEnvelope || (automatic ? doubtful.has(automatic) : isFromList);

/** Those of which one of the ids is that of an email that went out by the same mapping. */
async function findByIds(
  db: Db,
  received: MappedMessage[],
  idsOf: (event: ProviderMessage) => string[],
  fits: (event: ProviderMessage, receiver: string) => boolean = () => true,
): Promise<Set<ProviderMessage>> {
  const sought = received.flatMap(({ mapping, event }) =>
    idsOf(event).map((rfcMessageId) => ({ event, key: { mappingId: mapping.id, rfcMessageId } })),
  );
  const sent = await findSentEmails(
    db,
    sought.map(({ key }) => key),
  );
  return new Set(
    sought.flatMap(({ event, key }) => {
      const receiver = sent.get(emailKeyOf(key));
      return receiver !== undefined && fits(event, receiver) ? event : [];
    }),
  );
}
