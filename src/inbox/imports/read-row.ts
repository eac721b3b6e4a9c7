import { createHash } from "node:crypto";
import { z } from "zod";
import { chatIdOf, isChatId, normalizeAddress } from "../../formats/address.ts";
import type { ProviderMessage } from "../../model.ts";
import type { MappingFacts } from "../../registry/mappings.ts";
import type { NewImportRow } from "../../store/imports/import-rows.ts";
import { consentOfMessage } from "../consent/consents.ts";
import { addressOfPerson, withNumbersOfToday } from "../read-webhook.ts";

const short = (most: number) =>
  z.string("must be a text").trim().min(1, "must not be empty").max(most, `must have ${most} characters at most`);
const long = z.string("must be a text").max(200_000, "must have 200,000 characters at most");
/** HighLevel's pages name no bound. */
const earliest = Date.UTC(1970, 0, 2);
const maxAheadMs = 600_000;

const timeError = "must be a time with its zone, such as 2025-01-31T09:30:00Z";
const otherTime = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)? ?(?:(Z|UTC|GMT)|([+-]\d\d):?(\d\d)?)$/i;

/** As databases write it, too, such as `2025-01-31 09:30:00.5+00` and `2025-01-31 09:30 UTC`; all else as it is. */
function asInIso(given: unknown): unknown {
  const [, day, minute, second = ":00", utc, hours, minutes = "00"] = otherTime.exec(String(given).trim()) ?? [];
  if (typeof given !== "string" || day === undefined) return given;
  return `${day}T${minute}${second}${utc ? "Z" : `${hours}:${minutes}`}`;
}

/** Every line has these. */
export const requiredFields = ["date", "direction", "person"] as const;

/** A line of a file: who wrote what, and when. */
const pastRow = z
  .strictObject({
    date: z
      .preprocess(asInIso, z.iso.datetime({ offset: true, error: timeError }))
      .transform((given) => new Date(given))
      .refine((date) => date.getTime() >= earliest, "is before 1970")
      .refine((date) => date.getTime() <= Date.now() + maxAheadMs, "is in the future"),
    direction: z.enum(["inbound", "outbound"], "must be inbound, which a person wrote, or outbound"),
    person: short(400),
    name: short(200).optional(),
    text: long.optional(),
    subject: short(2000).optional(),
    html: long.optional(),
    attachments: z
      .array(z.httpUrl("must be URLs by https or http").max(2000))
      .max(10, "must have 10 entries at most")
      .optional(),
    id: short(500).optional(),
    mailbox: short(400).optional(),
    rfcMessageId: short(1000).optional(),
    inReplyTo: short(1000).optional(),
  })
  .refine(({ text, html, attachments = [] }) => text?.trim() || html || attachments.length > 0, {
    message: "says nothing: text, html or attachments are needed",
    path: ["text"],
  });
type PastRow = z.output<typeof pastRow>;

/** Reads the lines of a file, each to a message or to why it cannot be taken. */
export function createRowReader(mapping: MappingFacts): (line: number, given: unknown) => NewImportRow {
  const counts = new Map<string, number>();
  return (line, given) => {
    const parsed = pastRow.safeParse(given);
    if (!parsed.success) return { line, reason: wordsOf(parsed.error) };
    if (!isStorable(given)) return { line, reason: "it holds U+0000, or half of a surrogate pair" };
    const row = parsed.data;
    const person = personOf(mapping, row.person);
    const own = ownOf(mapping, row.mailbox);
    if (person === undefined) return { line, reason: `person: is no ${addresses[mapping.channel]}` };
    if (own === undefined) return { line, reason: "mailbox: is needed, one of the mapping's domain" };
    if (person === own) return { line, reason: "person: is the mapping's own address" };
    const message = messageOf(row, { person, own, id: row.id ?? idOf(row, person, counts) });
    return rowOf(mapping, line, message, row.date);
  };
}

const addresses = { sms: "phone number, or the id of a chat", email: "mailbox" };

/** A message that was read, as a row. */
export function rowOf(mapping: MappingFacts, line: number, given: ProviderMessage, sentAt: Date): NewImportRow {
  const message = withNumbersOfToday(mapping, given);
  const person = addressOfPerson(mapping, message);
  if (person === undefined) return { line, reason: "it names nobody to whom it went" };
  const [said] = consentOfMessage(mapping, message);
  return { line, person, message, sentAt, consent: said?.change };
}

function wordsOf(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": "))
    .join("; ")
    .slice(0, 500);
}

/** PostgreSQL holds neither. */
const isStorable = (given: unknown) =>
  Object.values(given as Record<string, unknown>)
    .flat()
    .every((value) => typeof value !== "string" || (value.isWellFormed() && !value.includes("\0")));

function personOf({ channel, accountId, adapter, address }: MappingFacts, given: string): string | undefined {
  if (isChatId(given)) return adapter.takesIds ? chatIdOf(accountId, given) : undefined;
  // A spreadsheet has cut it: of several people it would make one.
  if (/^\d([.,]\d+)?E\+?\d+$/i.test(given)) return undefined;
  return normalizeAddress(channel, given, address);
}

/** Ours; of a mapping for a whole domain the row names the mailbox. */
function ownOf({ channel, address }: MappingFacts, given: string | undefined): string | undefined {
  if (!address.startsWith("*@")) return address;
  const own = given === undefined ? undefined : normalizeAddress(channel, given);
  return own?.endsWith(address.slice(1)) ? own : undefined;
}

function messageOf(row: PastRow, { person, own, id }: { person: string; own: string; id: string }): ProviderMessage {
  const { direction, name, text, subject, html, attachments = [], rfcMessageId, inReplyTo } = row;
  const isInbound = direction === "inbound";
  return {
    ...{ kind: "message", providerMessageId: id, fromName: name, rfcMessageId, subject, text, html },
    ...(isInbound ? { from: person, to: [own] } : { direction, from: own, to: [person] }),
    ...{ cc: [], bcc: [], references: [], inReplyTo: inReplyTo === undefined ? [] : [inReplyTo] },
    attachments: attachments.map((url) => ({ url })),
  };
}

/**
 * The same for the same line in another file; of lines that say the same each has its own. Of a number as it stands there, as earlier
 * versions had it.
 */
function idOf(row: PastRow, person: string, counts: Map<string, number>): string {
  const { direction, date, text, subject, html, attachments } = row;
  const said = JSON.stringify([direction, person, date, text?.trim(), subject, html, attachments]);
  const hash = createHash("sha256").update(said).digest("hex").slice(0, 40);
  const count = (counts.get(hash) ?? 0) + 1;
  counts.set(hash, count);
  return `import-${hash}${count > 1 ? `-${count}` : ""}`;
}
