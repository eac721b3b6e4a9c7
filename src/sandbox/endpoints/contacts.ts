import { Router } from "express";
import { z } from "zod";
import { requireOwnLocation } from "../access.ts";
import { ApiError, refuse } from "../api-error.ts";
import { addressKey, type Contact, keepContact, newId, type State } from "../state.ts";

const upsert = z.object({
  locationId: z.string(),
  phone: z.string().optional(),
  email: z.string().optional(),
  name: z.string().optional(),
  firstName: z.string().optional(),
  lastName: z.string().optional(),
});

/** `POST /contacts/upsert`, `GET /contacts/search/duplicate` and `GET /contacts/{contactId}`. */
export function contactRoutes(state: State): Router {
  const router = Router();

  router.post("/upsert", (req, res) => {
    const parsed = upsert.safeParse(req.body);
    if (!parsed.success) throw refuse.validation(["locationId must be a string"]);
    const { locationId, phone, email, name, firstName, lastName } = parsed.data;
    requireOwnLocation(req, res, locationId);
    checkAddresses(phone, email);
    const existing = find(locationId, phone, email);
    const contact: Contact = existing ?? { id: newId(), locationId };
    // What is given overwrites what was there: a name that a user typed, and the first address, although it was found by
    // another one.
    const fullName = name ?? [firstName, lastName].filter(Boolean).join(" ");
    Object.assign(contact, phone && { phone }, email && { email: email.toLowerCase() }, fullName && { name: fullName });
    keepContact(state, contact);
    res.json({ new: !existing, contact });
  });

  router.get("/search/duplicate", (req, res) => {
    const { locationId, number, email } = req.query;
    requireOwnLocation(req, res, locationId);
    const text = (value: unknown) => (typeof value === "string" ? value : undefined);
    res.json({ contact: find(String(locationId), text(number), text(email)) ?? null });
  });

  router.get("/:contactId", (req, res) => {
    const contact = state.contacts.get(req.params.contactId);
    if (!contact) throw new ApiError(400, `Contact with id ${req.params.contactId} not found`);
    requireOwnLocation(req, res, contact.locationId);
    res.json({ contact });
  });

  function find(locationId: string, phone: string | undefined, email: string | undefined): Contact | undefined {
    const [byPhone, byEmail] = [phone, email?.toLowerCase()].map(
      (address) => address && state.contactByAddress.get(addressKey(locationId, address)),
    );
    return byPhone || byEmail || undefined;
  }
  return router;
}

function checkAddresses(phone: string | undefined, email: string | undefined): void {
  const errors: string[] = [];
  if (phone !== undefined && !/^\+[1-9]\d{6,14}$/.test(phone)) errors.push("phone must be a valid phone number");
  if (email !== undefined && !/^[^\s@]+@[^\s@]+$/.test(email)) errors.push("email must be an email");
  if (phone === undefined && email === undefined) errors.push("Either phone or email is required");
  if (errors.length > 0) throw refuse.validation(errors);
}
