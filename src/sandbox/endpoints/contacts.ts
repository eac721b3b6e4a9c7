import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { requireOwnLocation } from "../access.ts";
import { ApiError, refuse } from "../api-error.ts";
import { parseRequest, requireNoQuery } from "../parse-request.ts";
import { addressKey, type Contact, keepContact, newId, type State } from "../state.ts";

const optional = z.string().optional();
const nullable = z.string().nullish();
const dnd = z.strictObject({ status: z.enum(["active", "inactive", "permanent"]), message: optional, code: optional });
const channels = { Call: dnd, Email: dnd, SMS: dnd, WhatsApp: dnd, GMB: dnd, FB: dnd };

const fieldValue = z.union([z.string(), z.array(z.string()), z.looseObject({})]);

/** `UpdateContactDto` */
const update = z.strictObject({
  ...{ phone: nullable, email: nullable, name: nullable, firstName: nullable, lastName: nullable },
  ...{ address1: nullable, city: nullable, state: nullable, website: nullable, timezone: nullable },
  ...{ companyName: nullable, dateOfBirth: z.union([z.string(), z.looseObject({})]).nullish() },
  ...{ postalCode: optional, country: optional, gender: optional, source: optional, assignedTo: optional },
  tags: z.array(z.string()).optional(),
  customFields: z
    .array(z.strictObject({ id: z.string(), key: optional, field_value: fieldValue.optional() }))
    .optional(),
  dnd: z.boolean().optional(),
  dndSettings: z.strictObject(channels).partial().optional(),
  inboundDndSettings: z
    .strictObject({ all: z.strictObject({ status: z.enum(["active", "inactive"]), message: optional }).optional() })
    .optional(),
});
/** `UpsertContactDto` */
const upsert = update.extend({ locationId: z.string(), createNewIfDuplicateAllowed: z.boolean().optional() });
/** `CreateContactDto` */
const create = update.extend({ locationId: z.string() });
const duplicateQuery = z.strictObject({ locationId: z.string(), number: optional, email: optional });

/** `POST /contacts/` and `/contacts/upsert`, `GET /contacts/search/duplicate`, and `GET` and `PUT /contacts/{contactId}`. */
export function contactRoutes(state: State): Router {
  const router = Router();

  router.post("/upsert", (req, res) => {
    const { locationId, phone, email, name, firstName, lastName } = parseRequest(upsert, req.body);
    requireOwnLocation(req, res, locationId);
    checkAddresses(phone, email);
    const existing = find(locationId, phone, email);
    const contact: Contact = existing ?? { id: newId(), locationId };
    // What is given overwrites what was there: a name that a user typed, and the first address, although it was found by
    // another one.
    const fullName = name ?? [firstName, lastName].filter(Boolean).join(" ");
    Object.assign(contact, phone && { phone }, email && { email: email.toLowerCase() }, fullName && { name: fullName });
    keepContact(state, contact);
    res.json({ new: !existing, contact: showContact(contact) });
  });

  // By no more than a name, too.
  router.post("/", (req, res) => {
    const { locationId, phone, email, name } = parseRequest(create, req.body);
    requireOwnLocation(req, res, locationId);
    if (phone || email) checkAddresses(phone, email);
    const existing = find(locationId, phone, email);
    if (existing) {
      const meta = { contactId: existing.id, contactName: existing.name, matchingField: phone ? "phone" : "email" };
      throw new ApiError(400, "This location does not allow duplicated contacts.", { meta });
    }
    const address = { ...(phone ? { phone } : {}), ...(email ? { email: email.toLowerCase() } : {}) };
    const contact: Contact = { id: newId(), locationId, ...address, ...(name ? { name } : {}) };
    keepContact(state, contact);
    const { name: firstName, ...shown } = showContact(contact);
    res.status(201).json({ contact: { ...shown, firstName } });
  });

  router.get("/search/duplicate", (req, res) => {
    const { locationId, number, email } = parseRequest(duplicateQuery, req.query);
    requireOwnLocation(req, res, locationId);
    const contact = find(locationId, number, email);
    res.json({ contact: contact ? showContact(contact) : null });
  });

  router.get("/:contactId", (req, res) => {
    requireNoQuery(req);
    res.json({ contact: showContact(requireContact(req, res, req.params.contactId)) });
  });

  router.put("/:contactId", (req, res) => {
    const { dndSettings, name } = parseRequest(update, req.body);
    const contact = requireContact(req, res, req.params.contactId);
    // Whether settings that are left out stay is not published: here they do not.
    if (dndSettings) contact.dndSettings = dndSettings;
    if (name) contact.name = name;
    res.json({ succeded: true, contact: showContact(contact) });
  });

  function requireContact(req: Request, res: Response, id: string): Contact {
    const contact = state.contacts.get(id);
    if (!contact) throw new ApiError(400, `Contact with id ${id} not found`);
    requireOwnLocation(req, res, contact.locationId);
    return contact;
  }

  type Address = string | null | undefined;
  function find(locationId: string, phone: Address, email: Address): Contact | undefined {
    const [byPhone, byEmail] = [phone, email?.toLowerCase()].map(
      (address) => address && state.contactByAddress.get(addressKey(locationId, address)),
    );
    return byPhone || byEmail || undefined;
  }
  return router;
}

function showContact({ id, locationId, phone, email, name, dndSettings = {} }: Contact) {
  return { id, locationId, phone, email, name, dnd: false, dndSettings };
}

function checkAddresses(phone: string | null | undefined, email: string | null | undefined): void {
  const errors: string[] = [];
  if (phone && !/^\+[1-9]\d{6,14}$/.test(phone)) errors.push("phone must be a valid phone number");
  if (email && !/^[^\s@]+@[^\s@]+$/.test(email)) errors.push("email must be an email");
  if (!phone && !email) errors.push("Either phone or email is required");
  if (errors.length > 0) throw refuse.validation(errors);
}
