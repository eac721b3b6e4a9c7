import { ParseError } from "../../errors.ts";
import { isUnsubscribeTokenOf, unsubscribedMessageId } from "../../formats/email/tokens/unsubscribe-token.ts";
import { formText, readForm } from "../../formats/form.ts";
import { changeConsents } from "../../registry/opt-outs/change-consents.ts";
import { lockAccount } from "../../store/accounts.ts";
import { enqueueDeliveries } from "../../store/deliveries.ts";
import { findMapping } from "../../store/mappings.ts";
import { findMessageWithConversation } from "../../store/messages/messages.ts";
import type { Db } from "../../store/postgres/database.ts";
import { repeatOnConflict } from "../../store/postgres/database-errors.ts";
import type { Conversation, MappingRow } from "../../store/schema.ts";
import { inAllPlaces } from "./consents.ts";

/** The email that a token was written into, and whom it was written to. */
export interface UnsubscribableEmail {
  messageId: number;
  mapping: MappingRow;
  conversation: Conversation;
}

/**
 * Undefined for a token that we did not write. Those of a mapping that was deleted or moved still hold: the person wants no
 * more emails of the location, by whichever mailbox.
 */
export async function findUnsubscribable(
  { db, emailSecret }: { db: Db; emailSecret: Buffer },
  token: string,
): Promise<UnsubscribableEmail | undefined> {
  const messageId = unsubscribedMessageId(token);
  const found = messageId === undefined ? undefined : await findMessageWithConversation(db, messageId);
  const mappingId = found?.message.mappingId;
  if (!found || !mappingId || !isUnsubscribeTokenOf(emailSecret, token, found.message)) return undefined;
  const mapping = await findMapping(db, mappingId);
  return mapping && { messageId: found.message.id, mapping, conversation: found.conversation };
}

/** Is it what a mail program posts? https://www.rfc-editor.org/rfc/rfc8058#section-3.2 */
export async function isOneClick(contentType: string, body: Buffer): Promise<boolean> {
  try {
    return formText(await readForm(contentType, body), "List-Unsubscribe")?.trim() === "One-Click";
  } catch (error) {
    if (error instanceof ParseError) return false;
    throw error;
  }
}

/** Keeps that the person wants no more emails, as if a provider had told it; again, it changes nothing. Is it news? */
export async function unsubscribe(db: Db, { messageId, mapping, conversation }: UnsubscribableEmail): Promise<boolean> {
  return repeatOnConflict(() =>
    db.transaction(async (tx) => {
      // A mapping that is being moved takes along who is not to be written to.
      await lockAccount(tx, mapping.accountId);
      const { movedTo = null } = (await findMapping(tx, mapping.id)) ?? {};
      const { locationId, address } = conversation;
      const about = { locationId, channel: "email", address, change: "stop", cause: "unsubscribe" } as const;
      const said = await inAllPlaces(tx, { movedTo }, [{ ...about, messageId, detail: "List-Unsubscribe" }]);
      const { changed, owed } = await changeConsents(tx, said);
      await enqueueDeliveries(tx, owed);
      return changed.length > 0;
    }),
  );
}
