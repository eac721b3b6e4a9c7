import { ParseError } from "../errors.ts";
import type { Correspondent, ProviderMessage } from "../model.ts";
import { findHeader, type MailHeader } from "./email/header.ts";
import type { MailFacts } from "./mail-headers.ts";
import { type Mailbox, parseMailboxes, parseSender } from "./mailbox.ts";

export interface SenderFacts extends Pick<MailFacts, "automatic"> {
  from: Mailbox | undefined;
  /** To whom it was sent. Where a relay wants answers to them as well, they are not who wrote. */
  to: readonly string[];
  cc: readonly string[];
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
  const replyTo = replyToOf(facts);
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

/** Who is not the sender, and rather nobody who has received it too. */
function replyToOf({ from, headers, to, cc }: SenderFacts): Mailbox | undefined {
  const others = parseMailboxes(findHeader(headers, "reply-to")).filter(({ address }) => address !== from?.address);
  return (
    others.find(({ address }) => ![...to, ...cc].includes(address)) ??
    others.find(({ address }) => address !== to[0]) ??
    others[0]
  );
}

/** The names of machines' mailboxes, which nobody reads. */
const noReply = new RegExp(
  `^(?:.*[._+-])?(?:${[
    "no[._-]?repl(?:y|ies|ay)|do?(?:es)?[._-]?n[o']?t[._-]?(?:reply|respond|answer)|not?[._-]?respond(?:er|a|as)?|no[._-]?responder|noresponse|no[._-]?response|unattended|nobody",
    "ne[._-]?pas[._-]?r[eé]pondre|n[aã]o[._-]?respond(?:a|er)|no[._-]?contest(?:ar|e)|non[._-]?rispondere|nicht[._-]?antworten|keine?[._-]?antwort|niet[._-]?(?:be)?antwoorden|geen[._-]?antwoord|niet[._-]?reageren",
    "ikke[._-]?svar|svar[._-]?(?:ej|inte|ikke)|inget[._-]?svar|ingen[._-]?svar|ei[._-]?vastausta|ala[._-]?vastaa|nie[._-]?odpowiadaj|neodpov[ií]dat|neodpovedat|ne[._-]?valaszol(?:j|jon)|nu[._-]?raspunde(?:ti)?|ne[._-]?otvecha(?:y|i|t)|yanitlamay?in|cevaplamayin",
  ].join("|")})\\d*(?:[._+-].*)?$`,
);
const formMailbox = new RegExp(
  `^(?:${[
    "wordpress|wp|www|www-data|apache|web|website|webmaster|server|root|system|cgi|nginx|php|elementor|wp-?forms|gravity-?forms|ninja-?forms|contact-?form-?7|cf7",
    "(?:(?:auto|form|php)[._-]?)?mailer|notify|notifications?|automated|auto[._-]?(?:mail|reply|responder|confirm|notify)|alerts?|(?:ro|web|form)?bot|leads?",
    "(?:(?:web|website|site|online|contact|contacts|enquiry|enquiries|inquiry|inquiries|lead|leads|booking|order|quote|request|feedback)[._-]?)?forms?",
    "forms?[._-]?(?:mail|mailer|submissions?|responses?|entries|data|notifications?|handler)|(?:web[._-]?)?submi(?:t|ssions?)",
    "(?:kontakt|anfrage|bestell|buchungs|online|web)?[._-]?formular|formulaire(?:[._-]?(?:de[._-]?)?contact)?|formulario(?:[._-]?(?:de[._-]?|di[._-]?)?conta[ct]?to)?|modulo(?:[._-]?contatti)?|formularz|contactformulier|kontakt(?:formul[aá]r|skema|skjema)",
  ].join("|")})$`,
);

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
  if (isGroup(address, headers)) return true;
  const isOfGroup = ["list-id", "x-google-group-id"].some((header) => findHeader(headers, header) !== undefined);
  return isOfGroup && /\bvia\b/i.test(name);
}

/** Is it the address that the headers of a list or a group name as its own? */
function isGroup(address: string, headers: MailHeader[]): boolean {
  const posts = /mailto:([^>?]+)/i.exec(findHeader(headers, "list-post") ?? "")?.[1];
  const lists = /^\s*list\s+([^\s;]+)/i.exec(findHeader(headers, "mailing-list") ?? "")?.[1];
  const listId = /<([^<>]+)>\s*$/.exec(findHeader(headers, "list-id") ?? "")?.[1]?.toLowerCase();
  return [posts, lists].some((own) => own?.trim().toLowerCase() === address) || listId === address.replace("@", ".");
}

function relayedFor(from: Mailbox, { headers, to }: SenderFacts, replyTo: Mailbox | undefined): Mailbox | undefined {
  const originals = isGroupsOwn(from, headers) ? ["x-original-from", "x-original-sender"] : ["x-original-from"];
  const named = originals.flatMap((header) => parseSender(findHeader(headers, header)) ?? []);
  const person = [...named, ...(replyTo && !isGroup(replyTo.address, headers) ? [replyTo] : [])].find(
    (mailbox) =>
      mailbox.address !== from.address && mailbox.address !== to[0] && !noReply.test(split(mailbox.address)[0]),
  );
  return person && { ...person, name: person.name ?? nameBefore(from.name) };
}

/** "Ann via Group" is Ann, where the group says no more of her. */
const nameBefore = (name: string | undefined) => /^['"]?(.+?)['"]? via .+$/i.exec(name ?? "")?.[1];

/**
 * Did a form write it for somebody, and not a shop for itself? Then the machine's mark is the form's: the person is
 * at home elsewhere than the relay.
 */
export function isSomebodysForm(relay: string, person: string): boolean {
  const home = (address: string) => split(address)[1].split(".").slice(-2).join(".");
  return relay !== person && home(relay) !== home(person);
}

function split(address: string): [string, string] {
  const at = address.lastIndexOf("@");
  return [address.slice(0, at), address.slice(at + 1)];
}
