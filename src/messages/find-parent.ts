import type { Email } from "../highlevel/schemas.ts";
import {
  findBefore,
  findByEmailId,
  findByProviderId,
  listEmailsBefore,
  type ThreadEmail,
} from "../store/messages/threads.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, Message, MessageContent } from "../store/schema.ts";

const maxEmails = 50;
const maxReferences = 20;

type About = { message: Message; content: MessageContent; conversation: Conversation; email: Email | undefined };

/** The email that an agent's email answers, with those before it in its thread; undefined for one that begins a thread. */
export async function findParent(db: Db, about: About): Promise<ThreadEmail | undefined> {
  const parent = await findAnswered(db, about);
  if (!parent || parent.references?.length) return parent;
  // The person's mail program left them out, and maybe what it answers: in its own mailbox our email ties the two together.
  const before = await findBefore(db, parent.id);
  if (!before) return parent;
  const references = [...referencesTo(before).references, ...(parent.inReplyTo ?? [])];
  return { ...parent, references: [...new Set(references)] };
}

/**
 * The email that an agent's email answers: the one that HighLevel's call names, else the one that HighLevel says it
 * answers, else the newest of the conversation with the same subject.
 */
async function findAnswered(
  db: Db,
  { message, content, conversation, email }: About,
): Promise<ThreadEmail | undefined> {
  if (content.replyToAltId && conversation.mappingId) {
    const named = await findByProviderId(db, conversation.mappingId, content.replyToAltId);
    if (named) return named;
  }
  if (email?.replyToMessageId) {
    const answered = await findByEmailId(db, conversation, email.replyToMessageId);
    if (answered) return answered;
  }
  const subject = baseSubject(content.subject);
  const earlier = await listEmailsBefore(db, message, maxEmails);
  return earlier.find((each) => !each.hasContent || baseSubject(each.subject) === subject);
}

/** The parent's chain and the parent itself, oldest first: https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4 */
export function referencesTo(parent: Pick<ThreadEmail, "rfcMessageId" | "inReplyTo" | "references">): {
  inReplyTo: string[];
  references: string[];
} {
  const { rfcMessageId } = parent;
  if (!rfcMessageId) return { inReplyTo: [], references: [] };
  const [references, inReplyTo] = [parent.references ?? [], parent.inReplyTo ?? []];
  const chain = references.length > 0 || inReplyTo.length !== 1 ? references : inReplyTo;
  const all = [...chain.filter((id) => id !== rfcMessageId), rfcMessageId];
  // The first id tells the thread to those who have lost the middle.
  const kept = all.length > maxReferences ? [...all.slice(0, 1), ...all.slice(1 - maxReferences)] : all;
  return { inReplyTo: [rfcMessageId], references: kept };
}

/** Of answers and forwards: https://en.wikipedia.org/wiki/List_of_email_subject_abbreviations */
const prefixes = [
  ...["re", "aw", "antw", "antwort", "antwoord", "sv", "svar", "vs", "vast", "rif", "r", "ref", "réf", "rép", "ré"],
  ...["res", "resp", "resposta", "respuesta", "risposta", "odp", "odpověď", "odpoveď", "ynt", "yanıt", "vá", "bls"],
  ...["atb", "ats", "απ", "σχετ", "отв", "ответ", "отг", "відп", "hs", "balas", "trả lời", "ตอบ", "ตอบกลับ"],
  ...["回复", "答复", "回覆", "答覆", "回信", "返信", "답장", "회신", "השב", "תגובה", "رد", "تمت الإجابة"],
  ...["fw", "fwd", "wg", "tr", "vb", "vl", "vid", "enc", "rv", "i", "doorst", "pd", "tb", "πρθ", "пересл"],
  ...["betr", "ang", "válasz", "отговор", "одг", "odg", "ats", "svar på", "re-"],
  ...["ilt", "İlt", "chuyển tiếp", "转发", "轉寄", "転送", "전달", "הועבר", "إعادة توجيه"],
];
const replyPrefix = new RegExp(`^(?:${prefixes.join("|")})\\.?(?:\\[\\d+\\]|\\(\\d+\\)|\\^\\d+)?\\s*[:：]\\s*`, "iu");
/** What servers put before the subject of what comes from outside: it stands before their own users' answers, too. */
const serversTag =
  /^(?:[[({<]\s*(?:e|ext(?:ern(?:al|e|o|í)?)?|spam|junk|bulk|suspect(?:ed)?|caution|warning)\b[^\])}>]{0,40}[\])}>]|\*+ ?spam ?\*+|ext(?:ern(?:al)?)?\s?[:-]\s|(?:\p{Extended_Pictographic}\ufe0f?)+)\s*/iu;
/** What helpdesks and lists put there counts where a reply's mark follows: otherwise it may be the subject's own. */
const tagBeforeReply = /^\[[^[\]]{1,60}\]\s*/;

/** Does the subject say that it answers something? */
export const isReply = (subject: string | null | undefined): boolean => replyPrefix.test(withoutTags(subject));

/** A subject without what mail programs and servers put before it: https://www.rfc-editor.org/rfc/rfc5256#section-2.1 */
export function baseSubject(subject: string | null | undefined): string {
  let base = withoutTags(subject);
  while (replyPrefix.test(base)) base = withoutTags(base.replace(replyPrefix, ""));
  return base.replace(/\s+/g, " ").trim().toLowerCase();
}

function withoutTags(subject: string | null | undefined): string {
  let rest = (subject ?? "").trim();
  while (serversTag.test(rest)) rest = rest.replace(serversTag, "");
  const untagged = rest.replace(tagBeforeReply, "");
  return replyPrefix.test(untagged) ? untagged : rest;
}
