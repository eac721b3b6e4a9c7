import { Failure } from "../errors.ts";
import { bareChatId, isChatId } from "../formats/address.ts";
import type { Access } from "../highlevel/call.ts";
import type { Highlevel } from "../highlevel/client.ts";
import type { ContactKey } from "../highlevel/contacts.ts";
import { goneThing } from "../highlevel/refusals.ts";
import { admit, heldDetail } from "../messages/aside/unknown-sender.ts";
import type { Mapping } from "../registry/mappings.ts";
import { oweStandingDnd } from "../registry/opt-outs/change-consents.ts";
import { forgetHighlevelIds, keepHighlevelIds } from "../store/conversations.ts";
import { endMaking, takeMaking } from "../store/people/making-contacts.ts";
import { wasNameTold } from "../store/people/told-names.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation } from "../store/schema.ts";
import type { MessageAttempt } from "./attempt.ts";

interface KnowContext {
  db: Db;
  /** The longest that one attempt may take. */
  attemptSeconds: number;
  highlevel: Pick<Highlevel, "ensureContact" | "ensureConversation" | "findContact" | "nameIfNameless">;
}

type Ids = Pick<MessageAttempt, "conversation" | "message">;

/**
 * HighLevel's ids for the sender. With only one of the two registered, HighLevel completes the other. A name that is told for the
 * first time is given to a contact that has none.
 */
export async function knowSender(
  context: KnowContext,
  mapping: Mapping,
  access: Access,
  { conversation, message }: Ids,
): Promise<Conversation> {
  const { db, highlevel, attemptSeconds } = context;
  const told = message.content?.contact?.contactId;
  const knownId = conversation.highlevelContactId ?? told;
  if (knownId !== undefined) await tellName(context, access, knownId, { conversation, message });
  if (conversation.highlevelConversationId) return conversation;
  if (admit(mapping, conversation) !== "let in") throw new Failure("unknown_sender", heldDetail);
  const { address } = conversation;
  const contactId = knownId ?? (await makeContact());
  await oweStandingDnd(db, { locationId: mapping.locationId, address }, conversation.id);
  const conversationId = await highlevel.ensureConversation(access, contactId);
  await keepHighlevelIds(db, conversation.id, { contactId, conversationId });
  return { ...conversation, highlevelContactId: contactId, highlevelConversationId: conversationId };

  /**
   * By one delivery at a time, of what is live and of what was before: both would make it. Kept before anything else can fail: one
   * without an address would be made again.
   */
  async function makeContact(): Promise<string> {
    const { contactId: known, until } = await takeMaking(db, conversation.id, attemptSeconds + 1);
    if (known !== null) return known;
    if (until === null)
      throw new Failure("not_visible", "another delivery is making the contact", { retryAfterSeconds: 1 });
    try {
      const contactId = await highlevel.ensureContact(access, keyOf(mapping, { conversation, message }));
      await keepHighlevelIds(db, conversation.id, { contactId });
      return contactId;
    } catch (error) {
      // Where that fails, it ends by itself.
      await endMaking(db, conversation.id, until).catch(() => undefined);
      throw error;
    }
  }
}

/** To whom HighLevel knew before: by each message of theirs it would be a call. */
async function tellName(
  { db, highlevel }: Pick<KnowContext, "db" | "highlevel">,
  access: Access,
  contactId: string,
  { conversation, message }: Ids,
): Promise<void> {
  const name = message.content?.fromName;
  if (!name || (await wasNameTold(db, { conversationId: conversation.id, messageId: message.id }))) return;
  await highlevel.nameIfNameless(access, contactId, name);
}

/** Without the ids that led nowhere; the conversation also for later messages. Throws what is about none of them. */
export async function forgetGone(
  context: { db: Db; highlevel: Pick<Highlevel, "findContact"> },
  mapping: Mapping,
  access: Access,
  { conversation, message }: Ids,
  error: unknown,
): Promise<Ids> {
  const { highlevelContactId, highlevelConversationId, id } = conversation;
  const gone = error instanceof Failure ? goneThing(error) : undefined;
  if (gone === undefined) throw error;
  if (highlevelContactId === null && highlevelConversationId === null) {
    if (message.content?.contact?.contactId === undefined) throw error;
    return { conversation, message: withoutTold(message) };
  }
  const isContactLeft = gone === "conversation" && highlevelContactId !== null && highlevelConversationId !== null;
  const ids = { contactId: isContactLeft ? null : highlevelContactId, conversationId: highlevelConversationId };
  const heir = isContactLeft ? null : await findHeir(context, mapping, access, { conversation, message });
  await forgetHighlevelIds(context.db, id, ids, heir);
  const left = { highlevelConversationId: null, highlevelContactId: isContactLeft ? highlevelContactId : heir };
  // What is tried once is not tried again, so that it comes to an end.
  const isTried = heir !== null && message.content?.contact?.contactId === heir;
  return { conversation: { ...conversation, ...left }, message: isTried ? withoutTold(message) : message };
}

/** Without the contact that the sender told. */
function withoutTold(message: Ids["message"]): Ids["message"] {
  const { content } = message;
  if (!content?.contact) return message;
  return { ...message, content: { ...content, contact: { ...content.contact, contactId: undefined } } };
}

/** Who the person is now, where it would be forgotten that they are known; elsewhere the contact is found as a stranger's is. Throws a Failure where it is to be seen later. */
async function findHeir(
  { highlevel }: { highlevel: Pick<Highlevel, "findContact"> },
  mapping: Mapping,
  access: Access,
  ids: Ids,
): Promise<string | null> {
  if (mapping.unknownSender === "create") return null;
  const gone = ids.conversation.highlevelContactId;
  const told = ids.message.content?.contact?.contactId;
  if (told !== undefined && told !== gone) return told;
  const found = await highlevel.findContact(access, keyOf(mapping, ids));
  if (found !== undefined && found === gone)
    throw new Failure("not_visible", "HighLevel's search still finds the contact that it says is gone");
  return found ?? null;
}

function keyOf({ channel }: Mapping, { conversation: { address }, message }: Ids): ContactKey {
  const { fromName: name, contact } = message.content ?? {};
  if (isChatId(address)) return { phone: contact?.phone, email: contact?.email, name: name ?? bareChatId(address) };
  return channel === "sms" ? { phone: address, name } : { email: address, name };
}
