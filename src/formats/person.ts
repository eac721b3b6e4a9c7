import { ParseError } from "../errors.ts";
import type { Correspondent, ProviderMessage } from "../model.ts";
import { findHeader, type MailHeader } from "./email/header.ts";
import type { MailFacts } from "./mail-headers.ts";
import { type Mailbox, parseMailboxes, parseSender } from "./mailbox.ts";

export interface SenderFacts extends Pick<MailFacts, "automatic"> {
  from: Mailbox | undefined;
  headers: MailHeader[];
  envelopeSender?: string | undefined;
}

/** Stands for whoever sent a bounce that names nobody. No host is called so: https://www.rfc-editor.org/rfc/rfc6761#section-6.4 */
const nobody: Mailbox = { address: "mailer-daemon@sender.invalid", name: undefined };

/**
 * Who wrote an email, and where it wants answers. That is From, where it can be read and is not evidently a relay: a
 * no-reply address, a web form's, or a group that rewrites From. Then it is whom the relay names. Of an ordinary sender
 * Reply-To is a wish of its own: it never says who wrote.
 *
 * Where From cannot be read, whoever else the email names; throws a ParseError where it names nobody, save for mail that a
 * machine wrote.
 */
export function requirePerson(facts: SenderFacts): { person: Mailbox; replyTo: Mailbox | undefined } {
  const { from, headers, envelopeSender, automatic } = facts;
  const replyTo = parseMailboxes(findHeader(headers, "reply-to")).find(({ address }) => address !== from?.address);
  if (from && !isRelay(from, facts)) return { person: from, replyTo };
  if (from) {
    const person = relayedFor(from, facts, replyTo) ?? from;
    return { person, replyTo: replyTo?.address === person.address ? undefined : replyTo };
  }
  const others = [
    findHeader(headers, "sender"),
    findHeader(headers, "reply-to"),
    envelopeSender,
    findHeader(headers, "return-path"),
  ];
  const person = others.flatMap((header) => parseSender(header) ?? [])[0] ?? (automatic ? nobody : undefined);
  if (!person) throw new ParseError("from: holds no mailbox, and nothing else in the email names its sender");
  return { person, replyTo };
}

/** The names of machines' mailboxes, which nobody reads. */
const noReply =
  /^(?:.*[._+-])?(?:no[._-]?reply|do[._-]?not[._-]?reply|not?[._-]?respond(?:er|a|as)?|no[._-]?responder|ne[._-]?pas[._-]?repondre|nao[._-]?responda|non[._-]?rispondere|nicht[._-]?antworten|niet[._-]?beantwoorden|noresponse|no[._-]?response|unattended|nobody)(?:[._+-].*)?$/;
const formMailbox =
  /^(?:wordpress|wp|www|www-data|apache|web|website|webform|webforms|webmaster|form|forms|formular|formmail|kontaktformular|contactform|contact-form|mailer|notify|notification|notifications|server|root|system|cgi|nginx|php)$/;
function isRelay(from: Mailbox, facts: SenderFacts): boolean {
  const [local] = split(from.address);
  if (noReply.test(local) || formMailbox.test(local)) return true;
  return isGroupsOwn(from, facts.headers);
}

/**
 * The same once our own mailbox is known: an email from it, or from its domain, comes from a form that writes in our name,
 * and the person is in Reply-To. Undefined where From is the person, and where our own mailbox names nobody else.
 */
export function personBehind(
  { from, replyTo }: Pick<ProviderMessage, "from" | "replyTo">,
  ownMailbox: string,
): Correspondent | undefined {
  const [, domain] = split(ownMailbox);
  const isOwn = from === ownMailbox || (split(from)[1] === domain && !openHosts.test(domain));
  return isOwn && replyTo && split(replyTo.address)[1] !== domain ? replyTo : undefined;
}

/** Where everybody has a mailbox, so that a common domain says nothing. */
const openHosts =
  /^(?:gmail|googlemail|outlook|hotmail|live|msn|yahoo|ymail|icloud|me|mac|aol|gmx|web|mail|proton|protonmail|t-online|orange|free|libero|yandex|qq|163|126)\.[a-z.]+$/;

/** A group that may not write in other people's names puts itself into From, and says "Ann via Group". */
function isGroupsOwn({ address, name = "" }: Mailbox, headers: MailHeader[]): boolean {
  const posts = /mailto:([^>?]+)/i
    .exec(findHeader(headers, "list-post") ?? "")?.[1]
    ?.trim()
    .toLowerCase();
  if (posts === address) return true;
  const listId = /<([^<>]+)>\s*$/.exec(findHeader(headers, "list-id") ?? "")?.[1]?.toLowerCase();
  if (listId === address.replace("@", ".")) return true;
  const isGroup = listId !== undefined || findHeader(headers, "x-google-group-id") !== undefined;
  return isGroup && /\bvia\b/i.test(name);
}

function relayedFor(from: Mailbox, { headers }: SenderFacts, replyTo: Mailbox | undefined): Mailbox | undefined {
  const originals = isGroupsOwn(from, headers) ? ["x-original-from", "x-original-sender"] : ["x-original-from"];
  const named = originals.flatMap((header) => parseSender(findHeader(headers, header)) ?? []);
  const person = [...named, ...(replyTo ? [replyTo] : [])].find(
    (mailbox) => mailbox.address !== from.address && !noReply.test(split(mailbox.address)[0]),
  );
  return person && { ...person, name: person.name ?? nameBefore(from.name) };
}

/** "Ann via Group" is Ann, where the group says no more of her. */
const nameBefore = (name: string | undefined) => /^['"]?(.+?)['"]? via .+$/i.exec(name ?? "")?.[1];

function split(address: string): [string, string] {
  const at = address.lastIndexOf("@");
  return [address.slice(0, at), address.slice(at + 1)];
}
