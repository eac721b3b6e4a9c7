import { z } from "zod";
import { addressForms } from "../../registry/address-forms.ts";
import { listOwnNumbers, type MessageSearch } from "../../store/operate/find-messages.ts";
import type { Db } from "../../store/postgres/database.ts";
import { type Caller, reaches } from "../caller.ts";
import { numberedPageQuery } from "../list.ts";
import { parseId } from "../problem.ts";

/** Fields that several admin routes take. */

export const text = z
  .string({ error: ({ input }) => (input === undefined ? "is required" : "must be a text") })
  .trim()
  .min(1, "must not be empty")
  .max(200, "must have 200 characters at most");
export const credentials = z
  .unknown()
  .refine((value) => (JSON.stringify(value)?.length ?? 0) <= 20_000, "must have 20,000 characters at most");

/** Of a query. */
export const flag = z.enum(["true", "false"], "must be true or false").transform((value) => value === "true");
export const checkQuery = {
  check: flag.prefault("true").describe("Asks the provider and HighLevel at once whether what is registered works."),
};
/** With CSV the query says what in JSON the body does. */
export const csvField = z.string().optional().describe("With CSV.");
/** In a path; anything else is not there. */
export const uuidOf = z.string().meta({ format: "uuid" });
/** Not trimmed: a blank at its beginning is a plus. */
export const address = z.string().max(400, "must have 400 characters at most").regex(/\S/, "must not be empty");
/** A Message-ID has up to a line's length. */
const longId = z.string().trim().min(1, "must not be empty").max(1000, "must have 1,000 characters at most");
export const time = z.iso
  .datetime({ offset: true, error: "must be a time such as 2026-01-31T09:30:00Z" })
  .transform((given) => new Date(given));

/** Whom or which message a list is about, by whatever is known of them. */
export const searchFields = {
  locationId: text.optional(),
  mappingId: z.uuid().optional(),
  /** In any writing. */
  address: address.optional(),
  contactId: text.optional(),
  conversationId: text.optional(),
  highlevelMessageId: text.optional(),
  highlevelEmailMessageId: text.optional(),
  providerMessageId: longId.optional(),
  rfcMessageId: longId.optional(),
};
/** Why somebody discards something; never shown to people outside. */
export const note = noteOr("is required: why it is not to be done, in a few words");
/** Of an opt-out: agents read it in HighLevel. */
export const optionalNote = noteOr("must be a text").optional();

function noteOr(problem: string) {
  return z.string(problem).trim().min(1, "must not be empty").max(500, "must have 500 characters at most");
}

/** Of what is done to many at once. */
export const bulkFields = {
  cursor: numberedPageQuery.cursor,
  limit: z.number().int().min(1).max(100_000).default(1000),
  /** Says how many it would be, and does nothing. */
  dryRun: z.boolean().default(false),
};

export const timeFields = { from: time.optional(), until: time.optional() };

/** The same as the store takes it, and no further than the caller reaches. */
export async function readSearch<Given extends { locationId?: string | undefined; address?: string | undefined }>(
  people: Db,
  caller: Caller,
  { locationId, address: written, ...given }: Given,
): Promise<Omit<Given, "locationId" | "address"> & Pick<MessageSearch, "addresses" | "locationIds">> {
  const locationIds = locationsWithin(caller, locationId);
  if (written === undefined) return { ...given, locationIds };
  return { ...given, locationIds, addresses: addressForms(written, await listOwnNumbers(people, locationIds)) };
}

/** Of a location that the caller does not reach there is nothing. */
function locationsWithin(caller: Caller, locationId: string | undefined): string[] | undefined {
  if (locationId === undefined) return caller.locationIds;
  return reaches(caller, locationId) ? [locationId] : [];
}

/** A row's id in a path; anything else is not there. */
export const rowIdOf = (what: string) =>
  z
    .unknown()
    .transform((given) => parseId(given, what))
    .meta({ type: "integer" });
