import { addressParser } from "postal-mime";
import { parseMessageIds } from "../../../src/formats/mail-headers.ts";
import type { Channel } from "../../../src/model.ts";
import type { SendFixture } from "../fixtures.ts";

/**
 * A body's values by their places, such as `Headers.Message-ID` or `media_urls.*`: all entries of a list stand in one place,
 * as do all fields of a form that have one name. A list of names and values counts as an object.
 */
export type Values = Map<string, unknown[]>;

/** As fixtures write a body: JSON, or a form as pairs. */
export function valuesOf(body: unknown, isForm: boolean): Values {
  const values: Values = new Map();
  const leaves = isForm
    ? (body as [string, unknown][]).flatMap(([name, value]) => leavesOf(value, name))
    : leavesOf(body, "");
  for (const { place, found } of leaves) values.set(place, [...(values.get(place) ?? []), ...found]);
  return values;
}

interface Leaf {
  place: string;
  /** One value, or none for a list that is empty. */
  found: unknown[];
}

function leavesOf(value: unknown, place: string): Leaf[] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null) return [{ place, found: [value] }];
  const below = (name: string) => (place === "" ? name : `${place}.${name}`);
  const fields = Array.isArray(value) ? namedValues(value) : value;
  if (fields) return Object.entries(fields).flatMap(([name, each]) => leavesOf(each, below(name)));
  const all = below("*");
  return [{ place: all, found: [] }, ...(value as unknown[]).flatMap((each) => leavesOf(each, all))];
}

/** What several have for name and value. */
const namings = [
  ["Name", "Value"],
  ["name", "value"],
  ["type", "value"],
  ["type", "email"],
] as const;

/** Of one name there may be several values. */
function namedValues(list: unknown[]): Record<string, unknown> | undefined {
  const naming = namings.find(([name, value]) =>
    list.every((each) => {
      const { [name]: named, [value]: valued, ...others } = (each ?? {}) as Record<string, unknown>;
      return typeof named === "string" && valued !== undefined && Object.keys(others).length === 0;
    }),
  );
  if (list.length === 0 || !naming) return undefined;
  const [name, value] = naming;
  const entries = list as Record<string, unknown>[];
  const valuesOfName = (wanted: unknown) => entries.filter((each) => each[name] === wanted).map((each) => each[value]);
  return Object.fromEntries(
    entries.map((each) => {
      const values = valuesOfName(each[name]);
      return [each[name], values.length === 1 && value !== "email" ? values[0] : values];
    }),
  );
}

/** What a stand-in reads out of a request. */
export interface ReadMessage {
  reference: string[];
  from: string[];
  to: string[];
  cc: string[];
  bcc: string[];
  replyTo: string[];
  subject: string[];
  text: string[];
  html: string[];
  rfcMessageId: string[];
  inReplyTo: string[];
  references: string[];
  unsubscribeUrl: string[];
  unsubscribePost: string[];
  media: string[];
  receiptUrl: string[];
}
type Field = keyof ReadMessage;

/** The places where each part of a message stands, for a provider that takes it. */
export type Places = Partial<Record<Field, string[]>> & {
  /** Where the URLs of files follow the words, each in a line, for a provider that takes no files. */
  links?: string;
  /** The provider gives each email a Message-ID of its own: ours stands at the end of the references. */
  isRenamed?: boolean;
  /** It stands there, whether or not it is the Message-ID as well. */
  isChained?: boolean;
  /** Where all recipients stand, for a provider that has no place for those of blind copies alone. */
  everybody?: string;
};

/**
 * Where a fixture's values stand in its request. A place is one that fits every fixture: it holds what the message says,
 * and is missing where the message says nothing. Where there is none, as for the words of texts and of captions, it is
 * several, of which each holds that or nothing, and one at least does.
 */
export function findPlaces(fixtures: SendFixture[], channel: Channel, isForm: boolean): Places {
  const requests = fixtures.map(({ request, message }) => ({
    values: valuesOf(request.body, isForm),
    expected: partsOf(saidOtherwise(request.body) ? withoutService(message) : message, channel),
  }));
  const places = [...new Set(requests.flatMap(({ values }) => [...values.keys()]))];
  const found: Places = {};
  for (const field of Object.keys(readers) as Field[]) {
    const spoken = requests.filter(({ expected }) => expected[field].length > 0);
    const readAt = (place: string, { values }: (typeof requests)[number]) =>
      readers[field](textsAt(values, place), channel);
    const fits = (place: string) => requests.every((each) => isSame(readAt(place, each), each.expected[field]));
    const mayHold = (place: string) =>
      requests.every((each) => readAt(place, each).length === 0 || isSame(readAt(place, each), each.expected[field]));
    const isAt = (place: string, each: (typeof requests)[number]) => readAt(place, each).length > 0;
    const one = spoken.length > 0 ? places.find(fits) : undefined;
    const several = places.filter((place) => mayHold(place) && spoken.some((each) => isAt(place, each)));
    const isWhole = spoken.every((each) => several.filter((place) => isAt(place, each)).length === 1);
    if (one !== undefined) found[field] = [one];
    else if (several.length > 0 && isWhole) found[field] = several;
  }
  if (channel === "email") Object.assign(found, findOddPlaces(requests, places, found));
  if (found.media || !requests.some(({ expected }) => expected.media.length > 0)) return found;
  const written = ({ text, media }: ReadMessage) => [[...text, ...media].join("\n")];
  const links = places.find((place) =>
    requests.every(({ values, expected }) => isSame(textsAt(values, place), written(expected))),
  );
  return links === undefined ? found : { ...found, links, text: [links] };
}

/** Of emails: our Message-ID at the end of the references, and one place for all recipients. */
function findOddPlaces(
  requests: { values: Values; expected: ReadMessage }[],
  places: string[],
  found: Places,
): Partial<Places> {
  const placeOf = (field: "references" | "to", wanted: (expected: ReadMessage) => string[]) =>
    places.find((each) =>
      requests.every(({ values, expected }) =>
        isSame(readers[field](textsAt(values, each), "email"), wanted(expected)),
      ),
    );
  const chain = found.references
    ? undefined
    : placeOf("references", ({ references, rfcMessageId }) => [...references, ...rfcMessageId]);
  const everybody = found.bcc ? undefined : placeOf("to", ({ to, cc, bcc }) => [...to, ...cc, ...bcc]);
  return {
    ...(chain === undefined ? {} : { references: [chain], isChained: true, isRenamed: !found.rfcMessageId }),
    ...(everybody === undefined ? {} : { everybody }),
  };
}

/** Most name the service before the numbers, as in `whatsapp:+15005550006`; some by the call, or by a field. */
const saidOtherwise = (body: unknown) =>
  !JSON.stringify(body).includes('"whatsapp:') && !JSON.stringify(body).includes('"rcs:');
const service = /^(whatsapp|rcs):/;

function withoutService(message: SendFixture["message"]): SendFixture["message"] {
  const plain = (address: string) => address.replace(service, "");
  return { ...message, from: plain(message.from), to: plain(message.to) };
}

/** What stands before the numbers of messages like this one, where it does not stand there in the request. */
export function prefixOf({ message, request }: SendFixture): string {
  return saidOtherwise(request.body) ? (service.exec(message.to)?.[0] ?? "") : "";
}

export function readMessage(values: Values, places: Places, channel: Channel): ReadMessage {
  const read = (field: Field) => {
    const texts = (places[field] ?? []).flatMap((place) => textsAt(values, place));
    return [field, readers[field](texts, channel)];
  };
  const message = Object.fromEntries((Object.keys(readers) as Field[]).map(read)) as ReadMessage;
  if (places.isRenamed) message.rfcMessageId = message.references.slice(-1);
  if (places.everybody !== undefined) {
    const named = [...message.to, ...message.cc];
    message.bcc = asAddresses(textsAt(values, places.everybody), channel).filter((each) => !named.includes(each));
  }
  return places.links === undefined ? message : { ...message, ...splitLinks(message.text[0] ?? "") };
}

function splitLinks(text: string): Pick<ReadMessage, "text" | "media"> {
  const lines = text.split("\n");
  const isLink = (line: string) => /^https?:\/\/\S+$/.test(line);
  const words = lines.slice(0, lines.findLastIndex((line) => !isLink(line)) + 1).join("\n");
  return { text: words === "" ? [] : [words], media: lines.filter(isLink) };
}

const textsAt = (values: Values, place: string) =>
  (values.get(place) ?? []).filter((value): value is string => typeof value === "string" && value !== "");
const isSame = (some: string[], others: string[]) => JSON.stringify(some) === JSON.stringify(others);

const asIs = (texts: string[]) => texts;
const asAddresses = (texts: string[], channel: Channel) =>
  channel === "email"
    ? texts.flatMap((list) =>
        addressParser(list, { flatten: true }).map(({ address, name }) => requoted(address || name)),
      )
    : texts.map(withPlus);
/** The parser takes the quotes off a local part, also where it is no address without them. */
const requoted = (address: string) => address.replace(/^(?=[^@]*(?:\.\.|\.@)|\.)([^@"]+)@/, '"$1"@');
/** Some leave the plus away, and some write the chat of WhatsApp's, as 15005550006@c.us. */
const withPlus = (number: string) => number.replace(/^(\d{9,15})(@c\.us)?$/, "+$1");
const withoutBrackets = (texts: string[]) => texts.map((url) => url.replace(/^<(.*)>$/, "$1"));
const asIds = (texts: string[]) => texts.flatMap((ids) => parseMessageIds(ids));

/** How the texts at a place say each part of a message. */
const readers: Record<Field, (texts: string[], channel: Channel) => string[]> = {
  reference: (texts) => [...new Set(texts)],
  ...{
    from: asAddresses,
    to: (texts, channel) => [...new Set(asAddresses(texts, channel))],
    cc: asAddresses,
    bcc: asAddresses,
    replyTo: asAddresses,
  },
  ...{ subject: asIs, text: asIs, html: asIs },
  ...{ rfcMessageId: asIds, inReplyTo: asIds, references: asIds },
  ...{ unsubscribeUrl: withoutBrackets, unsubscribePost: asIs },
  ...{ media: asIs, receiptUrl: asIs },
};

/** Of a text's files the URLs go out, of an email's their names. */
function partsOf(message: SendFixture["message"], channel: Channel): ReadMessage {
  const { reference, from, to, cc, bcc, replyTo, subject, text, html, receiptUrl } = message;
  const { rfcMessageId, inReplyTo, references, unsubscribeUrl, attachments } = message;
  const one = (value: string | undefined) => (value ? [value] : []);
  return {
    ...{ reference: one(reference), from: one(from), to: one(to), cc, bcc, replyTo: one(replyTo) },
    ...{ subject: one(subject), text: one(text), html: one(html), receiptUrl: one(receiptUrl) },
    ...{ rfcMessageId: one(rfcMessageId), inReplyTo: one(inReplyTo), references },
    unsubscribeUrl: one(unsubscribeUrl),
    unsubscribePost: one(unsubscribeUrl && "List-Unsubscribe=One-Click"),
    media: attachments.map(({ url, name }) => (channel === "sms" ? url : name)),
  };
}
