import { admit } from "../../messages/aside/unknown-sender.ts";
import { contentOf } from "../../messages/content.ts";
import { changedHabits } from "../../messages/habits.ts";
import type { ProviderMessage } from "../../model.ts";
import type { MappingFacts } from "../../registry/mappings.ts";
import { changeConsents } from "../../registry/opt-outs/change-consents.ts";
import { keepTimes, lockOptOuts, keyOf as optOutKey } from "../../store/consent/opt-outs.ts";
import { ensureConversations, keyOf } from "../../store/conversations.ts";
import { enqueueDeliveries, type NewDelivery } from "../../store/deliveries.ts";
import {
  deleteImportRows,
  keepFormerHabits,
  listNextRows,
  listShortTextsSince,
  refuseImportRows,
} from "../../store/imports/import-rows.ts";
import { insertMessages } from "../../store/messages/messages.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Conversation, ImportRow, NewMessage } from "../../store/schema.ts";
import { consentIn } from "../consent/consent-words.ts";
import { consentOfMessage } from "../consent/consents.ts";

/** What a step has done. `isLast`: there is nothing more to be posted, but of who waits. */
export interface PostedRows {
  begun: number;
  duplicates: number;
  refused: number;
  isLast: boolean;
}

interface NextRows {
  importId: number;
  mapping: MappingFacts;
  limit: number;
  people: number;
  /** Who waits already. */
  besides: string[];
}

/** A row that is to be posted: those that were refused have no message. */
type Row = ImportRow & { message: ProviderMessage; person: string; sentAt: Date };
const isWhole = (row: ImportRow): row is Row => row.message !== null && row.person !== null && row.sentAt !== null;

/**
 * Takes the next rows of an import into the ledger, of so many people beside those who wait and so many in all, and owes HighLevel
 * each of them, in the lane of its conversation that stands behind the live one; and after the last one of a person that what is
 * unread there is set back. A message that has come meanwhile is a duplicate.
 */
export async function postRows(tx: Db, { importId, mapping, limit, ...whose }: NextRows): Promise<PostedRows> {
  // One more of each shows whether the last one is its person's last.
  const listed = (await listNextRows(tx, importId, { ...whose, ofEach: rowsOfEach + 1 })).filter(isWhole);
  const rows = firstOf(listed, limit);
  const conversations = await ensureConversations(
    tx,
    rows.map((row) => personOf(mapping, row)),
  );
  const known = rows.flatMap((row) => {
    const conversation = conversations.get(keyOf(personOf(mapping, row)));
    return conversation && admit(mapping, conversation) === "let in" ? [{ row, conversation }] : [];
  });
  const taken = await insertMessages(
    tx,
    known.map(({ row, conversation }) => messageOf(mapping, row, conversation)),
  );
  const messageIds = new Map(taken.map(({ id, providerMessageId }) => [providerMessageId, id]));
  const isLastOf = (row: Row) => listed.findLast(({ person }) => person === row.person) === row;
  const owed = known.flatMap(({ row, conversation }): NewDelivery[] => {
    const messageId = messageIds.get(row.providerMessageId);
    const about = { kind: "post-history" as const, conversationId: conversation.id, locationId: mapping.locationId };
    const post = messageId === undefined ? [] : [{ ...about, importId, messageId }];
    return isLastOf(row) ? [...post, { ...about, importId, messageId: undefined }] : post;
  });
  const strangers = rows.filter((row) => !known.some((each) => each.row === row));
  // What a stranger says is no message, and counts all the same, as it does live. What the ledger had it has heard.
  const said = [
    ...known.flatMap(({ row }) => {
      const messageId = messageIds.get(row.providerMessageId);
      return messageId === undefined ? [] : [{ row, messageId }];
    }),
    ...strangers.map((row) => ({ row, messageId: undefined })),
  ];
  const written = known.filter(({ row }) => messageIds.has(row.providerMessageId));
  await keepFormerHabits(tx, changedHabits(written.filter(hasSpelling).map(asStored)));
  await enqueueDeliveries(tx, [...owed, ...(await applyStops(tx, mapping, said))]);
  await deleteImportRows(
    tx,
    known.map(({ row }) => row.id),
  );
  await refuseImportRows(
    tx,
    strangers.map(({ id }) => id),
    strangerReason,
  );
  const duplicates = known.length - taken.length;
  return { begun: taken.length, duplicates, refused: strangers.length, isLast: listed.length === 0 };
}

interface Known {
  row: Row;
  conversation: Conversation;
}

/** Does it tell by which of their numbers the person wrote? */
const hasSpelling = ({ row: { message }, conversation }: Known) =>
  message.fromSpelling !== undefined || conversation.spelling !== null;
const asStored = ({ row, conversation }: Known) => ({ event: row.message, conversation });

/** Of one person at once: a lane delivers them one after another. */
const rowsOfEach = 10;

/** So many at most, without the one more of each person. */
function firstOf(listed: Row[], limit: number): Row[] {
  const counts = new Map<string, number>();
  const isTaken = ({ person }: Row) => {
    const count = (counts.get(person) ?? 0) + 1;
    counts.set(person, count);
    return count <= rowsOfEach;
  };
  return listed.filter(isTaken).slice(0, limit);
}

const strangerReason =
  "nobody has registered this person's conversation, and the mapping's unknownSender is not create";

const personOf = ({ id: mappingId, locationId, unknownSender }: MappingFacts, { person: address }: Row) => ({
  ...{ mappingId, locationId, address },
  onlyIfKnown: unknownSender !== "create",
});

function messageOf({ id: mappingId }: MappingFacts, row: Row, conversation: Conversation): NewMessage {
  const { message, providerMessageId, sentAt } = row;
  const { direction = "inbound", rfcMessageId = null } = message;
  const state = direction === "inbound" ? ("received" as const) : ("sent" as const);
  const about = { mappingId, conversationId: conversation.id, webhookId: null, origin: "import" as const };
  const ids = { providerMessageId, rfcMessageId };
  // In a row the name is the person's, whoever wrote.
  const content = { ...contentOf(message), fromName: message.fromName };
  return { ...about, ...ids, direction, state, content, sentAt, receivedAt: new Date() };
}

interface Stop {
  row: Row;
  /** Undefined where it is not kept. */
  messageId: number | undefined;
}

/**
 * A STOP of before counts where it is the newest word of the person to any number of the location, and nobody has lifted an
 * opt-out of theirs since. Nothing of before lifts one.
 */
async function applyStops(tx: Db, mapping: MappingFacts, rows: Stop[]): Promise<NewDelivery[]> {
  const stops = rows
    .filter(({ row }) => row.consent === "stop")
    .flatMap(({ row, messageId }) => {
      const said = consentOfMessage(mapping, row.message, messageId).filter(({ change }) => change === "stop");
      return said.map((news) => ({ row, news }));
    });
  // Until this is committed they say nothing else.
  const known = await lockOptOuts(
    tx,
    stops.map(({ news }) => news),
  );
  const owed: NewDelivery[] = [];
  for (const { row, news } of stops) {
    const liftedAt = known.get(optOutKey(news))?.liftedAt;
    if (liftedAt && liftedAt > row.sentAt) continue;
    const texts = mapping.channel === "sms" ? await listShortTextsSince(tx, news, row.sentAt) : [];
    if (texts.some((text) => consentIn(text)?.change === "start")) continue;
    const changes = await changeConsents(tx, [news]);
    await keepTimes(
      tx,
      changes.changed.map(({ id }) => ({ id, optedOutAt: row.sentAt })),
    );
    owed.push(...changes.owed);
  }
  return owed;
}
