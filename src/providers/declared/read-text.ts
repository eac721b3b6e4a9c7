import { z } from "zod";
import { ParseError } from "../../errors.ts";
import { chatId } from "../../formats/address.ts";
import { normalizeWholeNumber } from "../../formats/phone-number.ts";
import { parseTime } from "../../formats/read-time.ts";
import type { Attachment, ProviderMessage } from "../../model.ts";
import { text, wishIn } from "../kit/events.ts";
import {
  knownContact,
  maybeText,
  messageId,
  notChatId,
  perNumber,
  requiredText,
  textPartySeenBy,
} from "../kit/fields.ts";
import type { DeclaredText, ProviderDocument } from "./document/document.ts";
import type { Scope } from "./paths.ts";
import { parseAt, readEach, readOne, readSource, type Sought, type ValueSource } from "./values.ts";

/** Reads a text as a document says. */
export function readTextBy(
  document: Pick<ProviderDocument, "numbers" | "services" | "people">,
  declared: DeclaredText,
): (scope: Scope) => ProviderMessage {
  const { timesAre, direction, files } = declared;
  const [idOf, fromOf, toOf] = [readSource(declared.id), readSource(declared.from), readSource(declared.to)];
  const read = (source: ValueSource | undefined) => (source === undefined ? () => nothing : readSource(source));
  const [ccOf, textOf, subjectOf] = [declared.cc, declared.text, declared.subject].map(read);
  const [sentAtOf, consentOf] = [declared.sentAt, declared.consent].map(read);
  const filesOf = files && readFilesBy(files);
  const contactOf = declared.contact && readContactBy(declared.contact);
  const partySeenBy = createParties(document);
  return (scope) => {
    const party = partySeenBy(scope.ownAddress);
    const from = readOne(fromOf(scope), party);
    const receivers = toOf(scope);
    const to = numbersOf(receivers, party);
    if (to.length === 0) throw new ParseError(`${receivers.path}: is missing`);
    return text({
      id: readOne(idOf(scope), messageId),
      from: from.number,
      service: from.service,
      to,
      cc: numbersOf(ccOf?.(scope) ?? nothing, party),
      subject: readOne(subjectOf?.(scope) ?? nothing, maybeText),
      text: readOne(textOf?.(scope) ?? nothing, maybeText),
      attachments: filesOf?.(scope) ?? [],
      sentAt: timeOf(readOne(sentAtOf?.(scope) ?? nothing, maybeText), timesAre),
      direction,
      ...contactOf?.(scope),
      ...wishIn(readOne(consentOf?.(scope) ?? nothing, maybeText)),
    });
  };
}

const nothing: Sought = { path: "nothing", values: [], isList: false };

type Party = ReturnType<typeof textPartySeenBy>;

/** Numbers without a plus are of the country that the document names, or of the mapping's. */
function createParties({ numbers, services, people }: Pick<ProviderDocument, "numbers" | "services" | "people">) {
  return perNumber((ownAddress): Party => {
    if (people === "ids") return requiredText.transform((id) => `id:${id}`).pipe(chatParty) as unknown as Party;
    const home = typeof numbers === "object" ? numbers.country : ownAddress;
    const party = textPartySeenBy(home).refine(
      ({ service }) => service === undefined || services.includes(service),
      "is of a service by which the bridge cannot answer at this provider",
    );
    return numbers === "international" ? (requiredText.transform(withPlus).pipe(party) as unknown as Party) : party;
  });
}

const chatParty = z
  .string()
  .regex(chatId, notChatId)
  .transform((number) => ({ number, service: undefined }));

/** Of each fact what can be read of it: it is no reason to lose a text. */
function readContactBy(declared: NonNullable<DeclaredText["contact"]>) {
  const sources = Object.entries(declared).flatMap(([name, source]) =>
    source === undefined ? [] : [{ name, read: readSource(source) }],
  );
  return (scope: Scope): Pick<ProviderMessage, "fromName" | "contact"> => {
    const said = Object.fromEntries(sources.map(({ name, read }) => [name, readOne(read(scope), lenientText)]));
    const { name: fromName, ...known } = knownContact.parse(said);
    return { fromName, contact: known };
  };
}

const lenientText = maybeText.catch(undefined);

/** Shorter ones are short codes. */
const withPlus = (given: string) => (/^\s*\d+\s*$/.test(given) ? (normalizeWholeNumber(given) ?? given) : given);

const numbersOf = (sought: Sought, party: Party): string[] => readEach(sought, party).map(({ number }) => number);

function timeOf(given: string | undefined, timesAre: DeclaredText["timesAre"]): Date | undefined {
  if (timesAre === "ISO 8601") return parseTime(given);
  if (given === undefined || !/^\d{1,14}(\.\d{1,9})?$/.test(given)) return undefined;
  const time = new Date(Math.round(Number(given) * (timesAre === "unix seconds" ? 1000 : 1)));
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** Each with a URL; what else is said of it stands at the same place of the other lists. */
function readFilesBy(files: NonNullable<DeclaredText["files"]>): (scope: Scope) => Attachment[] {
  const urlOf = readSource(files.url);
  const more = (["contentType", "name", "sizeBytes"] as const).flatMap((name) => {
    const source = files[name];
    return source === undefined ? [] : [{ name, read: readSource(source) }];
  });
  return (scope) => {
    const urls = urlOf(scope);
    const facts = more.map(({ name, read }) => ({ name, sought: read(scope) }));
    return urls.values.flatMap((value, index) => {
      if (value === undefined) return [];
      const url = parseAt(urls.path, requiredText, value);
      return [{ url, ...Object.assign({}, ...facts.map((fact) => factAt(fact, index))) }];
    });
  };
}

interface Fact {
  name: "contentType" | "name" | "sizeBytes";
  sought: Sought;
}

function factAt({ name, sought: { path, values } }: Fact, index: number): Partial<Attachment> {
  const said = parseAt(path, maybeText, values[index]);
  if (said === undefined) return {};
  if (name !== "sizeBytes") return { [name]: said };
  return /^\d{1,15}$/.test(said) ? { sizeBytes: Number(said) } : {};
}
